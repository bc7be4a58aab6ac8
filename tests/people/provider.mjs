// Drives Chromium to another site and back. Reads {base, chromium, modules, issuer, login} from the command line; prints
// what it saw as one JSON object.
import { createRequire } from "node:module";

const given = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${given.modules}/`)("playwright-core");
const seen = { complaints: [] };
const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

for (const javaScriptEnabled of [true, false]) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width: 390, height: 844 }, javaScriptEnabled });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on("console", (message) => {
    if (message.type() === "error" && page.url().startsWith(given.base)) seen.complaints.push(message.text());
  });
  await page.goto("/sign-in?next=/communities");
  await page.click("button:has-text('Go on with Town hall')");
  await page.waitForURL(`${given.issuer}/**`);
  await page.fill("input[name=login]", given.login);
  await page.fill("input[name=password]", "any");
  await page.click("button[type=submit]");
  while (page.url().startsWith(given.issuer)) {
    const left = page.waitForURL((url) => url.origin !== given.issuer, { timeout: 3000 }).catch(() => {});
    if (await page.locator("button[type=submit]").count().catch(() => 0)) await page.click("button[type=submit]").catch(() => {});
    await left;
  }
  await page.waitForURL(`${given.base}/communities`);
  seen[javaScriptEnabled ? "script" : "plain"] = await page.locator("a.who").count();
}
await browser.close();
console.log(JSON.stringify(seen));
