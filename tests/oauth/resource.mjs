// The MCP server: tools `echo` and `add` at /mcp (streamable HTTP with sessions) and /sse (HTTP+SSE), each a resource
// of its own (RFC 9728) that asks for a token of the authorization server (RFC 6750). Tokens are looked up in the same
// process, so it works on while the authorization server is down.

import { randomUUID } from "node:crypto";
import { SCOPE } from "./issuer.mjs";

const numbers = { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] };
const text = { type: "object", properties: { message: { type: "string" } }, required: ["message"] };
const TOOLS = [
  { name: "echo", description: "Says it again", inputSchema: text },
  { name: "add", description: "Adds two numbers", inputSchema: numbers },
];
const ANSWERS = { echo: ({ message }) => `Echo: ${message}`, add: ({ a, b }) => String(a + b) };

export function resource(require, origins, world, issuer) {
  const sdk = (module) => require(`@modelcontextprotocol/sdk/${module}.js`);
  const { Server } = sdk("server/index");
  const { SSEServerTransport } = sdk("server/sse");
  const { StreamableHTTPServerTransport } = sdk("server/streamableHttp");
  const { ListToolsRequestSchema, CallToolRequestSchema } = sdk("types");

  const connect = async (transport) => {
    const server = new Server({ name: "guarded", version: "1.0.0" }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
    server.setRequestHandler(CallToolRequestSchema, ({ params: { name, arguments: given } }) => {
      world.count(`call ${name}`);
      return { content: [{ type: "text", text: ANSWERS[name](given) }] };
    });
    await server.connect(transport);
  };

  const app = sdk("server/express").createMcpExpressApp({ allowedHosts: [new URL(origins.mcp).hostname] });
  for (const path of ["/mcp", "/sse"]) {
    app.get(`${origins.metadata}${path}`, (_, response) =>
      response.json({
        resource: `${origins.mcp}${path}`,
        authorization_servers: [origins.issuer],
        scopes_supported: [SCOPE],
        bearer_methods_supported: ["header"],
      }),
    );
  }
  const [mcpGuard, sseGuard] = ["/mcp", "/sse"].map((path) => guard(sdk, origins, path, issuer));

  const sessions = new Map();
  app.all("/mcp", mcpGuard, async (request, response) => {
    const id = request.headers["mcp-session-id"];
    if (id && !sessions.has(id)) return response.status(404).end();
    const transport =
      sessions.get(id) ??
      new StreamableHTTPServerTransport({
        sessionIdGenerator: () => randomUUID(),
        onsessioninitialized: (id) => void sessions.set(id, transport),
        onsessionclosed: (id) => void sessions.delete(id),
      });
    if (!id) await connect(transport);
    return transport.handleRequest(request, response, request.body);
  });

  const streams = new Map();
  app.get("/sse", sseGuard, async (_, response) => {
    const transport = new SSEServerTransport("/messages", response);
    streams.set(transport.sessionId, transport);
    response.on("close", () => streams.delete(transport.sessionId));
    await connect(transport);
  });
  app.post("/messages", sseGuard, (request, response) => {
    const transport = streams.get(request.query.sessionId);
    return transport ? transport.handlePostMessage(request, response, request.body) : response.status(404).end();
  });
  return app;
}

/** Lets in who has a living token for this path with the scope. */
function guard(sdk, { mcp: origin, metadata }, path, issuer) {
  const { requireBearerAuth } = sdk("server/auth/middleware/bearerAuth");
  const { InvalidTokenError } = sdk("server/auth/errors");
  const verifyAccessToken = async (token) => {
    const found = await issuer.accessToken(token);
    if (!found) throw new InvalidTokenError("Token is unknown, expired or revoked");
    const scopes = (found.scope ?? "").split(" ");
    return { token, clientId: found.clientId, scopes, expiresAt: found.exp, resource: new URL(found.aud) };
  };
  return requireBearerAuth({
    verifier: { verifyAccessToken },
    requiredScopes: [SCOPE],
    resourceMetadataUrl: `${origin}${metadata}${path}`,
    expectedResource: `${origin}${path}`,
  });
}
