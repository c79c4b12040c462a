// The levers of equipment: yes or no to what is held, trying again, and looking at a list before it is sent. All of
// it goes through the API.

import { api, ask, attempt, filled, isOne, refresh, say } from "./live.js";
import { element, table } from "./parts.js";

const EQUIPMENT = "/api/v1/equipment";
// Rows of a preview that are shown; the rest is counted.
const MOST = 200;
const words = document.getElementById("words")?.dataset ?? {};
const said = (key, values) => filled(words[`${key}${isOne(values.count) ? "One" : "Other"}`] ?? "", values);
const fields = new Map((words.fields ?? "").split("|").map((field) => field.split("=")));

// Does something of which what was looked at may have changed meanwhile.
const unlessOutdated = async (work) => {
  try {
    return await work();
  } catch (error) {
    if (error.problem?.type?.endsWith(":preview-outdated")) throw new Error(words.outdated);
    throw error;
  }
};

// --- what is held -------------------------------------------------------------------------------

const question = document.getElementById("question");

async function answer(button) {
  const { answer: body, count: rows, company, what } = button.parentElement.dataset;
  const count = Number(rows);
  const { do: deed } = button.dataset;
  if (deed === "approve") {
    question.querySelector("h2").textContent = said(`${what}Ask`, { count, company });
    question.querySelector("[data-of=help]").textContent = words[`${what}Help`];
    question.querySelector("[data-of=yes]").textContent = button.textContent;
    if (await ask(question) !== "yes") return;
  }
  button.disabled = true;
  await attempt(() => unlessOutdated(async () => {
    const { done } = await api("POST", `${EQUIPMENT}/${deed}`, JSON.parse(body));
    say(said("done", { count: done }));
  }));
  button.disabled = false;
  document.getElementById("main").focus();
  await refresh(true);
}

// --- what is halted -----------------------------------------------------------------------------

async function resume(button) {
  const { resume: name, ask: asked } = button.dataset;
  question.querySelector("h2").textContent = asked;
  question.querySelector("[data-of=help]").textContent = words.haltHelp;
  question.querySelector("[data-of=yes]").textContent = button.textContent;
  if (await ask(question) !== "yes") return;
  button.disabled = true;
  await attempt(async () => {
    await api("POST", "/api/v1/cmdb/resume", { class: name });
    say(words.goesOn);
  });
  button.disabled = false;
  document.getElementById("main").focus();
  await refresh(true);
}

// --- trying again -------------------------------------------------------------------------------

async function retry(button, body) {
  button.disabled = true;
  await attempt(async () => {
    const { done } = await api("POST", `${EQUIPMENT}/retry`, body);
    say(said("retried", { count: done }));
  });
  button.disabled = false;
  document.getElementById("main").focus();
  await refresh(true);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  const { retry: id, retryAll, company, instance, do: deed } = button.dataset;
  if (button.dataset.resume !== undefined) resume(button);
  else if (id !== undefined) retry(button, { company, instance, ids: [id] });
  else if (retryAll !== undefined) retry(button, { company: retryAll, instance });
  else if (["approve", "keep"].includes(deed)) answer(button);
});

// --- a list from a file -------------------------------------------------------------------------

function change({ field, old, new: now }) {
  const name = fields.get(field) ?? field;
  return `${name}: ${old ?? words.none} → ${now ?? words.none}`;
}

function told(item) {
  const changes = item.changes.map(change);
  const ci = item.ci ? [`${item.ci.class}::${item.ci.id}`] : [];
  const problem = item.problem ? [item.problem.message] : [];
  return [...(item.held ? [words.isHeld] : []), ...ci, ...changes, ...problem].join(" · ") || "–";
}

function report({ counts, items, cut, warnings }) {
  const parts = [element("p", filled(words.counts, counts))];
  parts.push(...warnings.map((warning) => element("p", warning, "warning")));
  const rows = items.slice(0, MOST)
    .map((item) => [`${item.name} (${item.id})`, words[item.outcome], told(item)]);
  if (rows.length === 0) return [...parts, element("p", words.nothing)];
  parts.push(table([words.name, words.outcome, words.change], rows));
  if (cut || items.length > MOST) parts.push(element("p", words.more, "sub"));
  return parts;
}

// What is wrong with a list that is not taken, row by row.
function refused(error) {
  const errors = error.problem?.errors ?? [];
  if (errors.length === 0) return [element("p", error.message, "wrong")];
  const place = (one) => String(one.line ?? one.row ?? one.pointer ?? "–") || "–";
  return [
    element("p", words.bad, "wrong"),
    table([words.place, words.problem], errors.slice(0, MOST).map((one) => [place(one), one.message])),
  ];
}

const KINDS = { csv: "text/csv", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson" };

const dialog = document.getElementById("upload-dialog");
if (dialog) {
  const preview = dialog.querySelector("[data-of=preview]");
  const apply = dialog.querySelector("[data-do=apply]");
  const file = dialog.querySelector("input[type=file]");
  const company = dialog.querySelector("[name=company]");
  const instance = dialog.querySelector("[name=instance]");
  const partial = dialog.querySelector("#upload-partial");
  // What was looked at: that, and nothing else, is sent.
  let seen = null;
  // The latest look: an earlier one says nothing more.
  let latest = 0;

  const look = async () => {
    const mine = ++latest;
    seen = null;
    apply.disabled = true;
    const [chosen] = file.files;
    if (!chosen) { preview.replaceChildren(); return; }
    if (company.value.trim() === "") {
      preview.replaceChildren(element("p", words.noCompany, "warning"));
      return;
    }
    preview.replaceChildren(element("p", words.loading));
    const query = new URLSearchParams({ company: company.value.trim() });
    if (instance.value.trim() !== "") query.set("instance", instance.value.trim());
    const kind = KINDS[chosen.name.split(".").pop().toLowerCase()] ?? "application/json";
    const isPartial = partial.checked;
    try {
      // As it is now, whatever becomes of the file.
      const list = new Blob([await chosen.arrayBuffer()]);
      const type = { "Content-Type": kind };
      const result = await api("POST", `${EQUIPMENT}/preview?${query}${isPartial ? "&partial=true" : ""}`, list, type);
      if (mine !== latest) return;
      preview.replaceChildren(...report(result));
      query.set("digest", result.digest);
      seen = { list, type, address: `${EQUIPMENT}?${query}`, method: isPartial ? "PATCH" : "PUT" };
      const { created, adopted, changed, back, retired } = result.counts;
      apply.disabled = created + adopted + changed + back + retired === 0;
    } catch (error) {
      if (mine === latest) preview.replaceChildren(...refused(error));
    }
  };
  for (const field of [file, company, instance, partial]) field.addEventListener("change", look);
  document.getElementById("upload").addEventListener("click", () => {
    file.value = "";
    look();
    ask(dialog);
  });
  dialog.querySelector("[data-do=close]").addEventListener("click", () => dialog.close());
  apply.addEventListener("click", async () => {
    apply.disabled = true;
    const { list, type, address, method } = seen;
    try {
      const { warnings } = await api(method, address, list, type);
      dialog.close();
      say(words.taken);
      for (const warning of warnings) say(warning);
      refresh(true);
    } catch (error) {
      const isOutdated = error.problem?.type?.endsWith(":preview-outdated");
      if (isOutdated) await look();
      preview.prepend(element("p", isOutdated ? words.outdated : error.message, "wrong"));
    }
  });
}
