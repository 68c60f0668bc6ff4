// An issuer of JWT access tokens: oidc-provider with client credentials and resource indicators (RFC 8707).
//
//     node issuer.mjs NODE_MODULES
//
// Prints one JSON line with its URLs when it listens, and ends when its input does. The client is `caller`, with the
// secret `a-secret-of-the-client-caller`; any resource becomes the audience. The commands of `issuer.rs` have a port of
// their own:
//
//     /rotate      signs with a new key from now on; the former ones stay published
//     /retire      publishes only the newest key
//     /down, /up   closes and reopens the issuer's port
//     /fetches     how often the keys were asked for
//     /key         the key that it signs with, in PEM: no real one tells
//     /leak        publishes a symmetric key beside the others from now on, and tells it: no real one does

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createPrivateKey, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";

const { Provider } = createRequire(`${process.argv[2]}/`)("oidc-provider");
const SCOPE = "tools:call tools:list";

const listen = async (server, port = 0) => {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
};

// The origin is known only when the port is, so the handlers come after.
const [front, admin] = [createServer(), createServer()];
const port = await listen(front);
const issuer = `http://127.0.0.1:${port}`;

let keys = [];
let made = 0;
let fetches = 0;
let leaked;
let serve;

/** The provider's keys are fixed, so another provider takes its place; tokens are in no need of a store. */
const publish = (kept) => {
  keys = kept;
  const provider = new Provider(issuer, {
    adapter: () => ({ find: async () => undefined, upsert: async () => {} }),
    clients: [
      {
        client_id: "caller",
        client_secret: "a-secret-of-the-client-caller",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: "ES256" },
    cookies: { keys: ["a key of the tests"] },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource) => ({
          scope: SCOPE,
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256", kid: keys[0].kid } },
        }),
      },
    },
    jwks: { keys },
    scopes: SCOPE.split(" "),
    ttl: { ClientCredentials: 600 },
  });
  provider.on("server_error", (_, error) => console.error(error));
  serve = provider.callback();
};

const rotate = () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: `key-${(made += 1)}` };
  publish([key, ...keys]);
};

rotate();
front.on("request", (request, response) => {
  if (request.url === "/jwks") fetches += 1;
  if (request.url === "/jwks" && leaked) {
    const open = keys.map(({ d, ...key }) => key);
    response.setHeader("Content-Type", "application/jwk-set+json").end(JSON.stringify({ keys: [leaked, ...open] }));
  } else {
    serve(request, response);
  }
});

const commands = {
  "/rotate": rotate,
  "/retire": () => publish(keys.slice(0, 1)),
  "/down": () => new Promise((closed) => (front.close(closed), front.closeAllConnections())),
  "/up": () => listen(front, port),
  "/fetches": () => fetches,
  "/key": () => ({
    id: keys[0].kid,
    pem: createPrivateKey({ key: keys[0], format: "jwk" }).export({ type: "pkcs8", format: "pem" }),
  }),
  "/leak": () =>
    (leaked = { kty: "oct", kid: "leaked", alg: "HS256", use: "sig", k: randomBytes(32).toString("base64url") }),
};
admin.on("request", async (request, response) => {
  const answer = (await commands[request.url]()) ?? null;
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
});

const urls = { issuer, admin: `http://127.0.0.1:${await listen(admin)}` };
process.stdout.write(`${JSON.stringify(urls)}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
