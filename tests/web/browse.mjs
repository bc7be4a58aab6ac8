// Drives Chromium through Vently's pages. Reads {base, chromium, email, password, event, community} from the command
// line, prints one JSON object: what each step saw. Asserting is the test's business.
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

async function open(options) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width: 390, height: 844 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(message.text()));
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  return page;
}

async function check(page, name) {
  await page.addInitScript(() => {});
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (wide) seen.wide.push(name);
  const found = await page.evaluate(`(() => { const module = undefined; ${axe}; return window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }) })()`);
  const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  if (told.length) seen.violations[name] = told;
}

for (const colorScheme of ["light", "dark"]) {
  const page = await open({ colorScheme, bypassCSP: true });
  for (const path of ["/", "/communities", given.community, given.event, "/sign-in", "/sign-up", "/nothing-here"]) {
    await page.goto(path);
    await check(page, `${colorScheme} ${path}`);
  }
  await page.context().close();
}
seen.complaints = seen.complaints.filter((text) => !text.includes("404"));

const phone = await open({});
await phone.goto(given.list);
seen.first = await phone.locator("article.card").count();
for (let turn = 0; turn < 20 && (await phone.locator("#more").count()); turn++) {
  await phone.locator("#more").scrollIntoViewIfNeeded().catch(() => {});
  await phone.waitForTimeout(150);
}
seen.all = await phone.locator("article.card h3 a").evaluateAll((links) => links.map((link) => link.getAttribute("href")));

await phone.goto(`/sign-in?next=${encodeURIComponent(given.event)}`);
await phone.fill("#email", given.email);
await phone.fill("#password", given.password);
await phone.click("form button:has-text('Sign in')");
await phone.waitForURL(`**${given.event}`);
await phone.click("#answer-going");
await phone.locator("#answer-title", { hasText: "You’re going" }).waitFor();
seen.stayed = phone.url().endsWith(given.event);
await phone.fill("#body", "See you there");
await phone.click("#talk .say button");
await phone.locator("#talk article", { hasText: "See you there" }).waitFor();
await check(phone, "signed in, event");
for (const path of ["/me", "/me/profile", "/events/new", "/communities/new"]) {
  await phone.goto(path);
  await check(phone, `signed in, ${path}`);
}

const plain = await open({ javaScriptEnabled: false });
await plain.goto(given.list);
await plain.click("#more a");
seen.withoutScript = await plain.locator("article.card").count();

await browser.close();
console.log(JSON.stringify(seen));
