// What pages gain with JavaScript; each of them works without this file.

// Lists that grow: a day that goes on in the next page joins the day it continues.
function joinLists() {
  const first = {};
  for (const later of document.querySelectorAll("[data-joins]")) {
    const earlier = (first[later.dataset.joins] ??= later);
    if (earlier === later) continue;
    const list = (part) => (part.matches("ul") ? part : part.querySelector("ul"));
    list(earlier).append(...list(later).children);
    later.remove();
  }
}

// Under an event's own time, the reader's, when their clocks differ.
function showYourTime(root) {
  for (const time of root.querySelectorAll("time[data-yours]")) {
    const moment = new Date(time.dateTime);
    time.removeAttribute("data-yours");
    const offset = time.dateTime.match(/([+-])(\d\d):(\d\d)$/);
    const minutes = offset ? (offset[1] === "-" ? 1 : -1) * (60 * offset[2] + Number(offset[3])) : 0;
    if (minutes === moment.getTimezoneOffset()) continue;
    const yours = moment.toLocaleString("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    time.closest("div").querySelector("small")?.append(` · ${yours} for you`);
  }
}

// A form's small conveniences.
function easeForms(root) {
  const zone = root.querySelector("select[data-guess]");
  if (zone) zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone || zone.value;
  if (zone && !zone.value) zone.value = "UTC";
  const print = root.querySelector("[data-print]");
  if (print) {
    print.hidden = false;
    print.addEventListener("click", () => window.print());
  }
}

document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-submits]")) target.form.requestSubmit();
  if (target.id === "all_day") {
    for (const input of document.querySelectorAll("[data-moment]")) {
      const value = input.value;
      input.type = target.checked ? "date" : "datetime-local";
      input.value = target.checked ? value.slice(0, 10) : value && `${value}T10:00`;
    }
  }
});

// An answer without the part asked for is another page: sign-in, or an error. Show that page.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (!ctx.select) return;
  const page = new DOMParser().parseFromString(ctx.text, "text/html");
  if (page.querySelector(ctx.select)) return;
  event.preventDefault();
  if (ctx.response.raw.redirected) {
    location.assign(ctx.response.raw.url);
    return;
  }
  const main = page.querySelector("#main");
  if (!main) return;
  document.querySelector("#main").replaceWith(main);
  document.title = page.title;
  main.focus();
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  joinLists();
  showYourTime(document);
  if (ctx.request.method === "GET") {
    document.querySelector("#live").textContent = `${document.querySelectorAll(".card").length} shown`;
  } else if (document.activeElement === document.body) {
    // The button that was pressed has gone: stay where it was.
    const part = document.querySelector(ctx.select);
    part?.setAttribute("tabindex", "-1");
    part?.focus({ preventScroll: true });
  }
});

// Searches keep short addresses: what is empty is not sent.
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.method !== "get") return;
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

joinLists();
showYourTime(document);
easeForms(document);
