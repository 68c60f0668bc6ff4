// The authorization server: oidc-provider with registration (RFC 7591), PKCE (RFC 7636), resource indicators
// (RFC 8707), opaque access tokens that can be revoked, and refresh tokens that rotate. A refresh token that is used
// twice ends its whole grant. Who opens the login page is logged in, or denied where the world says so.

import { generateKeyPairSync } from "node:crypto";

export const SCOPE = "mcp";
/** Of the client `machine`, which acts for itself. */
const MACHINE_SECRET = "a-secret-of-the-client-machine";

export function issuer(require, origins, world) {
  const { Provider, errors } = require("oidc-provider");
  const resources = [`${origins.mcp}/mcp`, `${origins.mcp}/sse`];
  const day = 24 * 60 * 60;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

  const provider = new Provider(origins.issuer, {
    adapter: (model) => world.adapter(model),
    clients: [
      {
        client_id: "machine",
        client_secret: MACHINE_SECRET,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    clockTolerance: 0,
    cookies: { keys: ["a key of the tests"] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      registration: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => {
          if (!resources.includes(resource)) throw new errors.InvalidTarget();
          return { scope: SCOPE, audience: resource, accessTokenTTL: world.ttl, accessTokenFormat: "opaque" };
        },
      },
    },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: ["openid", "offline_access", SCOPE],
    ttl: {
      AccessToken: () => world.ttl,
      AuthorizationCode: 60,
      ClientCredentials: () => world.ttl,
      Grant: day,
      IdToken: day,
      Interaction: day,
      RefreshToken: day,
      Session: day,
    },
  });

  // Requests of killed gateways end in the middle, which is no news; faults of the server itself are.
  provider.silent = true;
  provider.on("server_error", (_, error) => console.error(error));
  provider.on("authorization.success", (_, out) => world.secret(out.code));
  provider.on("registration_create.success", (context) => {
    world.count("registrations");
    world.secret(context.body.client_secret, context.body.registration_access_token);
  });
  provider.use((context, next) => (context.path === "/token" ? token(context, next, world) : next()));

  const served = provider.callback();
  const login = /^\/interaction\//;
  const handle = (request, response) =>
    login.test(request.url) ? interact(provider, world, request, response) : served(request, response);
  const find = async (value) =>
    (await provider.AccessToken.find(value)) ?? provider.ClientCredentials.find(value);
  return { handle, accessToken: find };
}

/** Stands at the token endpoint: counts, remembers secrets, and keeps requests where the world says so. */
async function token(context, next, world) {
  world.count("token arrived");
  let gone = false;
  context.res.on("close", () => {
    gone = !context.res.writableFinished;
    if (gone) world.count("token abandoned");
  });
  await world.pass("arrived");
  // A request whose client has gone meanwhile was never heard.
  if (gone) return;
  context.res.on("finish", () => world.count("token answered"));
  await next();
  const { grant_type: grant, code_verifier: verifier } = context.oidc?.params ?? {};
  const { access_token: access, refresh_token: refresh, error } = context.body ?? {};
  const [, credentials] = context.get("authorization").split(" ");
  world.secret(verifier, access, refresh, credentials);
  if (access) world.issued.push(performance.now());
  world.count(`${grant} ${error ?? "ok"}`);
  await world.pass("processed");
}

/** The page where a person would log in and consent: does both at once, or denies. */
async function interact(provider, world, request, response) {
  const finish = (result) => provider.interactionFinished(request, response, result);
  if (world.denyNext) {
    world.denyNext = false;
    world.count("logins denied");
    return finish({ error: "access_denied", error_description: "the person said no" });
  }
  const { params } = await provider.interactionDetails(request, response);
  const grant = new provider.Grant({ accountId: "person", clientId: params.client_id });
  const scope = params.scope ?? "";
  grant.addOIDCScope(scope);
  for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, scope);
  world.count("logins granted");
  return finish({ login: { accountId: "person" }, consent: { grantId: await grant.save() } });
}
