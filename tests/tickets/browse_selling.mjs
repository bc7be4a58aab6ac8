// Looks at the organiser's pages of a sale in Chromium, on a phone and a desk, light and dark. Reads {base, chromium, event,
// email, password, type} from the command line, prints one JSON object of what it saw. Asserting is the test's business.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const seen = { complaints: [], violations: {}, wide: [] };

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

async function check(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (wide) seen.wide.push(name);
  const found = await page.evaluate(`(() => { const module = undefined; ${axe}; return window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }) })()`);
  const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  if (told.length) seen.violations[name] = told;
  if (given.pictures) await page.screenshot({ path: `${given.pictures}/${name.replaceAll(/\W+/g, "-")}.png`, fullPage: true });
}

for (const [colorScheme, width] of [["light", 390], ["dark", 1200]]) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width, height: 844 }, colorScheme, bypassCSP: true });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.complaints.push(`${page.url()}: ${error}`));
  await page.goto("/sign-in");
  await page.fill("#email", given.email);
  await page.fill("#password", given.password);
  await page.locator("form[action*='sign-in'] button").first().click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  for (const part of ["ticket-types", "ticket-types/new", `ticket-types/${given.type}`, "sale"]) {
    await page.goto(`${given.event}/${part}`);
    await page.evaluate(() => document.querySelectorAll("main details").forEach((folded) => (folded.open = true)));
    await check(page, `${colorScheme} ${part.replace(given.type, "edit")}`);
  }
}
await browser.close();
console.log(JSON.stringify(seen));
