// Times, as people read them: ages that go on, exact times in the browser's zone.

import { filled } from "./api.js";

const ages = document.body.dataset.ages.split("|");
const fill = (text, n) => filled(text, { n });
const exact = new Intl.DateTimeFormat(document.documentElement.lang, {
  dateStyle: "medium", timeStyle: "medium", hour12: false,
});
export const clockTime = new Intl.DateTimeFormat(document.documentElement.lang, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false,
});
const dayAndTime = new Intl.DateTimeFormat(document.documentElement.lang, {
  day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false,
});

function ageOf(at, now) {
  const seconds = Math.max(0, Math.floor((now - at) / 1000));
  if (seconds < 1) return ages[0];
  if (seconds < 60) return fill(ages[1], seconds);
  if (seconds < 3600) return fill(ages[2], Math.floor(seconds / 60));
  if (seconds < 86400) return fill(ages[3], Math.floor(seconds / 3600));
  if (seconds < 172800) return ages[4];
  return fill(ages[5], Math.floor(seconds / 86400));
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function tellTimes(within = document) {
  const now = Date.now();
  for (const time of within.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (time.classList.contains("age")) {
      setText(time, ageOf(at, now));
    } else {
      const isToday = at.toDateString() === new Date(now).toDateString();
      setText(time, (isToday ? clockTime : dayAndTime).format(at));
    }
    time.title = exact.format(at);
  }
  for (const hour of within.querySelectorAll("[data-hour]")) {
    setText(hour, clockTime.format(new Date(hour.dataset.hour)).slice(0, 5));
  }
}

tellTimes();
setInterval(tellTimes, 1000);
