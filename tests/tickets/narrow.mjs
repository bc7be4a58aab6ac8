// Opens pages in Chromium on a small phone. Reads {base, chromium, modules, pages} from the command line, pages being a list
// of [token, path]; prints what the browser complains of, and the pages that are wider than the phone.
import { createRequire } from "node:module";

const given = JSON.parse(process.argv[2]);
const { chromium } = createRequire(`${given.modules}/`)("playwright-core");
const seen = { complaints: [], wide: [], shown: 0 };

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
for (const [token, path] of JSON.parse(given.pages)) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width: 360, height: 740 } });
  await context.addCookies([{ name: "vently_access", value: token, url: given.base }]);
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(`${path}: ${message.text()}`));
  await page.goto(path);
  await page.evaluate(() => document.querySelectorAll("main details").forEach((folded) => (folded.open = true)));
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > 360) seen.wide.push(`${path}: ${width}`);
  seen.shown += 1;
  await context.close();
}
await browser.close();
console.log(JSON.stringify(seen));
