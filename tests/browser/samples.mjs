// Opens a documentation page in headless Chromium, presses "Execute" for every tool with the body that the page has
// filled in, and prints what came of each as JSON. Told what to do by one JSON argument (browser.rs writes it).

import { open } from "./open.mjs";

const told = JSON.parse(process.argv[2]);
const { browser, page, faults } = await open(told);

await page.goto(told.page);
await page.locator(".opblock").first().waitFor();
const results = [];
for (const operation of await page.locator(".opblock").all()) {
  // Pressed without waiting until the page stands still, which takes long where there is much of it.
  const press = (selector) => operation.locator(selector).dispatchEvent("click");
  await press(".opblock-summary-control");
  await press(".try-out__btn");
  await operation.locator(".execute").waitFor();
  const form = operation.locator("textarea.body-param__text");
  const sent = (await form.count()) ? await form.inputValue() : null;
  await press(".execute");
  const tool = (await operation.locator(".opblock-summary-path").getAttribute("data-path")).slice(1);
  const answer = operation.locator(".live-responses-table .response");
  const status = parseInt(await answer.locator(".response-col_status").innerText());
  const body = await answer.locator(".response-col_description").innerText();
  results.push({ tool, sent, status, body });
  await press(".opblock-summary-control");
}
await browser.close();

console.log(JSON.stringify(results));
if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
