// What makes pages live: regions marked data-live are asked for again at the present address and
// exchanged row by row; times go on; what changes something goes through the API.

import { filled, shown } from "./api.js";
import { put } from "./exchange.js";
import { listen } from "./stream.js";
import { clockTime } from "./times.js";

export { Refused, api, ask, attempt, filled, isOne, say } from "./api.js";

const body = document.body;
const root = body.dataset.root;
const LEAST_PAUSE = 2000;
// A slow bridge is asked less often: a page takes at most a twentieth of its time.
const SHARE = 20;

// --- when ---------------------------------------------------------------------------------------

// What the page shows; where in it is not part of that.
const addressNow = () => location.href.split("#")[0];
let shownAddress = addressNow();

let lastGood = Date.now();
let isWanted = false;
let notBefore = 0;
let planned = 0;

// Why what is shown is not of now; "" where it is.
function tellStale(text, isSignedOut = false) {
  const line = document.getElementById("lost");
  const said = filled(text, { time: clockTime.format(new Date(lastGood)) });
  if (line.textContent.startsWith(said) && said !== "") return;
  line.replaceChildren(said);
  if (isSignedOut) {
    // It leads to where one signs in, and back.
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = body.dataset.signIn;
    line.append(" ", link);
  }
  line.hidden = said === "";
}

// What an answer that is not the page says. What may mend by itself is asked for again soon.
function tellRefused({ status, type }) {
  const { gone, forbidden, lost, error, signedOut } = body.dataset;
  if (type === "opaqueredirect" || status === 401) {
    tellStale(signedOut, true);
    return;
  }
  // What stands before a bridge that does not run answers for it.
  const isAway = [502, 503, 504].includes(status);
  const text = { 403: forbidden, 404: gone, 410: gone }[status] ?? (isAway ? lost : filled(error, { status }));
  tellStale(text);
  if (status >= 500 || status === 429) plan(5000);
}

async function load(isForced, signal) {
  const started = Date.now();
  const address = addressNow();
  // Another one has been asked for meanwhile, or there is another address: this is not its answer.
  const isPast = () => signal.aborted || address !== addressNow();
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" }, redirect: "manual", signal });
    const text = await answer.text();
    if (isPast()) return;
    if (answer.ok) {
      lastGood = Date.now();
      tellStale("");
      put(new DOMParser().parseFromString(text, "text/html"), isForced);
    } else {
      tellRefused(answer);
    }
  } catch {
    if (isPast()) return;
    tellStale(body.dataset.lost);
    plan(5000);
  }
  const took = Date.now() - started;
  notBefore = Date.now() + Math.max(LEAST_PAUSE, SHARE * took);
}

let running = null;

// Shows what there is now: at once where somebody has asked, else when it is its turn. Never two at a
// time: who asks for it ends what was being read before, which shows what was there before.
export async function refresh(isForced = false) {
  if (running && !isForced) {
    isWanted = true;
    await running.done;
    return;
  }
  running?.stop.abort();
  const stop = new AbortController();
  const loading = load(isForced, stop.signal);
  const mine = { stop, done: isForced ? shown(loading) : loading };
  running = mine;
  await mine.done;
  if (running !== mine) {
    await running?.done;
    return;
  }
  running = null;
  if (isWanted) { isWanted = false; plan(0); }
}

// Refreshes soon, together with whatever else asks for that meanwhile.
export function plan(wait = 0) {
  if (planned || document.hidden) { isWanted ||= document.hidden; return; }
  const pause = Math.max(wait, notBefore - Date.now(), 150);
  planned = setTimeout(() => { planned = 0; refresh(); }, pause);
}

document.addEventListener("bridge:wanted", () => refresh(true));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) { isWanted = false; plan(0); }
});

// Changes of controls are told by the bridge; everything else is looked at now and then.
if (body.hasAttribute("data-stream")) {
  listen(`${root}/api/v1/tickets/stream`, body.dataset.who, {
    changed: () => plan(0),
    lost: () => plan(1000),
  });
}
const every = Number(body.dataset.every ?? "0");
if (every > 0) setInterval(() => plan(0), every * 1000);

// Another page of the list without a white moment: Back works, because the address is the state.
export async function go(address) {
  history.pushState(null, "", address);
  shownAddress = addressNow();
  await refresh(true);
}

// Calls when Back or Forward lead to another address; a jump within the page leads to none.
const toldOfMoves = [];
addEventListener("popstate", () => {
  if (addressNow() === shownAddress) return;
  shownAddress = addressNow();
  for (const told of toldOfMoves) told();
  refresh(true);
});

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
  toldOfMoves.push(() => {
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
