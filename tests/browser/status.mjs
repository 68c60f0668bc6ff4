// Opens the status page in headless Chromium as a person would: gives the key, sees the servers, sees a change without
// loading the page anew, and takes its picture in light, dark and on a phone. Told what to do by one JSON argument
// (browser.rs writes it). Fails if the page asks for anything outside the gateway, or breaks its own content security policy.

import { createRequire } from "node:module";

const told = JSON.parse(process.argv[2]);
const { chromium } = createRequire(import.meta.url)(told.playwright);

const browser = await chromium.launchPersistentContext(told.profile, {
  executablePath: "/usr/bin/chromium",
  headless: true,
  viewport: { width: 1280, height: 800 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"],
});
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(60_000);

const faults = [];
const origin = new URL(told.page).origin;
page.on("pageerror", (error) => faults.push(`script error: ${error}`));
// The refusal for want of the key is logged by Chromium, and is what is tested.
page.on("console", (message) => {
  if (message.type() === "error" && !/status of 40[13]/.test(message.text())) faults.push(`console: ${message.text()}`);
});
page.on("request", (request) => {
  const url = new URL(request.url());
  if (url.protocol !== "data:" && url.origin !== origin) faults.push(`reached for ${url}`);
});

const picture = (name) => page.screenshot({ path: `${told.pictures}/${name}.png`, fullPage: true });
const give = async (key) => {
  await page.locator("#key").fill(key);
  await page.locator("#ask button").click();
};

await page.goto(told.page);
if (told.key) {
  await page.locator("#ask").waitFor();
  await picture("status-key");
  await give("wrong");
  await page.locator("#refused").waitFor();
  await give(told.key);
}
const card = (name) => page.locator("#servers li", { has: page.getByRole("heading", { name, exact: true }) });
for (const [name, state] of Object.entries(told.states)) {
  await card(name).locator(`.state[data-state="${state}"]`).waitFor();
}
if (told.key) {
  const kept = await page.evaluate(() => [Object.values({ ...sessionStorage }), Object.values({ ...localStorage }), document.cookie]);
  if (JSON.stringify(kept) !== JSON.stringify([[told.key], [], ""])) faults.push(`kept: ${JSON.stringify(kept)}`);
}
const calls = card(told.called).locator(".calls");
const before = Number(await calls.innerText());
await fetch(`${told.page}${told.called}/${told.tool}`, {
  method: "POST",
  headers: { "Content-Type": "application/json", ...(told.key && { Authorization: `Bearer ${told.key}` }) },
  body: JSON.stringify(told.arguments),
});
await card(told.called).locator(".calls", { hasText: new RegExp(`^${before + 1}$`) }).waitFor();

await picture("status");
await page.emulateMedia({ colorScheme: "dark" });
await picture("status-dark");
await page.setViewportSize({ width: 375, height: 800 });
await picture("status-phone");
const wide = await page.evaluate(() => document.documentElement.scrollWidth);
if (wide > 375) faults.push(`${wide} pixels wide on a phone`);

await card(told.called).locator(".docs").click();
await page.locator("#swagger-ui").waitFor();
await browser.close();

if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
