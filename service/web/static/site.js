// What makes the pages quicker to use. Everything but live streaming works without it.

const WORD = /[\p{L}\p{N}]+(?:['’\-.][\p{L}\p{N}]+)*/gu;

for (const box of document.querySelectorAll("textarea[data-words-per-minute]")) countWords(box);
for (const form of document.querySelectorAll("form")) guardAgainstTwice(form);
for (const form of document.querySelectorAll("form[data-filter]")) filterAsTyped(form);
for (const place of document.querySelectorAll("[data-live]")) follow(place);
for (const form of document.querySelectorAll("[data-review]")) reviewByKeys(form);
for (const button of document.querySelectorAll("[data-print]")) offerPrinting(button);
if (document.body.dataset.embedded && parent !== window) tellHeight(document.body.dataset.embedded);
for (const place of document.querySelectorAll("[data-batch]")) followBatch(place);
for (const form of document.querySelectorAll("[data-upload]")) takeDrops(form);
linkQuotes(document);
document.querySelector("[data-focus]")?.focus();

function countWords(box) {
  const shown = document.querySelector("[data-count]");
  const hint = shown.textContent;
  const most = Number(box.dataset.most);
  const count = () => {
    const words = (box.value.match(WORD) ?? []).length;
    const seconds = Math.round((words * 60) / Number(box.dataset.wordsPerMinute));
    const points = box.value.length > most ? [...box.value].length : 0;
    shown.textContent = points > most
      ? `${points.toLocaleString("en")} characters; at most ${most.toLocaleString("en")} can be graded.`
      : words === 0 ? hint : `${words} ${words === 1 ? "word" : "words"}, about ${duration(seconds)} spoken`;
  };
  box.addEventListener("input", count);
  count();
}

function duration(seconds) {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60 ? `${seconds % 60} s` : ""}`.trim();
}

function guardAgainstTwice(form) {
  const button = form.querySelector("button[data-busy]");
  if (!button) return;
  const label = button.textContent;
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") return event.preventDefault();
    button.setAttribute("aria-disabled", "true");
    button.textContent = button.dataset.busy;
  });
  addEventListener("pageshow", () => {
    button.removeAttribute("aria-disabled");
    button.textContent = label;
  });
}

function offerPrinting(button) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

function filterAsTyped(form) {
  const items = [...document.querySelectorAll("[data-text]")];
  const found = document.querySelector("[data-found]");
  const show = () => {
    const words = form.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (item) =>
      words.every((word) => item.dataset.text.includes(word)) &&
      ["topic", "stage", "difficulty"].every((name) => ["", item.dataset[name]].includes(form[name].value));
    for (const item of items) item.hidden = !fits(item);
    for (const group of document.querySelectorAll("[data-group]")) group.hidden = !group.querySelector("[data-text]:not([hidden])");
    found.textContent = `${items.filter((item) => !item.hidden).length} of ${items.length} questions`;
  };
  if (new URLSearchParams(location.search).size) return; // the server has left some out already
  form.addEventListener("input", show);
  form.querySelector("button").hidden = true;
  form.addEventListener("submit", (event) => event.preventDefault());
  show();
}

function follow(place) {
  const events = new EventSource(place.dataset.live);
  const said = place.querySelector("[data-said]");
  const elapsed = place.querySelector("[data-elapsed]");
  const started = Date.now();
  const clock = setInterval(() => { elapsed.textContent = `${Math.round((Date.now() - started) / 1000)} s`; }, 1000);
  const all = place.querySelectorAll("[data-criterion]").length;
  events.addEventListener("stage", (event) => {
    const { stage } = JSON.parse(event.data);
    for (const step of place.querySelectorAll("[data-stage]")) {
      if (step.dataset.stage === stage) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
    if (stage === "explaining") said.textContent = "Every level is decided. The feedback is being written.";
  });
  events.addEventListener("criterion", (event) => {
    const { id, name, html } = JSON.parse(event.data);
    const slot = [...place.querySelectorAll("[data-criterion]")].find((item) => item.dataset.criterion === id);
    if (!slot) return;
    slot.innerHTML = html; // drawn and escaped by the server
    slot.classList.remove("waiting");
    said.textContent = `${name} is decided, ${place.querySelectorAll("[data-criterion]:not(.waiting)").length} of ${all}.`;
  });
  events.addEventListener("done", async () => {
    events.close();
    clearInterval(clock);
    await showFinished();
  });
}

async function showFinished() {
  const response = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  if (!response.ok) return location.reload();
  showPage(new DOMParser().parseFromString(await response.text(), "text/html"));
  scrollTo(0, 0);
}

function showPage(fresh) {
  document.querySelector("main").replaceWith(document.adoptNode(fresh.querySelector("main")));
  document.title = fresh.title;
  for (const form of document.querySelectorAll("form")) guardAgainstTwice(form);
  for (const form of document.querySelectorAll("[data-upload]")) takeDrops(form);
  linkQuotes(document);
  (document.querySelector("[data-focus]") ?? document.querySelector("main")).focus();
}

// The words of the answer and the remark on them light up together.
function linkQuotes(root) {
  const linked = [...root.querySelectorAll("[data-keys]")];
  const light = (on) => (event) => {
    const keys = event.currentTarget.dataset.keys.trim().split(" ");
    for (const other of linked) {
      if (other.dataset.keys.trim().split(" ").some((key) => keys.includes(key))) other.classList.toggle("lit", on);
    }
  };
  for (const item of linked) {
    for (const name of ["mouseenter", "focusin"]) item.addEventListener(name, light(true));
    for (const name of ["mouseleave", "focusout"]) item.addEventListener(name, light(false));
  }
}

// Keys of the review form: 1 to 9 choose a level, j and k move between criteria, Enter saves. Only while it has the focus.
function reviewByKeys(form) {
  const groups = [...form.querySelectorAll("fieldset.rate")];
  const current = () => groups.findIndex((group) => group.contains(document.activeElement));
  const go = (place) => {
    const group = groups[Math.max(0, Math.min(groups.length - 1, place))];
    (group.querySelector(":checked") ?? group.querySelector("input")).focus();
    group.scrollIntoView({ block: "nearest" });
  };
  form.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("textarea, input:not([type=radio])")) return;
    const group = groups[current()];
    if (!group) return;
    const box = /^[1-9]$/.test(event.key) ? group.querySelector(`input[value="${event.key}"]`) : null;
    if (box) {
      box.checked = true;
      box.focus();
    } else if (event.key === "j") go(current() + 1);
    else if (event.key === "k") go(current() - 1);
    else if (event.key === "Enter") form.requestSubmit();
    else return;
    event.preventDefault();
  });
  if (!document.querySelector("[data-focus]")) groups[0]?.querySelector("input").focus({ preventScroll: true });
}

// Inside another site: tell that site, and no other, how high the page is.
function tellHeight(origin) {
  const tell = () => parent.postMessage({ debriefHeight: document.documentElement.scrollHeight }, origin);
  new ResizeObserver(tell).observe(document.body);
}

function followBatch(place) {
  const events = new EventSource(place.dataset.batch);
  events.addEventListener("progress", (event) => {
    const { status, counts, cost_usd: cost } = JSON.parse(event.data);
    const done = counts.graded + counts.needs_review + counts.ungraded;
    place.querySelector("progress").value = done;
    place.querySelector("[data-done]").textContent = done;
    place.querySelector("[data-status]").textContent = status.replace("_", " ");
    place.querySelector("[data-cost]").textContent = cost === null ? "unknown" : `$${cost.toFixed(4)}`;
    for (const count of place.querySelectorAll("[data-count]")) count.textContent = counts[count.dataset.count];
  });
  events.addEventListener("done", async () => {
    events.close();
    await showFinished();
  });
}

// A file may be dropped anywhere on the form, and an estimate leaves it chosen.
function takeDrops(form) {
  const zone = form.querySelector("[data-drop]");
  const input = zone.querySelector("input");
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) zone.classList.remove("over");
  });
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    input.files = one.files;
    input.focus();
  });
  form.addEventListener("submit", async (event) => {
    if (event.submitter?.value !== "estimate") return;
    event.preventDefault();
    const response = await fetch(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    const shown = fresh.querySelector("[data-estimate]");
    if (!shown?.children.length) return showPage(fresh);
    shown.querySelector("[data-again]")?.remove();
    document.querySelector("[data-estimate]").replaceChildren(...document.adoptNode(shown).childNodes);
    form.querySelector(".summary-of-errors")?.remove();
  });
}
