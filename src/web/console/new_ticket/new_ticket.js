// New ticket: lists of the chosen company, the ticket as it would be, then the ticket.
import { Refused, api, attempt, filled, say } from "./live.js";
import { ticketOf } from "./parts.js";

const form = document.getElementById("new-ticket");
const words = document.getElementById("words")?.dataset;
const get = (id) => document.getElementById(id);
const PAGES = 5;

const chosen = () => form.elements.company.selectedOptions[0]?.dataset ?? {};

// The address of a list of a company, in its ticket system.
function listOf({ org, desk }, what, query) {
  const asked = new URLSearchParams({ ...query, ...(desk ? { desk } : {}) }).toString();
  return `/api/v1/companies/${encodeURIComponent(org)}/${what}${asked ? `?${asked}` : ""}`;
}

function option(value, text, data = {}) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  Object.assign(made.dataset, data);
  return made;
}

// --- the lists of a company ---------------------------------------------------------------------

let services = [];

async function whole(company, what) {
  const items = [];
  let cursor = null;
  for (let page = 0; page < PAGES; page += 1) {
    const answer = await api("GET", listOf(company, what, cursor === null ? {} : { cursor }));
    items.push(...answer.items);
    cursor = answer.next;
    if (cursor === null) break;
  }
  return items;
}

function fill(select, items, byDefault) {
  const none = byDefault
    ? filled(form.dataset.linkDefault, { name: byDefault })
    : form.dataset.none;
  select.replaceChildren(option("", none), ...items.map((item) => option(item.id, item.name)));
}

function fillElements() {
  const service = services.find((one) => String(one.id) === form.elements.service.value);
  fill(form.elements.element, service?.elements ?? [], service ? "" : chosen().element);
}

async function company() {
  const of = chosen();
  const { org, team, contact, service } = of;
  closeCis();
  form.elements.ci.value = "";
  ci = null;
  const { elements } = form;
  services = [];
  const lists = [["teams", elements.team, team], ["contacts", elements.contact, contact], ["services", elements.service, service]];
  for (const [, select] of lists) select.replaceChildren(option("", org ? form.dataset.reading : form.dataset.none));
  fillElements();
  if (!org) return;
  await Promise.all(lists.map(async ([what, select, byDefault]) => {
    try {
      const items = await whole(of, what);
      if (chosen().org !== org) return;
      if (what === "services") services = items;
      fill(select, items, byDefault);
    } catch (error) {
      fill(select, [], byDefault);
      say(`${form.dataset.unreadable} ${error.message}`, true);
    }
  }));
  fillElements();
  openTicket();
}

// --- CIs: searched for as one types -------------------------------------------------------------

let ci = null;
let asked = 0;
let typed = 0;

function closeCis() {
  get("cis").hidden = true;
  form.elements.ci.setAttribute("aria-expanded", "false");
  form.elements.ci.removeAttribute("aria-activedescendant");
}

function chooseCi(row) {
  ci = row.dataset.id;
  form.elements.ci.value = row.dataset.name;
  if (form.elements.equipment.value === "") {
    form.elements.equipment.value = row.dataset.name;
    propose();
  }
  closeCis();
  changed();
}

