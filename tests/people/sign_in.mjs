// Drives Chromium through the pages of sign-in. Reads {base, chromium, postbox, step…} from the command line: `postbox` is an
// address that gives the newest code for ?to=…&after=…. Prints one JSON object: what each step saw. Asserting is the test's.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createHmac } from "node:crypto";

const given = JSON.parse(process.argv[2]);
const require = createRequire(`${given.modules}/`);
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const seen = { complaints: [], violations: {}, wide: [], steps: {} };

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});

async function open(options = {}) {
  const context = await browser.newContext({ baseURL: given.base, viewport: { width: 390, height: 844 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on("console", (message) => message.type() === "error" && seen.complaints.push(`${page.url()}: ${message.text()}`));
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  return page;
}

async function check(page, name) {
  if (given.shots) await page.waitForTimeout(500);
  if (given.shots) await page.screenshot({ path: `${given.shots}/${name}.png`, fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  if (wide) seen.wide.push(name);
  const found = await page.evaluate(`(() => { const module = undefined; ${axe}; return window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }) })()`);
  const told = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join(", ")}`);
  if (told.length) seen.violations[name] = told;
}

const mail = async (to, after = 0) => (await fetch(`${given.postbox}?to=${encodeURIComponent(to)}&after=${after}`)).json();

// RFC 6238, by hand: what an authenticator app shows `later` half minutes from now.
function totp(secret, later = 0) {
  const bits = [...secret.replace(/=+$/, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000) + later));
  const mark = createHmac("sha1", key).update(counter).digest();
  return String((mark.readUInt32BE(mark[19] & 15) & 0x7fffffff) % 1e6).padStart(6, "0");
}

async function signUp(page, email) {
  await page.goto("/sign-up");
  await page.fill("#name", "Erna");
  await page.fill("#email", email);
  await page.fill("#password", given.password);
  await page.click("form button:has-text('Make my account')");
  await page.waitForURL("**/sign-in/code");
  if (page === phone) await check(page, "code");
  await page.fill("#code", (await mail(email)).code);
  await page.click("form button:has-text('Go on')");
  await page.waitForURL(given.base + "/");
}

async function signIn(page, email, password = given.password) {
  await page.goto("/sign-in");
  await page.fill("#email", email);
  await page.fill("#password", password);
  await page.click("form button:has-text('Sign in')");
}

const phone = await open({ bypassCSP: true });
for (const path of ["/sign-in", "/sign-up", "/sign-in/forgotten", "/sign-in/callback", "/sign-in/callback?error_code=otp_expired"]) {
  await phone.goto(path);
  await check(phone, path.slice(1).replace(/\W/g, "-"));
}
await phone.goto("/sign-in/callback#error=access_denied&error_code=otp_expired&error_description=x");
await phone.waitForURL("**/sign-in/callback?error_code=otp_expired");
seen.steps.fragment = await phone.locator("[role=alert]").innerText();
await phone.goto("/sign-in/callback?a#access_token=secret");
await phone.waitForFunction(() => !location.hash);

await signUp(phone, given.email);
seen.steps.signedUp = await phone.locator("a.who").count();

// A forgotten password, in a browser without JavaScript.
const plain = await open({ javaScriptEnabled: false });
const { count } = await mail(given.email);
await plain.goto("/sign-in/forgotten");
await plain.fill("#email", given.email);
await plain.click("form button:has-text('Mail me')");
await plain.fill("#code", (await mail(given.email, count)).code);
await plain.click("form button:has-text('Go on')");
await plain.waitForURL("**/sign-in/new-password");
if (given.shots) await plain.screenshot({ path: `${given.shots}/new-password.png`, fullPage: true });
await plain.fill("#password", "a quite different phrase");
await plain.click("form button:has-text('Save')");
seen.steps.newPassword = await plain.locator("#flash").innerText();
await plain.goto("/sign-in");
await plain.goto("/me/security");
seen.steps.passkeyFormsWithoutScript = await plain.locator("form[data-passkey]:visible").count();

// That signed the phone out. It signs in again, adds an app, and looks after its sessions.
await signIn(phone, given.email, "a quite different phrase");
await phone.waitForURL(given.base + "/");
await phone.goto("/me/security");
await check(phone, "security");
await phone.fill("#email", `new-${given.email}`);
await phone.click("form[action='/me/security/email'] button");
await phone.locator("#address .note").waitFor();
await check(phone, "security-new-address");
await phone.fill("#email_code, #email-code", "000000");
await phone.click("form[action='/me/security/email/code'] button");
await phone.locator("#address .error").waitFor();
await check(phone, "security-wrong-code");
await phone.fill("#name", "My phone");
await phone.click("button:has-text('Show me the QR code')");
await phone.locator("svg.qr").waitFor();
await check(phone, "authenticator");
const secret = (await phone.locator("#secret").innerText()).replace(/\s/g, "");
await phone.fill("#code", totp(secret));
await phone.click("button:has-text('Turn it on')");
await phone.locator(".codes").waitFor();
await check(phone, "recovery-codes");
const recovery = await phone.locator(".codes code").allInnerTexts();
seen.steps.recoveryCodes = recovery.length;

const laptop = await open({ viewport: { width: 1280, height: 900 }, bypassCSP: true, colorScheme: "dark" });
await signIn(laptop, given.email, "a quite different phrase");
await laptop.waitForURL("**/sign-in/second-factor");
await check(laptop, "second-factor");
await laptop.fill("#code", totp(secret, 1));
await laptop.click("button:has-text('Go on')");
await laptop.waitForURL(given.base + "/");
seen.steps.secondFactor = await laptop.locator("a.who").count();

await laptop.goto("/me/security");
await check(laptop, "security-laptop");
seen.steps.sessionsBefore = await laptop.locator("#sessions li").count();
await laptop.click("button:has-text('Sign out everywhere else')");
await laptop.locator("#flash", { hasText: "Signed out everywhere else" }).waitFor();
seen.steps.sessionsAfter = await laptop.locator("#sessions li").count();
await phone.goto("/me/security");
seen.steps.phoneIsSignedOut = await phone.locator("main h1").innerText();

// A passkey, on an authenticator that Chromium plays.
const devtools = await laptop.context().newCDPSession(laptop);
await devtools.send("WebAuthn.enable");
await devtools.send("WebAuthn.addVirtualAuthenticator", { options: {
  protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
  isUserVerified: true, automaticPresenceSimulation: true } });
await laptop.goto("/me/security");
await laptop.fill("#passkey-name", "Laptop");
await laptop.click("button:has-text('Add a passkey')");
await laptop.locator("#passkeys li", { hasText: "Laptop" }).waitFor();
await check(laptop, "security-passkey");
await laptop.locator("#passkeys summary:has-text('Rename')").click();
await laptop.fill("#passkey-1", "Old laptop");
await laptop.click("#passkeys button:has-text('Save')");
seen.steps.renamed = await laptop.locator("#passkeys li strong").innerText();
await laptop.goto("/me");
await laptop.click("button:has-text('Sign out')");
await laptop.waitForURL(given.base + "/");
await laptop.goto("/sign-in?next=/communities");
await laptop.click("button:has-text('Use a passkey')");
await laptop.waitForURL(given.base + "/communities");
seen.steps.signedInByPasskey = await laptop.locator("a.who").count();
await laptop.goto("/me/security");
seen.steps.passkeyUsed = await laptop.locator("#passkeys li small").innerText();
await laptop.click("#passkeys button:has-text('Remove')");
await laptop.locator("#flash", { hasText: "Removed" }).waitFor();
await laptop.waitForURL("**/sign-in/second-factor?**"); // what signed in here is gone
await laptop.click("summary:has-text('recovery code')");
await laptop.fill("#recovery_code", recovery[0]);
await laptop.click("button:has-text('Use it')");
await laptop.waitForURL("**/me/security");
await laptop.goto("/me");
await laptop.click("button:has-text('Sign out')");
await laptop.waitForURL(given.base + "/");
await laptop.goto("/sign-in");
await laptop.click("button:has-text('Use a passkey')");
await laptop.locator("form[data-passkey] [role=alert]:visible").waitFor();
seen.steps.removedPasskey = await laptop.locator("form[data-passkey] [role=alert]").innerText();
seen.complaints = seen.complaints.filter((text) => !/status of 4\d\d/.test(text));

await browser.close();
console.log(JSON.stringify(seen));
