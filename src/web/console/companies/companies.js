// The form beside the list: what a company or site is in iTop, and its defaults.

import { Choice } from "./choice.js";
import { api, ask, attempt, filled, go, isOne, refresh, say } from "./live.js";
import { ticketOf } from "./parts.js";
import "./tables.js";
import { tellTimes } from "./times.js";

const words = document.getElementById("words").dataset;
const template = document.getElementById("edit");
const editor = document.getElementById("editor");
const facts = document.getElementById("facts");

// --- what ticket systems offer --------------------------------------------------------------------

// A list, page by page. It is asked for once while the page is open.
const lists = new Map();
function listed(path, desk) {
  const key = `${desk} ${path}`;
  if (!lists.has(key)) {
    const read = async () => {
      const items = [];
      let cursor = "";
      do {
        const page = await api("GET", `${path}?limit=1000${ofDesk(desk)}${cursor}`);
        items.push(...page.items);
        cursor = page.next ? `&cursor=${encodeURIComponent(page.next)}` : "";
      } while (cursor !== "");
      return items;
    };
    const reading = read();
    lists.set(key, reading);
    // What failed is asked for again.
    reading.catch(() => lists.delete(key));
  }
  return lists.get(key);
}

// The default one is meant where none is named.
const ofDesk = (desk) => (desk === words.defaultDesk ? "" : `&desk=${desk}`);

async function organizations(desk) {
  const all = await listed("/api/v1/companies", desk);
  const byId = new Map(all.map((org) => [org.id, org]));
  const above = (org) => {
    const names = [];
    for (let up = byId.get(org.parent); up && names.length < 16; up = byId.get(up.parent)) {
      names.unshift(up.name);
    }
    return names.join(" › ");
  };
  return all.map((org) => ({ id: org.id, name: org.name, beside: above(org) || org.code }));
}

// --- the form -------------------------------------------------------------------------------------

let now = null;
// Forms of companies that somebody has left with words in them: they are there when they come back.
const drafts = new Map();

const part = (form, name) => form.querySelector(`[data-of="${name}"]`);
const label = (view) => view.name ?? view.site ?? view.company;

function callOf(view, call = "") {
  const site = view.site ? `/sites/${encodeURIComponent(view.site)}` : "";
  const instance = encodeURIComponent(view.instance);
  return `/api/v1/links/${encodeURIComponent(view.company)}${site}${call}?instance=${instance}`;
}

// Fills a select; what was chosen stays, even where the list lacks it.
function fill(select, items, chosen) {
  const option = (id, text) => {
    const made = document.createElement("option");
    made.value = id;
    made.textContent = text;
    return made;
  };
  select.replaceChildren(option("", words.none), ...items.map((item) => option(item.id, item.name)));
  if (chosen && !items.some((item) => item.id === chosen.id)) {
    select.append(option(chosen.id, filled(words.notInList, { name: chosen.name })));
  }
  select.value = chosen?.id ?? "";
}

class Editor {
  constructor(view) {
    this.view = view;
    this.form = template.content.cloneNode(true).querySelector("form");
    this.isDirty = false;
    const link = view?.link;
    this.organization = new Choice(this.form.querySelector("[data-choice=organization]"), words,
      (org) => this.take(org));
    this.contact = new Choice(this.form.querySelector("[data-choice=contact]"), words,
      () => { this.isDirty = true; });
    this.services = [];
    this.desk = link ? link.desk ?? "itop" : words.defaultDesk;
    // Only where there is more than one.
    const desks = this.form.elements.desk;
    if (desks) {
      desks.value = this.desk;
      desks.addEventListener("change", () => this.move(desks.value));
    }
    this.tell();
    this.form.elements.name.value = view?.name ?? "";
    this.form.elements.tickets.checked = link?.tickets ?? true;
    this.organization.set(link?.organization ?? null);
    this.contact.set(link?.contact ?? null);
    fill(this.form.elements.team, [], link?.team);
    fill(this.form.elements.service, [], link?.service);
    fill(this.form.elements.service_element, [], link?.service_element);
    this.form.addEventListener("input", () => { this.isDirty = true; });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    this.form.elements.service.addEventListener("change", () => this.offerElements(null));
    this.form.addEventListener("click", (event) => this.act(event.target.dataset.do));
    editor.replaceChildren(this.form);
    this.offerOrganizations();
    if (link) this.offer(link.organization.id, link);
  }

