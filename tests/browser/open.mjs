// Starts headless Chromium, whose faults are collected: errors of scripts, and requests for anything outside loopback.

import { createRequire } from "node:module";

/** `told` names the folders of Playwright and of the profile. */
export async function open(told) {
  const { chromium } = createRequire(import.meta.url)(told.playwright);
  const browser = await chromium.launchPersistentContext(told.profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    viewport: { width: 1280, height: 1600 },
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // No name but loopback resolves: a page that needs the internet fails here as it would without it.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
  const page = browser.pages()[0] ?? (await browser.newPage());
  page.setDefaultTimeout(60_000);

  const faults = [];
  page.on("pageerror", (error) => faults.push(`script error: ${error}`));
  await browser.route("**", (route) => {
    const { hostname, protocol } = new URL(route.request().url());
    if (hostname === "127.0.0.1" || protocol === "data:" || protocol === "blob:") return route.continue();
    faults.push(`reached for ${route.request().url()}`);
    return route.abort();
  });
  return { browser, page, faults };
}
