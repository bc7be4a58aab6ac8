// Passkeys: forms marked data-passkey show themselves where the browser has WebAuthn, and speak JSON with their page.
const supported = Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON);

async function ask(form, path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", "x-csrf-token": form.elements._csrf.value },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail || "That did not work. Try again.");
  return told;
}

async function perform(form) {
  const { options, ...begun } = await ask(form, form.dataset.options, {});
  const publicKey = form.dataset.passkey === "add"
    ? PublicKeyCredential.parseCreationOptionsFromJSON(options)
    : PublicKeyCredential.parseRequestOptionsFromJSON(options);
  const credential = form.dataset.passkey === "add"
    ? await navigator.credentials.create({ publicKey })
    : await navigator.credentials.get({ publicKey });
  const typed = Object.fromEntries([...new FormData(form)].filter(([name]) => name !== "_csrf"));
  return ask(form, form.dataset.answer, { ...begun, ...typed, credential: credential.toJSON() });
}

function why(error) {
  if (error.name === "NotAllowedError") return "That was not finished. Try again, or choose another way.";
  if (error.name === "SecurityError" && /^[\d.]+$|^\[/.test(location.hostname))
    return `Passkeys belong to a name, not to numbers: open http://localhost:${location.port} instead.`;
  if (error.name === "SecurityError") return "Passkeys belong to another address of this site: open it there.";
  if (error.name === "InvalidStateError") return "This device has a passkey for you already.";
  return error.message;
}

for (const form of supported ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const [note, button] = [form.querySelector("[role=alert]"), form.querySelector("button")];
    note.hidden = button.disabled = true;
    try {
      location.assign((await perform(form)).location);
    } catch (error) {
      note.textContent = why(error);
      note.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