  // What stands around the fields.
  tell() {
    const { form, view } = this;
    const show = (name, text) => {
      const node = part(form, name);
      node.hidden = !text;
      if (text && text !== true) node.textContent = text;
    };
    part(form, "title").textContent = view ? label(view) : words.new;
    part(form, "key").textContent = view ? [view.site && words.id, view.site ?? view.company]
      .filter(Boolean).join(" ") : "";
    show("new", !view);
    part(form, "try").hidden = !view || !document.getElementById("try-dialog");
    if (!view) return;
    const above = view.company_name ?? view.company;
    show("inherits", view.inherited && filled(words.inherits, { name: above }));
    part(form, "remove").hidden = !view.link || view.inherited;
    const { suggestion } = view;
    part(form, "suggestion").hidden = !suggestion || Boolean(view.link);
    if (suggestion) {
      const path = [...suggestion.path, suggestion.name].join(" › ");
      form.querySelector("[data-do=suggested]").textContent = path;
    }
    if (view.link && !view.inherited) {
      const time = document.createElement("time");
      time.className = "at";
      time.dateTime = view.link.updated_at;
      const by = view.link.updated_by;
      const said = by ? filled(words.changedBy, { name: by }) : words.changedAt;
      part(form, "changed").append(`${said} `, time);
      tellTimes(form);
    }
    if (!view.site && view.sites > 0) {
      const counted = (count, one, other) => filled(isOne(count) ? one : other, { count });
      part(form, "used").textContent = [
        counted(view.sites, words.sitesOne, words.sitesOther),
        counted(view.linked_sites, words.ownOne, words.ownOther),
      ].join(" ");
    }
  }

  act(what) {
    if (what === "try") tryIt(this.view);
    if (what === "remove") this.remove();
    if (what === "suggested") {
      this.organization.set(this.view.suggestion);
      this.take(this.view.suggestion);
    }
  }

  offerOrganizations() {
    const { desk } = this;
    attempt(async () => {
      const all = await organizations(desk);
      if (this.desk === desk) this.organization.offer(all);
    });
  }

  // Another ticket system has other companies.
  move(desk) {
    this.desk = desk;
    this.organization.set(null);
    this.organization.offer([]);
    this.take(null);
    const { suggestion } = this.view ?? {};
    part(this.form, "suggestion").hidden = !suggestion || Boolean(this.view.link)
      || desk !== words.defaultDesk;
    this.offerOrganizations();
  }

  // Another organization has other teams: nothing of the last one is kept.
  take(org) {
    this.isDirty = true;
    this.contact.set(null);
    for (const name of ["team", "service", "service_element"]) fill(this.form.elements[name], []);
    this.contact.offer([]);
    if (org) this.offer(org.id, null);
  }

  async offer(org, link) {
    const path = `/api/v1/companies/${encodeURIComponent(org)}`;
    const isHere = () => this.organization.chosen?.id === org;
    await attempt(async () => {
      const [teams, contacts, services] = await Promise.all(
        ["teams", "contacts", "services"].map((list) => listed(`${path}/${list}`, this.desk)));
      if (!isHere()) return;
      const { elements } = this.form;
      const kept = (select, stored) => select.value === "" && !stored ? null : stored;
      fill(elements.team, teams, kept(elements.team, link?.team));
      this.contact.offer(contacts.map(({ id, name, email }) => ({ id, name, beside: email })));
      this.services = services;
      fill(elements.service, services, kept(elements.service, link?.service));
      this.offerElements(link?.service_element);
    });
  }

  offerElements(chosen) {
    const { service, service_element: element } = this.form.elements;
    const known = this.services.find((one) => one.id === service.value);
    fill(element, known?.elements ?? [], chosen);
    element.disabled = service.value === "";
  }

  wrong(text) {
    const node = part(this.form, "wrong");
    node.textContent = text;
    node.hidden = !text;
  }

  body() {
    const { elements } = this.form;
    const body = {
      organization: { id: this.organization.chosen.id },
      tickets: elements.tickets.checked,
    };
    if (elements.desk) body.desk = this.desk;
    const name = elements.name.value.trim();
    if (name !== "") body.name = name;
    for (const field of ["team", "service", "service_element"]) {
      if (elements[field].value !== "") body[field] = { id: elements[field].value };
    }
    if (this.contact.chosen) body.contact = { id: this.contact.chosen.id };
    return body;
  }

  async save() {
    const { elements } = this.form;
    this.wrong("");
    let { view } = this;
    if (!view) {
      const company = elements.new_company.value.trim();
      if (!/^(id|name):\s*\S/.test(company)) {
        this.wrong(words.chooseCompany);
        elements.new_company.focus();
        return;
      }
      const instance = elements.new_instance?.value ?? words.instance;
      view = { instance, company, site: elements.new_site.value.trim() || null };
    }
    if (!this.organization.chosen) {
      this.wrong(words.chooseOrganization);
      this.organization.input.focus();
      return;
    }
    // The link that was there when the form was opened: what somebody else has made of it since is
    // not overwritten unasked.
    const known = view.link && !view.inherited ? view.link.version : null;
    await this.put(view, known ? { "If-Match": `"${known}"` } : { "If-None-Match": "*" });
  }

  async put(view, condition) {
    try {
      const made = await api("PUT", callOf(view), this.body(), condition);
      this.isDirty = false;
      say([words.saved, ...made.warnings].join(" "));
      const query = new URLSearchParams(location.search);
      query.delete("new");
      query.set("company", made.company);
      query.set("instance", made.instance);
      if (made.site) query.set("site", made.site); else query.delete("site");
      now = null;
      await go(`${location.pathname}?${query}`);
    } catch (error) {
      if (error.status === 412) {
        await this.overtaken(view, error.problem);
        return;
      }
      const told = error.problem?.errors?.map((one) => one.message).join("; ");
      const isOther = error.problem?.type?.endsWith("other-desk");
      this.wrong(isOther ? words.otherDesk : told || error.message);
    }
  }

