// Keys for lists: / searches, j and k move, Enter opens, ? tells them all.

const isTyping = (target) =>
  target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;

const rows = () => [...document.querySelectorAll("table.list tbody tr[data-key]")];

// One row at a time can be reached by Tab: the others by j and k.
function select(row) {
  for (const other of rows()) {
    other.removeAttribute("aria-selected");
    other.tabIndex = -1;
  }
  row.setAttribute("aria-selected", "true");
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function move(step) {
  const all = rows();
  if (all.length === 0) return;
  const at = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
  select(all[Math.max(0, Math.min(all.length - 1, next))]);
}

function open(row) {
  row.querySelector("a[data-open]")?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") {
      // The browser would empty the field of a search.
      event.preventDefault();
      event.target.blur();
    }
    return;
  }
  const row = event.target.closest("tr[data-key]");
  switch (event.key) {
    case "/":
      document.querySelector("input[type=search]")?.focus();
      break;
    case "j":
      move(1);
      break;
    case "k":
      move(-1);
      break;
    case "Enter":
      if (!row || event.target !== row) return;
      open(row);
      break;
    case "?":
      document.getElementById("keys").showModal();
      break;
    default:
      return;
  }
  event.preventDefault();
});

// A click beside the links of a row opens it, unless somebody selects text.
document.addEventListener("click", (event) => {
  if (event.target.closest("a, button, input, label, select, summary")) return;
  const row = event.target.closest("tr[data-key]");
  if (row && String(getSelection()) === "") open(row);
});

rows()[0]?.setAttribute("tabindex", "0");
