// Drives Chromium through the organiser's pages. Reads {base, chromium, modules, token, event, codes} from the command line;
// the camera is Chromium's pretended one, and what the browser reads in it is `codes`, one after the other. Prints what it saw.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const given = JSON.parse(process.argv[2]);
const require = createRequire(`${given.modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const seen = { complaints: [], violations: {}, wide: [], steps: {} };
const codes = JSON.parse(given.codes);

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});

async function open(options = {}) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width: 390, height: 844 }, ...options });
  await context.addCookies([{ name: "vently_access", value: given.token, url: given.base }]);
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  return page;
}

async function check(page, name) {
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (wide) seen.wide.push(name);
  const found = await page.evaluate(`(() => { const module = undefined; ${axe}; return window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }) })()`);
  const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  if (told.length) seen.violations[name] = told;
}

for (const colorScheme of ["light", "dark"]) {
  const page = await open({ colorScheme });
  for (const name of ["sales", "orders", "attendees", "door", "door?q=bob"]) {
    await page.goto(`/events/${given.event}/${name}`);
    seen.steps[name] = await page.locator("h1").innerText();
    await check(page, `${name} ${colorScheme}`);
  }
}

// Without JavaScript: typed, sent, answered.
const plain = await open({ javaScriptEnabled: false });
await plain.goto(`/events/${given.event}/door`);
seen.steps.cameraWithoutScript = await plain.locator("[data-camera]").isVisible();
await plain.fill("#code", codes[0]);
await plain.click("text=Check in");
seen.steps.typed = await plain.locator(".told").innerText();

// By camera: the page stays, the answers come.
const door = await open();
await door.addInitScript(() => {
  window.before = null;
  window.BarcodeDetector = class {
    static getSupportedFormats = async () => ["qr_code"];
    detect = async () => (window.before ? [{ rawValue: window.before }] : []);
  };
});
await door.goto(`/events/${given.event}/door`);
await door.click("[data-camera]");
await door.waitForFunction(() => document.querySelector("video").videoWidth > 0);
seen.steps.scanned = [];
for (const code of codes) {
  const asked = door.waitForResponse((answer) => answer.request().method() === "POST");
  await door.evaluate((text) => { document.querySelector("#told").replaceChildren(); window.before = text; }, code);
  await asked;
  await door.waitForSelector(".told");
  seen.steps.scanned.push((await door.locator(".told strong").innerText()));
}
await check(door, "told");
seen.steps.counts = await door.locator("#counts .tally").first().innerText();
await door.click("[data-camera]");
seen.steps.stopped = await door.evaluate(() => document.querySelector("video").srcObject === null);
await door.locator("#told form button, #latest form button").first().click();
seen.steps.undone = await door.locator("#flash").innerText();

await browser.close();
console.log(JSON.stringify(seen));
