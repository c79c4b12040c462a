// Health: an examination now, and lists read anew.
import { api, attempt, filled, refresh, say } from "./live.js";

const button = document.getElementById("check");
const pause = (wait) => new Promise((resolve) => setTimeout(resolve, wait));

button?.addEventListener("click", async () => {
  button.disabled = true;
  say(button.dataset.started);
  await attempt(async () => {
    let known = await api("POST", "/api/v1/check", undefined, { Prefer: "wait=1" });
    while (known.running) {
      await refresh(true);
      await pause(1000);
      known = await api("GET", "/api/v1/check");
    }
    const { warnings, failures } = known.latest;
    say(filled(button.dataset.ended, { warnings, failures }), failures > 0);
  });
  button.disabled = false;
  await refresh(true);
});

document.addEventListener("click", async (event) => {
  const again = event.target.closest("button[data-refresh]");
  if (!again) return;
  again.disabled = true;
  // One after another: what somebody insists on has a small share of iTop.
  await attempt(async () => {
    for (const path of JSON.parse(again.dataset.refresh)) await api("GET", path);
  });
  again.disabled = false;
  again.blur();
  await refresh(true);
});
