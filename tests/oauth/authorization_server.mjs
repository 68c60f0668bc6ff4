// An authorization server (oidc-provider) in front of an MCP server (the official SDK), and a way to command both.
//
//     node authorization_server.mjs NODE_MODULES [HOST]
//
// With HOST, that is the name of the MCP server, whose metadata is where its challenges say alone.
// Prints one JSON line with the URLs when all three listen, and ends when its input does. Everything is kept in
// memory. `issuer.mjs` is the authorization server, `resource.mjs` the MCP server; this file starts them and serves
// the commands of `support/authorization.rs` on a port of their own, so that they work while the issuer is down:
//
//     /counts                    how often each thing happened, by name
//     /until?name=N&least=COUNT  answers when that many of N have happened
//     /issued                    when access tokens were issued, in ms of a monotonic clock
//     /expired                   answers when no access token lives any more
//     /secrets                   all tokens, codes, verifiers and client secrets that went over the wire
//     /revoke-access, /revoke-refresh, /forget-clients, /deny-next-login
//     /ttl?seconds=N             the life of access tokens from now on
//     /down, /up                 closes and reopens the authorization server's port, not the MCP server's
//     /hold?at=arrived|processed keeps the next token request before, or its answer after, it is worked on
//     /release                   lets it go on

import { createServer } from "node:http";
import { createRequire } from "node:module";
import { once } from "node:events";
import { issuer } from "./issuer.mjs";
import { resource } from "./resource.mjs";
import { World } from "./world.mjs";

const require = createRequire(`${process.argv[2]}/`);
const world = new World();

const listen = async (server, port = 0) => {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
};

// Origins are known only when the ports are, so the handlers come after.
const [front, mcp, admin] = [createServer(), createServer(), createServer()];
const port = await listen(front);
const host = process.argv[3] ?? "127.0.0.1";
const origins = {
  issuer: `http://127.0.0.1:${port}`,
  mcp: `http://${host}:${await listen(mcp)}`,
  metadata: process.argv[3] ? "/metadata" : "/.well-known/oauth-protected-resource",
};
const provider = issuer(require, origins, world);
front.on("request", provider.handle);
mcp.on("request", resource(require, origins, world, provider));

const commands = {
  "/counts": () => world.counts,
  "/until": (query) => world.until(query.get("name"), Number(query.get("least"))),
  "/issued": () => world.issued,
  "/expired": () => world.expired(),
  "/secrets": () => [...world.secrets],
  "/revoke-access": () => world.forget("AccessToken"),
  "/revoke-refresh": () => world.forget("RefreshToken"),
  "/forget-clients": () => world.forget("Client"),
  "/deny-next-login": () => (world.denyNext = true),
  "/ttl": (query) => (world.ttl = Number(query.get("seconds"))),
  "/down": () => new Promise((closed) => (front.close(closed), front.closeAllConnections())),
  "/up": () => listen(front, port),
  "/hold": (query) => world.hold(query.get("at")),
  "/release": () => world.release(),
};
admin.on("request", async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://admin");
  const answer = (await commands[pathname](searchParams)) ?? null;
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
});

const urls = { ...origins, admin: `http://127.0.0.1:${await listen(admin)}` };
process.stdout.write(`${JSON.stringify(urls)}\n`);
process.stdin.on("end", () => process.exit(0)).resume();
