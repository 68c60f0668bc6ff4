// Calls tools with the client that @hey-api/openapi-ts has written; prints what came of each as JSON.

import { createRequire } from "node:module";

const [server, key, calls] = process.argv.slice(2);
const require = createRequire(`${process.cwd()}/`);
const operations = Object.entries(require("./example_client/index.js"));
require("./example_client/client.gen.js").client.setConfig({ baseUrl: server, auth: key });

const answers = [];
for (const [tool, body] of JSON.parse(calls)) {
  const [, operation] = operations.find(([name]) => name.toLowerCase() === `tool${tool.replaceAll("_", "")}post`);
  const { data, error, response } = await operation({ body });
  answers.push([tool, response.status, JSON.stringify(data ?? error)]);
}
console.log(JSON.stringify(answers));
