// An MCP server with sessions, by the official SDK: streamable HTTP at /mcp, HTTP+SSE at /sse. Its tool tells who it
// thinks is calling. It listens on the port that the environment names; its only argument is the folder of the parts.
//
// `x-user: mallory` is refused with 401 and `x-user: eve` with 403, at every request.

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const sdk = (module) => require(`@modelcontextprotocol/sdk/${module}.js`);
const { Server } = sdk("server/index");
const { SSEServerTransport } = sdk("server/sse");
const { StreamableHTTPServerTransport } = sdk("server/streamableHttp");
const { ListToolsRequestSchema, CallToolRequestSchema } = sdk("types");

const sessions = new Map();
const TOOLS = [{ name: "whoami", inputSchema: { type: "object" } }];

/** `opened` are the headers that the session was opened with. */
async function connect(transport, opened) {
  const server = new Server({ name: "identities", version: "1.0.0" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }));
  server.setRequestHandler(CallToolRequestSchema, (_, { sessionId, requestInfo }) => {
    const told = { session: sessionId, open: sessions.size, opened, headers: requestInfo.headers };
    return { content: [{ type: "text", text: JSON.stringify(told) }] };
  });
  await server.connect(transport);
}

const app = sdk("server/express").createMcpExpressApp();
app.use((request, response, next) => {
  const status = { mallory: 401, eve: 403 }[request.headers["x-user"]];
  if (status === 401) response.set("WWW-Authenticate", "Bearer");
  return status ? response.status(status).json({ error: "not you" }) : next();
});
app.get("/sessions", (_, response) => response.json(sessions.size));
app.delete("/sessions", (_, response) => {
  sessions.clear();
  response.end();
});
app.all("/mcp", async (request, response) => {
  const id = request.headers["mcp-session-id"];
  if (id && !sessions.has(id)) return response.status(404).end();
  const transport =
    sessions.get(id) ??
    new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    });
  if (!id) await connect(transport, request.headers);
  return transport.handleRequest(request, response, request.body);
});
app.get("/sse", async (request, response) => {
  const transport = new SSEServerTransport("/messages", response);
  sessions.set(transport.sessionId, transport);
  response.on("close", () => sessions.delete(transport.sessionId));
  await connect(transport, request.headers);
});
app.post("/messages", (request, response) => {
  const transport = sessions.get(request.query.sessionId);
  return transport ? transport.handlePostMessage(request, response, request.body) : response.status(404).end();
});
app.listen(process.env.PORT, "127.0.0.1");
