// The levers of the inbox: retry and discard, of some rows or of all that have one cause; linking the
// company of a row; the request of a row. All of it goes through the API.

import { api, ask, attempt, filled, go, isOne, refresh, say } from "./live.js";

const ROWS = "/api/v1/acknowledgements";
const NAMED = 5;
const dialog = document.getElementById("discard");
const words = dialog?.dataset ?? {};

const said = (key, count) => filled(words[`${key}${isOne(count) ? "One" : "Other"}`] ?? "", { count });

// --- what is chosen -----------------------------------------------------------------------------

const boxes = () => [...document.querySelectorAll("table.inbox tbody input[type=checkbox]")];
const tools = () => [...document.querySelectorAll(".tools [data-do]")];

function chosen(what) {
  const able = what === "retry" ? "canRetry" : "canDiscard";
  return boxes().filter((box) => box.checked && able in box.dataset);
}

function tell() {
  for (const button of tools()) button.disabled = chosen(button.dataset.do).length === 0;
  const all = document.querySelector("[data-all]");
  if (!all) return;
  const checked = boxes().filter((box) => box.checked).length;
  all.checked = checked > 0 && checked === boxes().length;
  all.indeterminate = checked > 0 && !all.checked;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  if (event.target.matches("table.inbox input[type=checkbox]")) tell();
});

// The hidden field of the search follows the tab that is shown.
function followTab() {
  const field = document.querySelector("[data-group]");
  if (field) field.value = new URLSearchParams(location.search).get("group") ?? "needs";
}

document.addEventListener("bridge:refreshed", () => { followTab(); tell(); });

// --- what is done -------------------------------------------------------------------------------

// To which rows a button is about: the one of the page, all of a cause, or those that are chosen.
function target(button) {
  const one = button.closest("[data-one]");
  if (one) return { body: { ids: [Number(one.dataset.one)] }, names: [one.dataset.name], count: 1 };
  const cause = button.closest("[data-cause]");
  if (cause) {
    const { name, count } = cause.dataset;
    return { body: { cause: JSON.parse(cause.dataset.cause) }, names: [name], count: Number(count), isCause: true };
  }
  const rows = chosen(button.dataset.do);
  const names = rows.map((box) => box.dataset.name);
  return { body: { ids: rows.map((box) => Number(box.value)) }, names, count: rows.length };
}

function fillDialog({ names, count, isCause }) {
  dialog.querySelector("h2").textContent = said("title", count);
  const lines = names.slice(0, NAMED);
  const more = isCause ? 0 : names.length - lines.length;
  if (more > 0) lines.push(said("more", more));
  dialog.querySelector("ul").replaceChildren(...lines.map((line) => {
    const item = document.createElement("li");
    item.textContent = line;
    return item;
  }));
  dialog.querySelector("textarea").value = "";
}

async function run(button) {
  const what = button.dataset.do;
  const rows = target(button);
  if (rows.count === 0) return;
  const body = { ...rows.body };
  if (what === "discard") {
    fillDialog(rows);
    if (await ask(dialog) !== "discard") return;
    body.reason = dialog.querySelector("textarea").value;
  }
  button.disabled = true;
  const isDone = await attempt(async () => {
    const { done, left } = await api("POST", `${ROWS}/${what}`, body);
    if (done > 0) say(said(what === "retry" ? "retried" : "discarded", done));
    if (left.length > 0) say(`${said("left", left.length)} ${left[0].why}`, true);
    for (const box of boxes()) box.checked = false;
  });
  button.disabled = false;
  // Nothing is left of the cause: the others are shown.
  if (isDone && rows.isCause) await go(`${location.pathname}?group=needs`); else await refresh(true);
  tell();
}

async function link(button) {
  const { link: path, organization, name, company } = button.dataset;
  button.disabled = true;
  const done = await attempt(() => api("PUT", path, { organization: { id: organization }, name: company }, { "If-None-Match": "*" }));
  if (done) say(filled(words.linked ?? "", { name }));
  button.disabled = false;
  await refresh(true);
}

// --- the request --------------------------------------------------------------------------------

function part(title, content) {
  const heading = document.createElement("h3");
  heading.textContent = title;
  const text = document.createElement("pre");
  text.tabIndex = 0;
  text.textContent = typeof content === "string" ? content : JSON.stringify(content, null, 2);
  return [heading, text];
}

async function showRequest(button) {
  await attempt(async () => {
    const { now, refused, why_not_now: why } = await api("GET", button.dataset.request);
    const parts = part(button.dataset.now, now ?? why);
    if (refused) parts.push(...part(button.dataset.refused, refused));
    document.getElementById("request").replaceChildren(...parts);
  });
}

document.addEventListener("click", (event) => {
  const lever = event.target.closest("button[data-do]");
  if (lever) run(lever);
  const linking = event.target.closest("button[data-link]");
  if (linking) link(linking);
  const request = event.target.closest("a[data-request]");
  if (request && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    showRequest(request);
  }
});

tell();
