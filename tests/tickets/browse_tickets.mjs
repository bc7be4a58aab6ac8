// Buys tickets in Chromium, with and without JavaScript. Reads {base, chromium, event, email, password} from the command
// line, prints one JSON object: what each step saw. Asserting is the test's business.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const seen = { complaints: [], violations: {}, wide: [], bought: {} };

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

async function open(options) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width: 390, height: 844 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.complaints.push(`${page.url()}: ${error}`));
  return page;
}

async function check(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (wide) seen.wide.push(name);
  const found = await page.evaluate(`(() => { const module = undefined; ${axe}; return window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }) })()`);
  const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  if (told.length) seen.violations[name] = told;
  if (given.pictures) await page.screenshot({ path: `${given.pictures}/${name.replaceAll(/\W+/g, "-")}.png`, fullPage: true });
}

// The addresses that pages carry name the site, which is not where the browser finds it here.
const here = (address) => address.replace(/^https?:\/\/[^/]+/, "");

async function buys(page, name, looked = async () => {}) {
  await page.goto(given.event);
  await looked("event");
  await page.getByLabel("How many of paid").selectOption("2");
  await page.locator("#tickets button").click();
  await page.waitForURL("**/tickets?**");
  await looked("cart");
  await page.fill("#name", name);
  await page.fill("#email", `${name}@example.org`);
  await page.locator(".buy > button").click();
  await page.waitForURL("**/pretend/checkout/**");
  await looked("checkout");
  return page.url();
}

async function says(page, checkout, outcome) {
  const answer = await page.request.post(here(checkout), { form: { outcome }, maxRedirects: 0 });
  return here(answer.headers().location);
}

for (const colorScheme of ["light", "dark"]) {
  const page = await open({ colorScheme, bypassCSP: true });
  const looked = (what) => check(page, `${colorScheme} ${what}`);
  const checkout = await buys(page, `anna-${colorScheme}`, looked);
  await page.goto(await says(page, checkout, "declined"));
  await looked("order held");
  await says(page, checkout, "paid");
  // It looks again by itself.
  await page.locator(".qr").first().waitFor({ timeout: 15000 });
  seen.bought[colorScheme] = await page.locator(".qr").count();
  await looked("order paid");
  await page.locator("details summary").first().click();
  await looked("order paid, open");
  await page.locator(".code-of").first().click();
  await page.waitForURL("**/tickets/**");
  await looked("ticket");
  await page.goto(`${given.event}/tickets?n_0=1&code=nothing`);
  await looked("cart, wrong code");
  await page.context().close();
}

const plain = await open({ javaScriptEnabled: false });
await plain.goto(await says(plain, await buys(plain, "paul"), "paid"));
seen.bought.withoutScript = await plain.locator(".qr").count();

const phone = await open({});
await phone.goto(`/sign-in?next=${encodeURIComponent(given.event)}`);
await phone.fill("#email", given.email);
await phone.fill("#password", given.password);
await phone.click("form button:has-text('Sign in')");
await phone.waitForURL(`**${given.event}`);
await phone.goto("/me/tickets");
await check(phone, "my tickets, none");
await phone.goto(given.event);
await phone.getByLabel("How many of paid").selectOption("1");
await phone.locator("#tickets button").click();
await phone.waitForURL("**/tickets?**");
seen.prefilled = [await phone.inputValue("#name"), await phone.inputValue("#email")];
await phone.locator(".buy > button").dblclick();
await phone.waitForURL("**/pretend/checkout/**");
await says(phone, phone.url(), "paid");
await phone.goto("/me/tickets");
await check(phone, "my tickets");
seen.orders = await phone.locator("#orders li").count();
seen.mine = await phone.locator("#upcoming a.button").count();

await browser.close();
console.log(JSON.stringify(seen));
