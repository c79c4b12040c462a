// "Mine": the name that somebody has given once, kept by their browser alone.

import { ask, go } from "./live.js";

const KEPT = "bridge.name";
const button = document.getElementById("mine");
const dialog = document.getElementById("who");

const present = () => new URLSearchParams(location.search);

function tell() {
  button.setAttribute("aria-pressed", String(present().has("mine")));
}

button.addEventListener("click", async () => {
  const query = present();
  for (const name of ["cursor", "before"]) query.delete(name);
  if (query.has("mine")) {
    query.delete("mine");
  } else {
    const field = dialog.querySelector("input");
    field.value = localStorage.getItem(KEPT) ?? "";
    if (field.value === "" && (await ask(dialog)) !== "ok") return;
    const name = field.value.trim();
    if (name === "") return;
    localStorage.setItem(KEPT, name);
    query.set("mine", name);
  }
  const text = query.toString();
  await go(location.pathname + (text ? `?${text}` : ""));
  tell();
});

// Whoever takes the filter off by hand may be somebody else the next time.
document.addEventListener("click", (event) => {
  if (event.target.closest("a[data-forget]")) localStorage.removeItem(KEPT);
});

document.addEventListener("bridge:refreshed", tell);
addEventListener("popstate", tell);
button.hidden = false;
tell();
