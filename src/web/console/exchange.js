// What a page shows is exchanged for what it shows now: regions marked data-live, row by row where they
// have rows.

import { filled, isOne } from "./api.js";
import { setText, tellTimes } from "./times.js";

const words = document.body.dataset;

// What an element looks like without what changes by itself.
function looks(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time")) { time.textContent = ""; time.title = ""; }
  for (const hour of copy.querySelectorAll("[data-hour]")) hour.textContent = "";
  for (const input of copy.querySelectorAll("input")) input.removeAttribute("checked");
  for (const details of copy.querySelectorAll("details")) details.open = false;
  for (const name of ["tabindex", "aria-selected", "class"]) copy.removeAttribute(name);
  return copy;
}

// Whether there is the same in two regions.
function isSame(region, fresh) {
  const [one, other] = [looks(region), looks(fresh)].map((copy) => {
    const content = document.createDocumentFragment();
    content.append(...copy.childNodes);
    return content;
  });
  return one.isEqualNode(other);
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
  if (isTypedIn(row)) return row;
  const place = placeIn(row);
  row.replaceWith(fresh);
  reach(fresh, place);
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
      document.dispatchEvent(new CustomEvent("bridge:wanted"));
    });
    region.before(news);
  }
  const text = isOne(count) ? words.newOne : words.newOther;
  setText(news, filled(text, { count }));
}

const REACHED = "a[href], button, input, select, summary";
const TYPED = "input:not([type=checkbox]), textarea, select";

// Somebody types in it: it stays until they are done.
const isTypedIn = (region) =>
  region.contains(document.activeElement) && document.activeElement.matches(TYPED);

// What had the focus keeps it, by its place: a filter that was chosen can be chosen away again.
const placeIn = (region) => [...region.querySelectorAll(REACHED)].indexOf(document.activeElement);

function reach(region, place) {
  if (place < 0) return;
  const reached = region.querySelectorAll(REACHED);
  (reached[place] ?? reached[reached.length - 1])?.focus({ preventScroll: true });
}

// What was folded out stays so.
function replace(region, fresh) {
  const place = placeIn(region);
  const isOpen = [...region.querySelectorAll("details")].map((details) => details.open);
  region.replaceChildren(...document.importNode(fresh, true).childNodes);
  region.querySelectorAll("details").forEach((details, at) => { details.open = isOpen[at] ?? details.open; });
  reach(region, place);
}

export function put(next, isForced) {
  for (const region of document.querySelectorAll("[data-live]")) {
    // What the page does not have any more is empty.
    const fresh = next.querySelector(`[data-live="${region.dataset.live}"]`) ?? document.createElement("div");
    const isList = region.querySelector("[data-key]") && fresh.querySelector("[data-key]");
    if (isList && !isForced) {
      exchangeRows(region, fresh);
    } else if (isForced || !isTypedIn(region)) {
      if (isList || !isSame(region, fresh)) replace(region, fresh);
    }
  }
  tellTimes();
  document.dispatchEvent(new CustomEvent("bridge:refreshed"));
}
