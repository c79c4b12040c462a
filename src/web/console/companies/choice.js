// A field in which one searches among thousands and chooses one: a combobox with a listbox below.

import { filled } from "./api.js";

const MOST = 50;

// As people compare names: without capitals and accents.
const plain = (text) => text.normalize("NFD").replace(/\p{Mn}/gu, "").toLowerCase();

export class Choice {
  // `field` holds the input and the list; `told` is called with what was chosen, or null.
  constructor(field, words, told) {
    this.input = field.querySelector("input");
    this.list = field.querySelector("[role=listbox]");
    this.words = words;
    this.told = told;
    this.items = [];
    this.chosen = null;
    this.at = -1;
    this.input.addEventListener("input", () => this.open());
    this.input.addEventListener("click", () => this.open(true));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.leave());
    // The focus stays in the input.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.take(this.shown[Number(option.dataset.at)]);
    });
  }

  // Items have id, name, and `beside`: what tells two of one name apart.
  offer(items) {
    this.items = items.map((item) => ({
      ...item, plain: plain(`${item.name} ${item.beside ?? ""}`),
    }));
  }

  set(item) {
    this.chosen = item;
    this.input.value = item ? item.name : "";
  }

  open(all = false) {
    const words = all ? [] : plain(this.input.value).split(/\s+/).filter(Boolean);
    const fitting = this.items.filter((item) => words.every((word) => item.plain.includes(word)));
    this.shown = fitting.slice(0, MOST);
    this.list.replaceChildren(...this.shown.map((item, at) => {
      const option = document.createElement("li");
      option.role = "option";
      option.id = `${this.list.id}-${at}`;
      option.dataset.at = at;
      option.textContent = item.name;
      if (item.beside) {
        const beside = document.createElement("span");
        beside.className = "sub";
        beside.textContent = ` ${item.beside}`;
        option.append(beside);
      }
      return option;
    }));
    const rest = fitting.length - this.shown.length;
    if (rest > 0 || fitting.length === 0) {
      const note = document.createElement("li");
      note.className = "sub";
      note.role = "presentation";
      note.textContent = rest > 0 ? filled(this.words.more, { n: rest }) : this.words.nothing;
      this.list.append(note);
    }
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(words.length > 0 && this.shown.length > 0 ? 0 : -1);
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.at = -1;
  }

  mark(at) {
    this.list.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    this.at = at;
    const option = this.list.querySelector(`[data-at="${at}"]`);
    if (!option) {
      this.input.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", option.id);
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (this.list.hidden) this.open(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.mark(Math.max(0, Math.min(this.shown.length - 1, this.at + step)));
    } else if (event.key === "Enter" && !this.list.hidden && this.at >= 0) {
      this.take(this.shown[this.at]);
    } else if (event.key === "Escape" && !this.list.hidden) {
      this.set(this.chosen);
      this.close();
      event.stopPropagation();
    } else {
      return;
    }
    event.preventDefault();
  }

  take(item) {
    this.set(item);
    this.close();
    this.told(item);
  }

  // What was typed and not chosen is no choice; nothing is one.
  leave() {
    if (!this.list.hidden) this.close();
    if (this.input.value.trim() === "" && this.chosen) {
      this.set(null);
      this.told(null);
    } else {
      const only = this.items.filter((item) => item.name === this.input.value.trim());
      if (only.length === 1 && only[0].id !== this.chosen?.id) this.take(only[0]);
      else this.set(this.chosen);
    }
  }
}
