// Opens a documentation page in headless Chromium as a person would: sees the tools, opens one, "Try it out",
// "Execute", reads the answer. Told what to do by one JSON argument (browser.rs writes it). Fails if the page asks
// for anything outside loopback, logs an error, or breaks its own content security policy.

import { open } from "./open.mjs";

const told = JSON.parse(process.argv[2]);
const { browser, page, faults } = await open(told);
page.on("console", (message) => message.type() === "error" && faults.push(`console: ${message.text()}`));
page.on("response", (response) => response.status() >= 400 && faults.push(`${response.status()} ${response.url()}`));

await page.goto(told.page);
for (const tool of told.tools) {
  await page.locator(`.opblock-summary-path[data-path="/${tool}"]`).waitFor();
}
const operation = page.locator(".opblock", { has: page.locator(`[data-path="/${told.execute}"]`) });
await operation.locator(".opblock-summary-control").click();
// "Try it out" may be spared: then the form is open already.
const form = operation.locator("textarea.body-param__text");
const attempt = operation.getByRole("button", { name: "Try it out" });
await form.or(attempt).first().waitFor();
if (await attempt.isVisible()) await attempt.click();
await form.fill(JSON.stringify(told.arguments));
await operation.getByRole("button", { name: "Execute" }).click();
const answer = operation.locator(".live-responses-table .response");
const status = (await answer.locator(".response-col_status").innerText()).trim();
const body = await answer.locator(".response-col_description").innerText();
await page.screenshot({ path: told.picture, fullPage: true });
await browser.close();

if (!status.startsWith("200")) faults.push(`Execute answered ${status}: ${body}`);
if (!body.includes(told.expect)) faults.push(`the answer lacks ${told.expect}: ${body}`);
if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
