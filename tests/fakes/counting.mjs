// An MCP server by the official SDK that writes down each run of a tool, so that none can have two unnoticed.
//
//     node counting.mjs NODE_MODULES RUNS [TLS]
//
// Where PORT is set it listens there: at /mcp over streamable HTTP with sessions, at /sse over HTTP+SSE; over TLS with
// `cert.pem` and `key.pem` of the folder TLS where that is given. Without PORT it speaks over stdio.
//
// A call's `key` is appended to the file RUNS before anything else, and is its answer. Its other arguments:
//     "pause": MS       answers so much later
//     "until": FILE     answers only when FILE exists
//     "hush": true      over stdio: closes its output without an answer, and lives on
//     "grow": NAME      adds a tool of this name and tells that the tools have changed
//     "refuse": TEXT    over HTTP: is refused with 400 and this body, and does not run

import { appendFileSync, closeSync, existsSync, readFileSync } from "node:fs";
import { randomUUID } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";

const [modules, runs, tls] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const sdk = (module) => require(`@modelcontextprotocol/sdk/${module}.js`);
const { Server } = sdk("server/index");
const { SSEServerTransport } = sdk("server/sse");
const { StdioServerTransport } = sdk("server/stdio");
const { StreamableHTTPServerTransport } = sdk("server/streamableHttp");
const { ListToolsRequestSchema, CallToolRequestSchema } = sdk("types");
const express = require("express");

const tools = [{ name: "call", inputSchema: { type: "object" } }];

const connect = async (transport) => {
  const server = new Server({ name: "counting", version: "1.0.0" }, { capabilities: { tools: { listChanged: true } } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params: { arguments: { key, pause, until, hush, grow } } }) => {
    appendFileSync(runs, `${key}\n`);
    await setTimeout(pause);
    while (until && !existsSync(until)) await setTimeout(20);
    if (hush) await new Promise(() => closeSync(1));
    if (grow) {
      tools.push({ ...tools[0], name: grow });
      await server.sendToolListChanged();
    }
    return { content: [{ type: "text", text: `${key}` }] };
  });
  await server.connect(transport);
};

const app = express();
app.use(express.json());
app.use((request, response, next) => {
  const text = request.body?.params?.arguments?.refuse;
  return text === undefined ? next() : response.status(400).send(text);
});

const sessions = new Map();
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
  if (!id) await connect(transport);
  return transport.handleRequest(request, response, request.body);
});

const streams = new Map();
app.get("/sse", async (_, response) => {
  const transport = new SSEServerTransport("/messages", response);
  streams.set(transport.sessionId, transport);
  response.on("close", () => streams.delete(transport.sessionId));
  await connect(transport);
});
app.post("/messages", (request, response) => {
  const transport = streams.get(request.query.sessionId);
  return transport ? transport.handlePostMessage(request, response, request.body) : response.status(404).end();
});

const pem = (name) => readFileSync(`${tls}/${name}.pem`);
if (process.env.PORT) {
  const server = tls ? https.createServer({ cert: pem("cert"), key: pem("key") }, app) : http.createServer(app);
  server.listen(Number(process.env.PORT), "127.0.0.1");
} else {
  await connect(new StdioServerTransport());
}
