// What makes pages live: regions marked data-live are asked for again at the present address and
// exchanged row by row; times go on; what changes something goes through the API.

const body = document.body;
const root = body.dataset.root;
const SLOW_BAR = 300;
const SLOW_SENTENCE = 5000;
const LEAST_PAUSE = 2000;
// A slow bridge is asked less often: a page takes at most a twentieth of its time.
const SHARE = 20;

// --- what is said -------------------------------------------------------------------------------

export function say(text, isWrong = false) {
  const toast = document.createElement("p");
  toast.textContent = text;
  if (isWrong) toast.className = "wrong";
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), isWrong ? 12000 : 5000);
}

let waiting = 0;

// Shows a thin bar when something takes more than a moment, and a sentence when it takes longer.
export async function shown(work) {
  const bar = document.getElementById("progress");
  waiting += 1;
  const thin = setTimeout(() => { bar.hidden = false; }, SLOW_BAR);
  const long = setTimeout(() => say(body.dataset.slow), SLOW_SENTENCE);
  try {
    return await work;
  } finally {
    clearTimeout(thin);
    clearTimeout(long);
    waiting -= 1;
    if (waiting === 0) bar.hidden = true;
  }
}

export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? `HTTP ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

// A call of the API. Gives what it answers; what it refuses is thrown as Refused.
export async function api(method, path, content, headers = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers } };
  if (content instanceof Blob || typeof content === "string") {
    options.body = content;
  } else if (content !== undefined) {
    options.body = JSON.stringify(content);
    options.headers["Content-Type"] = "application/json";
  } else if (method !== "GET") {
    options.headers["Content-Type"] = "application/json";
  }
  const answer = await shown(fetch(root + path, options));
  const text = await answer.text();
  let value = null;
  try { value = text === "" ? null : JSON.parse(text); } catch { value = null; }
  if (!answer.ok) throw new Refused(answer.status, value);
  return value;
}

// Does something that may be refused, and says so if it is. True if it was done.
export async function attempt(work) {
  try {
    await work();
    return true;
  } catch (error) {
    say(`${body.dataset.failed} ${error.message}`, true);
    return false;
  }
}

// Opens a dialog; resolves with what its button returned, "" where it was left.
export function ask(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true });
    dialog.showModal();
  });
}

// --- times --------------------------------------------------------------------------------------

const ages = body.dataset.ages.split("|");
const fill = (text, count) => text.replace("{n}", count);
const exact = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "medium", timeStyle: "medium", hour12: false,
});
const clockTime = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const dayAndTime = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false,
});

function ageOf(at, now) {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 1) return ages[0];
  if (seconds < 60) return fill(ages[1], seconds);
  if (seconds < 3600) return fill(ages[2], Math.floor(seconds / 60));
  if (seconds < 86400) return fill(ages[3], Math.floor(seconds / 3600));
  if (seconds < 172800) return ages[4];
  return fill(ages[5], Math.floor(seconds / 86400));
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function tellTimes(within = document) {
  const now = Date.now();
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.classList.contains("age")) {
      setText(time, ageOf(at, now));
    } else {
      const isToday = at.toDateString() === new Date(now).toDateString();
      setText(time, (isToday ? clockTime : dayAndTime).format(at));
    }
    time.title = exact.format(at);
  }
  for (const hour of within.querySelectorAll("[data-hour]")) {
    setText(hour, clockTime.format(new Date(hour.dataset.hour)).slice(0, 5));
  }
}

// --- what is exchanged --------------------------------------------------------------------------

// What an element looks like without what changes by itself.
function looks(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) { time.textContent = ""; time.title = ""; }
  for (const hour of copy.querySelectorAll("[data-hour]")) hour.textContent = "";
  for (const input of copy.querySelectorAll("input")) input.removeAttribute("checked");
  for (const name of ["tabindex", "aria-selected", "class"]) copy.removeAttribute(name);
  return copy;
}

const isBusy = (region) =>
  region.matches(":hover, :focus-within") || scrollY > 0;

function exchangeRows(region, next) {
  const here = new Map([...region.querySelectorAll("[data-key]")].map((row) => [row.dataset.key, row]));
  const there = [...next.querySelectorAll("[data-key]")];
  const added = there.filter((row) => !here.has(row.dataset.key));
  const kept = new Set(there.map((row) => row.dataset.key));
  // What is about to be clicked stays where it is: only what is there already changes.
  if (isBusy(region) && added.length > 0) {
    for (const row of there) {
      const known = here.get(row.dataset.key);
      if (known) exchange(known, row);
    }
    tellNews(region, added.length);
    return;
  }
  document.querySelector(`.news[data-of="${region.dataset.live}"]`)?.remove();
  const parent = region.querySelector("[data-rows]") ?? region;
  for (const [key, row] of here) if (!kept.has(key)) row.remove();
  let before = null;
  for (const row of there) {
    let known = here.get(row.dataset.key);
    if (known) {
      known = exchange(known, row);
    } else {
      known = document.importNode(row, true);
      known.classList.add("flash");
    }
    const wanted = before ? before.nextElementSibling : parent.firstElementChild;
    if (known !== wanted) parent.insertBefore(known, wanted);
    before = known;
  }
}

function exchange(row, next) {
  if (looks(row).isEqualNode(looks(next))) return row;
  const fresh = document.importNode(next, true);
  const isFocused = row === document.activeElement;
  const isChecked = row.querySelector("input[type=checkbox]")?.checked;
  if (row.hasAttribute("aria-selected")) fresh.setAttribute("aria-selected", "true");
  if (row.hasAttribute("tabindex")) fresh.tabIndex = row.tabIndex;
  fresh.classList.add("flash");
  // Somebody reads or types in it: it stays until they are done.
  if (!isFocused && row.contains(document.activeElement)) return row;
  row.replaceWith(fresh);
  const box = fresh.querySelector("input[type=checkbox]");
  if (box && isChecked) box.checked = true;
  if (isFocused) fresh.focus({ preventScroll: true });
  return fresh;
}

function tellNews(region, count) {
  let news = document.querySelector(`.news[data-of="${region.dataset.live}"]`);
  if (!news) {
    news = document.createElement("button");
    news.type = "button";
    news.className = "news";
    news.dataset.of = region.dataset.live;
    news.addEventListener("click", () => {
      news.remove();
      scrollTo(0, 0);
      news.blur();
      refresh(true);
    });
    region.before(news);
  }
  const text = count === 1 ? body.dataset.newOne : body.dataset.newOther;
  setText(news, text.replace("{count}", count));
}

const REACHED = "a[href], button, input, select, summary";

// What had the focus keeps it, by its place: a filter that was chosen can be chosen away again.
function replace(region, fresh) {
  const place = [...region.querySelectorAll(REACHED)].indexOf(document.activeElement);
  region.replaceChildren(...document.importNode(fresh, true).childNodes);
  if (place < 0) return;
  const reached = region.querySelectorAll(REACHED);
  (reached[place] ?? reached[reached.length - 1])?.focus({ preventScroll: true });
}

function put(next, isForced) {
  for (const region of document.querySelectorAll("[data-live]")) {
    const fresh = next.querySelector(`[data-live="${region.dataset.live}"]`);
    if (!fresh) continue;
    const isList = region.querySelector("[data-key]") && fresh.querySelector("[data-key]");
    if (isList && !isForced) {
      exchangeRows(region, fresh);
    } else if (isForced || !region.contains(document.activeElement)) {
      if (isList || !looks(region).isEqualNode(looks(fresh))) replace(region, fresh);
    }
  }
  tellTimes();
  document.dispatchEvent(new CustomEvent("bridge:refreshed"));
}

// --- when ---------------------------------------------------------------------------------------

let lastGood = Date.now();
let running = null;
let isWanted = false;
let notBefore = 0;
let planned = 0;

function tellLost(isLost) {
  const line = document.getElementById("lost");
  if (isLost) setText(line, body.dataset.lost.replace("{time}", clockTime.format(new Date(lastGood))));
  line.hidden = !isLost;
}

async function load(isForced) {
  const started = Date.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
      location.reload();
      return;
    }
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    lastGood = Date.now();
    tellLost(false);
    put(page, isForced);
  } catch {
    tellLost(true);
    plan(5000);
  }
  const took = Date.now() - started;
  notBefore = Date.now() + Math.max(LEAST_PAUSE, SHARE * took);
}

// Shows what there is now: at once where somebody has asked, else when it is its turn.
export async function refresh(isForced = false) {
  if (running) {
    isWanted = true;
    await running;
    if (!isForced) return;
  }
  running = isForced ? shown(load(true)) : load(false);
  await running;
  running = null;
  if (isWanted) { isWanted = false; plan(0); }
}

// Refreshes soon, together with whatever else asks for that meanwhile.
export function plan(wait = 0) {
  if (planned || document.hidden) { isWanted ||= document.hidden; return; }
  const pause = Math.max(wait, notBefore - Date.now(), 150);
  planned = setTimeout(() => { planned = 0; refresh(); }, pause);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { isWanted = false; plan(0); }
});

// Changes of controls are told by the bridge; everything else is looked at now and then.
if (body.hasAttribute("data-stream")) {
  let wasLost = false;
  const source = new EventSource(`${root}/api/v1/tickets/stream`);
  for (const kind of ["control", "reset"]) source.addEventListener(kind, () => plan(0));
  source.addEventListener("ready", () => {
    if (wasLost) plan(0);
    wasLost = false;
  });
  source.addEventListener("error", () => {
    wasLost = true;
    plan(1000);
  });
}
const every = Number(body.dataset.every ?? "0");
if (every > 0) setInterval(() => plan(0), every * 1000);

// Another page of the list without a white moment: Back works, because the address is the state.
export async function go(address) {
  history.pushState(null, "", address);
  await refresh(true);
}
addEventListener("popstate", () => refresh(true));

// --- parts of pages -----------------------------------------------------------------------------

// Search as one types, and filters that apply by themselves: forms marked data-filter.
for (const form of document.querySelectorAll("form[data-filter]")) {
  let typed = 0;
  const apply = () => {
    const query = new URLSearchParams(location.search);
    for (const place of ["cursor", "before"]) query.delete(place);
    for (const [name, value] of new FormData(form)) {
      if (value === "") query.delete(name); else query.set(name, value);
    }
    const text = query.toString();
    go(location.pathname + (text ? `?${text}` : ""));
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); apply(); });
  form.addEventListener("change", (event) => { if (event.target.type !== "search") apply(); });
  form.addEventListener("input", (event) => {
    if (event.target.type !== "search") return;
    clearTimeout(typed);
    typed = setTimeout(apply, 200);
  });
  addEventListener("popstate", () => {
    const query = new URLSearchParams(location.search);
    for (const field of form.elements) if (field.name) field.value = query.get(field.name) ?? "";
  });
}

// Links of filters, sort and pages exchange the list in place.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-in-place], .segments a, .pager a, table.list th a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const address = new URL(link.href);
  if (address.origin !== location.origin || address.pathname !== location.pathname) return;
  event.preventDefault();
  go(address.pathname + address.search);
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await attempt(() => navigator.clipboard.writeText(button.dataset.copy));
  say(body.dataset.copied);
});

tellTimes();
setInterval(tellTimes, 1000);