  // Somebody else was faster: theirs, or what is typed here.
  async overtaken(view, { link, etag }) {
    const dialog = document.getElementById("overtaken-dialog");
    const { organization, updated_by: by } = link ?? {};
    part(dialog, "what").textContent = link
      ? filled(words.overtaken, { name: by ?? words.somebody, organization: organization.name })
      : words.overtakenGone;
    const answer = await ask(dialog);
    if (answer === "mine") {
      await this.put(view, etag ? { "If-Match": etag } : { "If-None-Match": "*" });
    } else if (answer === "theirs") {
      this.isDirty = false;
      now = null;
      if (this.view) {
        await refresh(true);
      } else {
        const site = view.site ? { site: view.site } : {};
        await go(`${location.pathname}?${new URLSearchParams({ company: view.company, instance: view.instance, ...site })}`);
      }
    }
  }

  async remove() {
    const dialog = document.getElementById("remove-dialog");
    part(dialog, "what").textContent = filled(words.removeWhat, { name: label(this.view) });
    if (await ask(dialog) !== "yes") return;
    const condition = { "If-Match": `"${this.view.link.version}"` };
    if (!await attempt(() => api("DELETE", callOf(this.view), undefined, condition))) {
      await refresh(true);
      return;
    }
    this.isDirty = false;
    say(words.removed);
    now = null;
    await refresh(true);
  }
}

// --- a trial --------------------------------------------------------------------------------------

async function tryIt(view) {
  const dialog = document.getElementById("try-dialog");
  const outcome = part(dialog, "outcome");
  const request = part(dialog, "request");
  const line = (name, text) => {
    const made = document.createElement(name);
    made.textContent = text;
    return made;
  };
  outcome.replaceChildren(line("p", words.loading));
  request.textContent = "";
  request.parentElement.hidden = true;
  const closed = ask(dialog);
  const done = await attempt(async () => {
    const told = await api("POST", callOf(view, "/trial"));
    const sentences = {
      created: words.tryCreated, reused: words.tryReused, blocked: words.tryBlocked,
      recorded: words.tryRecorded, failed: words.tryFailed,
    };
    const sentence = filled(sentences[told.outcome] ?? told.outcome, {
      organization: told.resolution?.company.name ?? "", ticket: told.ticket?.ref ?? "",
    });
    const parts = [line("p", sentence)];
    if (told.problem) parts.push(line("p", told.problem.message));
    if (told.resolution) {
      const list = document.createElement("dl");
      list.className = "facts";
      const { team, contact, service, service_element: element } = told.resolution;
      for (const [name, value] of [
        [words.subject, ticketOf(told.request).title], [words.priority, `P${told.priority}`],
        [words.team, team?.name], [words.contact, contact?.name],
        [words.service, service?.name], [words.element, element?.name],
      ]) {
        list.append(line("dt", name), line("dd", value ?? "–"));
      }
      parts.push(list);
    }
    for (const warning of told.warnings ?? []) {
      const said = line("p", warning);
      said.className = "warning";
      parts.push(said);
    }
    outcome.replaceChildren(...parts);
    if (told.request) {
      part(dialog, "request-title").textContent = words[requestOf(told.desk ?? "itop")];
      request.textContent = JSON.stringify(told.request, null, 2);
      request.parentElement.hidden = false;
    }
  });
  if (!done) dialog.close();
  await closed;
}

// Such as requestItop.
const requestOf = (desk) => `request${desk[0].toUpperCase()}${desk.slice(1)}`;

// --- which one ------------------------------------------------------------------------------------

function show() {
  const chosen = document.getElementById("chosen");
  const text = chosen?.dataset.view ?? null;
  facts.hidden = Boolean(template && chosen);
  if (!template || text === now) return;
  const view = text === null ? null : JSON.parse(text);
  const shown = editor.editor;
  const name = text === null ? null : nameOf(view);
  const isSame = shown && now !== null && nameOf(shown.view) === name;
  // What somebody has typed stays, whatever else has changed of that company, and a form in which
  // somebody is stays until they have left it.
  if (isSame && (shown.isDirty || shown.form.contains(document.activeElement))) return;
  if (shown?.isDirty) drafts.set(nameOf(shown.view), shown);
  now = text;
  if (text === null) {
    editor.replaceChildren();
    editor.editor = null;
    return;
  }
  const draft = drafts.get(name);
  drafts.delete(name);
  if (draft) editor.replaceChildren(draft.form);
  editor.editor = draft ?? new Editor(view);
}

const nameOf = (view) => (view ? callOf(view) : "new");
const isTyped = () => Boolean(editor.editor?.isDirty) || drafts.size > 0;
addEventListener("beforeunload", (event) => { if (isTyped()) event.preventDefault(); });

facts.addEventListener("click", (event) => {
  const chosen = document.getElementById("chosen");
  if (event.target.dataset.do === "try" && chosen) tryIt(JSON.parse(chosen.dataset.view));
});
document.addEventListener("bridge:refreshed", show);
show();
