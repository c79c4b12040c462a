// Many links at once: a table from a file, and companies that are called as one organization.

import { api, ask, attempt, filled, isOne, refresh, say } from "./live.js";
import { element, table } from "./parts.js";

const MOST = 200;
const words = document.getElementById("words").dataset;
const outcomes = {
  created: words.created, changed: words.changed, same: words.same, removed: words.removedWord,
};

const fields = {
  name: words.name, desk: words.desk, organization: words.organization, tickets: words.tickets, team: words.team,
  contact: words.contact, service: words.service, service_element: words.element,
};

const whose = (item) => [item.name, item.company, item.site].filter(Boolean).join(" · ");

function changes(item) {
  const told = item.changes.map(({ field, from, to }) => {
    const value = (text) => (field === "tickets" ? words[text] : text) ?? words.none;
    const name = fields[field] ?? field;
    const change = from === null ? value(to) : `${value(from)} → ${value(to)}`;
    return filled(words.field, { name, change });
  });
  return [outcomes[item.outcome], ...told, ...released(item)].join(" · ");
}

// What goes on by it, and what somebody should look at.
function released(item) {
  const text = isOne(item.waiting) ? words.waitingOne : words.waitingOther;
  const waiting = item.waiting > 0 ? [filled(text, { n: item.waiting })] : [];
  return [...waiting, ...item.warnings];
}

function errorsOf(errors) {
  const place = (error) => String(error.line ?? error.pointer ?? "");
  const rows = errors.slice(0, MOST)
    .map((error) => [place(error), error.column ?? "–", error.message]);
  return [
    element("p", words.bad, "warning"),
    table([words.line, words.column, words.problem], rows),
  ];
}

function report(result) {
  const parts = [];
  const counts = filled(words.counts, result.counts);
  parts.push(element("p", counts));
  if (result.errors.length > 0) parts.push(...errorsOf(result.errors));
  const changed = result.items.filter((item) => item.outcome !== "same");
  if (changed.length > 0) {
    const rows = changed.slice(0, MOST)
      .map((item) => [String(item.line ?? ""), whose(item), changes(item)]);
    parts.push(table([words.line, words.company, words.change], rows));
    if (changed.length > MOST) {
      parts.push(element("p", filled(words.more, { n: changed.length - MOST }), "sub"));
    }
  } else if (result.errors.length === 0) {
    parts.push(element("p", words.unchanged));
  }
  return parts;
}

// --- a table from a file --------------------------------------------------------------------------

const importing = document.getElementById("import-dialog");
if (importing) {
  const preview = importing.querySelector("[data-of=preview]");
  const apply = importing.querySelector("[data-do=apply]");
  const file = importing.querySelector("input[type=file]");
  const csv = { "Content-Type": "text/csv" };
  // What was looked at: that, and nothing else, is taken over.
  let seen = null;

  document.getElementById("import").addEventListener("click", () => {
    file.value = "";
    preview.replaceChildren();
    apply.disabled = true;
    ask(importing);
  });
  const look = async (read, above = []) => {
    apply.disabled = true;
    seen = null;
    preview.replaceChildren(element("p", words.loading));
    try {
      const table = await read();
      const result = await api("PUT", "/api/v1/links?dry_run=true", table, csv);
      preview.replaceChildren(...above, ...report(result));
      const { created, changed, removed, errors } = result.counts;
      seen = { table, digest: result.digest };
      apply.disabled = errors > 0 || created + changed + removed === 0;
    } catch (error) {
      preview.replaceChildren(element("p", error.message, "wrong"));
      throw error;
    }
  };
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    // As it is now, whatever becomes of the file.
    if (chosen) attempt(() => look(async () => new Blob([await chosen.arrayBuffer()])));
    else preview.replaceChildren();
  });
  apply.addEventListener("click", async () => {
    apply.disabled = true;
    const { table, digest } = seen;
    let isOutdated = false;
    const done = await attempt(async () => {
      try {
        await api("PUT", `/api/v1/links?digest=${digest}`, table, csv);
      } catch (error) {
        isOutdated = error.status === 409;
        if (!isOutdated) throw error;
        await look(async () => table, [element("p", words.outdated, "warning")]);
      }
    });
    if (!done || isOutdated) return;
    importing.close();
    say(words.imported);
    refresh(true);
  });
}

// --- exact matches --------------------------------------------------------------------------------

const matching = document.getElementById("matches-dialog");
if (matching) {
  const preview = matching.querySelector("[data-of=preview]");
  const apply = matching.querySelector("[data-do=apply]");
  let found = [];

  const chosen = () => found.filter((_, at) => preview.querySelector(`[value="${at}"]`)?.checked);
  document.addEventListener("click", async (event) => {
    if (!event.target.closest("#matches")) return;
    apply.disabled = true;
    preview.replaceChildren(element("p", words.loading));
    const opened = ask(matching);
    await attempt(async () => {
      const result = await api("POST", "/api/v1/links/matches?dry_run=true");
      found = result.items;
      const rows = found.map((item, at) => {
        const label = element("label", undefined, "check");
        const box = element("input");
        box.type = "checkbox";
        box.value = at;
        box.checked = true;
        label.append(box, whose(item));
        return [label, item.link.organization.name, released(item).join(" · ") || "–"];
      });
      preview.replaceChildren(table([words.company, words.organization, words.change], rows));
      apply.disabled = found.length === 0;
    });
    await opened;
  });
  preview.addEventListener("change", () => { apply.disabled = chosen().length === 0; });
  apply.addEventListener("click", async () => {
    apply.disabled = true;
    // Just what was shown: meanwhile there may be others.
    const items = chosen().map(({ instance, company, site, name, link }) => ({
      instance, company, ...(site ? { site } : {}), ...(name ? { name } : {}),
      organization: { id: link.organization.id },
    }));
    const done = await attempt(async () => {
      const { counts, digest } = await api("PUT", "/api/v1/links?dry_run=true", { items });
      // What somebody has linked since it was shown stays as it is.
      if (counts.created < items.length) throw new Error(words.outdated);
      await api("PUT", `/api/v1/links?digest=${digest}`, { items });
    });
    if (!done) {
      matching.close();
      refresh(true);
      return;
    }
    matching.close();
    // The button that has opened it goes, and what has the focus is not exchanged.
    document.getElementById("main").focus();
    say(words.imported);
    refresh(true);
  });
}