async function searchCis() {
  const { org } = chosen();
  const wanted = form.elements.ci.value.trim();
  asked += 1;
  const mine = asked;
  if (!org || wanted === "") { closeCis(); get("ci-says").textContent = ""; return; }
  let answer = null;
  const path = listOf(chosen(), "cis", { search: wanted, limit: 20 });
  if (!await attempt(async () => { answer = await api("GET", path); }) || mine !== asked) return;
  const rows = answer.items.map((item, at) => {
    const row = document.createElement("li");
    row.id = `ci-${at}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", "false");
    row.dataset.id = item.id;
    row.dataset.name = item.name;
    row.textContent = item.name;
    const kind = document.createElement("span");
    kind.className = "sub";
    kind.textContent = ` ${item.class ?? ""}`;
    row.append(kind);
    row.addEventListener("mousedown", (event) => { event.preventDefault(); chooseCi(row); });
    return row;
  });
  get("cis").replaceChildren(...rows);
  get("cis").hidden = rows.length === 0;
  form.elements.ci.setAttribute("aria-expanded", String(rows.length > 0));
  get("ci-says").textContent = filled(form.dataset.found, { count: answer.next === null ? rows.length : `${rows.length}+` });
}

function moveCi(step) {
  const rows = [...get("cis").children];
  if (get("cis").hidden || rows.length === 0) return;
  const at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = rows[(at + step + rows.length + (at < 0 && step < 0 ? 1 : 0)) % rows.length];
  for (const row of rows) row.setAttribute("aria-selected", String(row === next));
  form.elements.ci.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

// --- the control --------------------------------------------------------------------------------

let isOwnId = false;

function propose() {
  if (isOwnId) return;
  const parts = [form.elements.equipment.value.trim(), form.elements.control_name.value.trim()];
  form.elements.control.value = parts.filter((part) => part !== "").join("/");
}

let looked = 0;

async function openTicket() {
  const { instance } = chosen();
  const control = form.elements.control.value.trim();
  looked += 1;
  const mine = looked;
  let found = null;
  if (instance && control !== "") {
    const query = new URLSearchParams({ control, instance });
    try {
      found = await api("GET", `/api/v1/controls/ticket?${query}`);
    } catch (error) {
      // A control that is not known yet has no ticket; what else is wrong the preview says.
      if (!(error instanceof Refused)) throw error;
    }
  }
  if (mine !== looked) return;
  const ticket = found?.ticket?.open ? found.ticket : null;
  get("open-ticket").hidden = ticket === null;
  if (ticket === null) { form.elements.new.checked = false; return; }
  get("open-says").textContent = filled(form.dataset.open, { status: ticket.status });
  get("open-link").textContent = `${ticket.ref} ↗`;
  get("open-link").href = ticket.url;
}

// --- the priority -------------------------------------------------------------------------------

let matrix = null;

function preset() {
  const level = matrix?.[form.elements.element_type.value]?.[form.elements.criticality.value];
  const select = form.elements.priority;
  const named = level ? [...select.options].find((one) => one.value === String(level)) : null;
  select.options[0].textContent = named ? filled(form.dataset.byMatrixIs, { priority: named.textContent }) : form.dataset.byMatrix;
}

// --- the event ----------------------------------------------------------------------------------

// crypto.randomUUID is there for secure origins alone.
const fresh = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

function party(key, name) {
  if (!key) return undefined;
  const [kind, ...rest] = key.split(":");
  const text = rest.join(":");
  return kind === "id" ? { id: text, name: name || undefined } : { name: name || text };
}

function event() {
  const { company: key, companyName, site, siteName, instance } = chosen();
  const value = (name) => form.elements[name].value.trim() || undefined;
  const named = (name) => (value(name) ? { id: value(name) } : undefined);
  const now = new Date().toISOString();
  const typedCi = value("ci");
  return {
    event_id: `console:${fresh()}`,
    created_at: now,
    source: { product: "console", instance },
    company: party(key, companyName),
    site: party(site, siteName),
    team: named("team"),
    contact: named("contact"),
    service: named("service"),
    service_element: named("element"),
    ci: ci === null ? typedCi : { id: ci, name: typedCi },
    equipment: value("equipment") ? { name: value("equipment") } : undefined,
    control: {
      id: value("control"), name: value("control_name"), element_type: value("element_type"),
      criticality: value("criticality"), state: value("state"), status_changed_at: now,
    },
    priority: value("priority") ? Number(value("priority")) : undefined,
    title: value("title"),
    description: value("description"),
    ticket: form.elements.new.checked ? { new: true } : undefined,
    acknowledgement: { author: { name: form.dataset.author }, comment: value("comment") },
  };
}

// What was looked at: that, and nothing else, is sent.
let ready = null;

function changed() {
  ready = null;
  get("preview-made").hidden = true;
  get("preview-none").hidden = false;
  get("sent").hidden = true;
}

// HTML as text: nothing of it runs, because nothing of it is put into the page.
function asText(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const end of page.querySelectorAll("br, p, li, tr")) end.after("\n");
  return page.body.textContent.trim();
}

function show(answer) {
  const { outcome, resolution, ticket, problem, warnings = [], request } = answer;
  const says = outcome === "created" ? words.created
    : outcome === "reused" ? filled(words.reused, { ticket: ticket.ref })
      : `${words.waits} ${problem?.message ?? outcome}`;
  get("preview-outcome").textContent = says;
  const facts = Object.entries({ ...resolution, priority: answer.priority ? `P${answer.priority}` : null });
  get("preview-facts").replaceChildren(...facts.flatMap(([name, value]) => {
    if (!words[name]) return [];
    const term = document.createElement("dt");
    term.textContent = words[name];
    const text = document.createElement("dd");
    text.textContent = value?.name ?? (typeof value === "string" ? value : "–");
    return [term, text];
  }));
  get("preview-warnings").replaceChildren(...warnings.map((warning) => {
    const line = document.createElement("li");
    line.textContent = warning;
    return line;
  }));
  const { title, html, text } = ticketOf(request);
  const description = html ? asText(html) : text ?? "";
  get("preview-ticket-title").textContent = title ?? "";
  get("preview-description").textContent = description;
  get("preview-description").hidden = description === "";
  get("preview-request").textContent = request ? JSON.stringify(request, null, 2) : "";
  get("preview-request").parentElement.hidden = !request;
  get("preview-none").hidden = true;
  get("preview-made").hidden = false;
}

async function send() {
  if (ready === null) return;
  const button = get("send");
  button.disabled = true;
  await attempt(async () => {
    const row = await api("POST", "/api/v1/acknowledgements", ready, { Prefer: "wait=20" });
    const says = { created: words.made, reused: words.taken }[row.state]
      ?? (["failed", "blocked", "rejected"].includes(row.state) ? words.stuck : words.onItsWay);
    get("sent-says").textContent = [filled(says, { ticket: row.ticket?.ref ?? "" }), row.problem?.message, ...row.warnings]
      .filter(Boolean).join(" ");
    const link = get("sent-link");
    link.textContent = row.ticket ? `${row.ticket.ref} ↗` : words.row;
    link.href = row.ticket ? row.ticket.url : form.dataset.inbox + row.id;
    if (row.ticket) { link.target = "_blank"; link.rel = "noopener"; } else { link.removeAttribute("target"); }
    get("preview-made").hidden = true;
    get("sent").hidden = false;
    ready = null;
    link.focus();
  });
  button.disabled = false;
}

// --- what happens when --------------------------------------------------------------------------

if (form) {
  const { elements } = form;
  isOwnId = elements.control.value !== "";
  propose();
  elements.company.addEventListener("change", company);
  elements.service.addEventListener("change", fillElements);
  for (const name of ["equipment", "control_name"]) elements[name].addEventListener("input", propose);
  elements.control.addEventListener("input", () => { isOwnId = elements.control.value !== ""; });
  for (const name of ["equipment", "control_name", "control"]) elements[name].addEventListener("change", openTicket);
  for (const name of ["element_type", "criticality"]) elements[name].addEventListener("change", preset);
  elements.ci.addEventListener("input", () => {
    ci = null;
    clearTimeout(typed);
    typed = setTimeout(searchCis, 200);
  });
  elements.ci.addEventListener("keydown", (press) => {
    if (press.key === "ArrowDown" || press.key === "ArrowUp") {
      press.preventDefault();
      if (get("cis").hidden) searchCis(); else moveCi(press.key === "ArrowDown" ? 1 : -1);
    } else if (press.key === "Enter" && !get("cis").hidden) {
      press.preventDefault();
      const row = get("cis").querySelector('[aria-selected="true"]') ?? get("cis").firstElementChild;
      if (row) chooseCi(row);
    } else if (press.key === "Escape" && !get("cis").hidden) {
      press.stopPropagation();
      closeCis();
    }
  });
  elements.ci.addEventListener("blur", closeCis);
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    attempt(async () => {
      const made = event();
      show(await api("POST", "/api/v1/acknowledgements/preview", made));
      ready = made;
      get("send").focus();
    });
  });
  get("send").addEventListener("click", send);
  attempt(async () => {
    ({ matrix } = await api("GET", "/api/v1/priority"));
    preset();
  });
  company();
}
