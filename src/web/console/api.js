// Calls of the API, and what is said about them.

const body = document.body;
const root = body.dataset.root;
const SLOW_BAR = 300;
const SLOW_SENTENCE = 5000;

// A text with its {places} filled, whatever signs stand in what they are filled with.
export const filled = (text, values) =>
  text.replace(/\{(\w+)\}/g, (place, name) => String(values[name] ?? place));

export function say(text, isWrong = false) {
  const toast = document.createElement("p");
  toast.textContent = text;
  if (isWrong) toast.className = "wrong";
  document.getElementById("toasts").append(toast);
  setTimeout(() => toast.remove(), isWrong ? 12000 : 5000);
}

// Which form of a text a number takes: in French none is one, too.
const plural = new Intl.PluralRules(document.documentElement.lang);
export const isOne = (count) => plural.select(count) === "one";

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
