// The door: where the browser reads QR codes, the camera fills in the form, and the answer comes without leaving the page.
const form = document.getElementById("scanner");
const [video, button] = [form.querySelector("video"), form.querySelector("[data-camera]")];
const SAME_AGAIN = 4000; // ms in which one ticket before the camera is one scan
let last = { code: "", at: 0 };

async function send(code) {
  form.elements.code.value = code;
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.getElementById("scanner");
  if (!next) return location.reload(); // signed out, or no helper any more
  for (const id of ["told", "counts", "latest"]) document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  form.elements.scan.value = next.elements.scan.value;
  form.elements.code.value = "";
  navigator.vibrate?.(document.querySelector("#told .admitted") ? 80 : [80, 60, 80, 60, 80]);
}

async function watch(detector) {
  while (video.srcObject) {
    const [found] = await detector.detect(video).catch(() => []);
    const now = Date.now();
    if (found && (found.rawValue !== last.code || now - last.at > SAME_AGAIN)) {
      last = { code: found.rawValue, at: now };
      await send(found.rawValue).catch(() => say("No answer came: check the network, then scan again."));
    } else if (found) last.at = now;
    await new Promise((resume) => setTimeout(resume, 120));
  }
}

function say(text) {
  const note = Object.assign(document.createElement("p"), { className: "note bad", textContent: text });
  document.getElementById("told").replaceChildren(note);
  last = { code: "", at: 0 };
}

async function turn() {
  if (video.srcObject) {
    for (const track of video.srcObject.getTracks()) track.stop();
    video.srcObject = null;
  } else {
    try {
      video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return say("The camera is not open to this page: allow it in the browser, or type the code.");
    }
    await video.play();
    watch(new BarcodeDetector({ formats: ["qr_code"] }));
  }
  video.hidden = !video.srcObject;
  button.textContent = video.srcObject ? "Stop the camera" : "Scan with the camera";
}

if ("BarcodeDetector" in window && navigator.mediaDevices) {
  BarcodeDetector.getSupportedFormats().then((formats) => {
    button.hidden = !formats.includes("qr_code");
    button.addEventListener("click", turn);
  });
}
