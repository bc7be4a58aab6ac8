// A real browser with made-up authenticators, and Supabase's client in its page: registers a passkey and a security key,
// and signs in with them. Reads {base, chromium, key, email, password}, prints one JSON object: what each step gave.
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const given = JSON.parse(process.argv[2]);
const client = createRequire(import.meta.url).resolve("@supabase/supabase-js/dist/umd/supabase.js");

const browser = await chromium.launch({
  executablePath: given.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const page = await browser.newPage();
const cdp = await page.context().newCDPSession(page);
await cdp.send("WebAuthn.enable");

async function plugged(options, work) {
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", automaticPresenceSimulation: true, ...options },
  });
  const { credentials } = await work().then(() => cdp.send("WebAuthn.getCredentials", { authenticatorId }));
  await cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId });
  return credentials.map(({ isResidentCredential, rpId, signCount }) => ({ isResidentCredential, rpId, signCount }));
}

// Each step runs in the page, with the client as `auth`, and says what it got or why not.
const seen = {};
async function step(name, work) {
  seen[name] = await page.evaluate(
    async ({ work, given }) => {
      const { data, error } = await new Function("auth", "given", `return (${work})(auth, given)`)(window.auth, given);
      if (error) throw new Error(`${error.code ?? error.name}: ${error.message} ${error.cause ?? ""}`);
      const session = data?.session ?? (data?.access_token ? data : null);
      return session ? JSON.parse(atob(session.access_token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))) : data;
    },
    { work: work.toString(), given },
  );
}

await page.goto(`${given.base}/auth/v1/health`);
await page.addScriptTag({ path: client });
await page.evaluate((key) => {
  const options = { auth: { autoRefreshToken: false, experimental: { passkey: true } } };
  window.auth = supabase.createClient(location.origin, key, options).auth;
}, given.key);

const platform = { transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true };
seen.laptop = await plugged(platform, async () => {
  await step("joined", (auth, { email, password }) => auth.signUp({ email, password }));
  await step("registered", (auth) => auth.registerPasskey());
  await step("listed", (auth) => auth.passkey.list());
  await step("left", (auth) => auth.signOut());
  await step("entered", (auth) => auth.signInWithPasskey());
  await step("enteredAgain", (auth) => auth.signInWithPasskey());
});

seen.stick = await plugged({ transport: "usb", hasResidentKey: false, hasUserVerification: false }, async () => {
  await step("enrolled", (auth) => auth.mfa.webauthn.register({ friendlyName: "stick" }));
  await step("factors", async (auth) => ({ data: (await auth.mfa.listFactors()).data.webauthn }));
  await step("password", (auth, { email, password }) => auth.signInWithPassword({ email, password }));
  await step("raised", async (auth) => {
    const { data } = await auth.mfa.listFactors();
    return auth.mfa.webauthn.authenticate({ factorId: data.webauthn[0].id });
  });
});

console.log(JSON.stringify(seen));
await browser.close();
