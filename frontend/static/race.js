// Makes race pages run: the countdown to a race, the visitor's own time beside the track's, and columns that are
// sorted where they stand. Without this script the time stands and the heads of columns are links.
"use strict";

const soon_s = 600;

function countDown() {
  for (const one of document.querySelectorAll("[data-until]")) {
    const seconds = Math.round((Date.parse(one.dataset.until) - Date.now()) / 1000);
    one.dataset.made = "";
    one.classList.toggle("soon", seconds >= 0 && seconds < soon_s);
    one.textContent = untilText(seconds);
  }
}

function untilText(seconds) {
  if (seconds < 0) return seconds > -soon_s ? "off now" : "passed";
  const minutes = Math.floor(seconds / 60);
  if (seconds < soon_s) return `in ${minutes}:${String(seconds % 60).padStart(2, "0")}`;
  return minutes < 100 ? `in ${minutes} min` : `in ${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")}`;
}

// The time at the track stands there already; the visitor's own is added where it is another.
function addOwnTime() {
  for (const time of document.querySelectorAll("time[data-offset]:not([data-has-own])")) {
    time.dataset.hasOwn = "";
    const at = new Date(time.dateTime);
    if (-at.getTimezoneOffset() === Number(time.dataset.offset)) continue;
    const own = document.createElement("small");
    own.dataset.made = "";
    own.className = "own-time";
    own.title = "your time";
    own.textContent = ` ${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")} here`;
    time.append(own);
  }
}

let sortedBy;

function sort(table, column, isDescending) {
  const body = table.querySelector("[role=rowgroup]:not(.head)");
  const value = (row) => row.querySelector(`[data-value-${column}]`)?.getAttribute(`data-value-${column}`) ?? "";
  const compare = (one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === "" || b === "") return (a === "") - (b === "");
    const order = column === "name" ? a.localeCompare(b) : Number(a) - Number(b);
    return isDescending ? -order : order;
  };
  const rows = [...body.children].filter((row) => !row.matches(".not-starting"));
  body.prepend(...rows.sort(compare));
  for (const head of table.querySelectorAll("[aria-sort]")) {
    head.setAttribute("aria-sort", head.dataset.column !== column ? "none" : isDescending ? "descending" : "ascending");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-sort]");
  if (!button || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const head = button.closest("[aria-sort]");
  const was = head.getAttribute("aria-sort");
  const isDescending = was === "none" ? button.dataset.sort === "descending" : was === "ascending";
  sortedBy = [head.dataset.column, isDescending];
  sort(head.closest("[role=table]"), ...sortedBy);
});

document.addEventListener("fresh", () => {
  countDown();
  addOwnTime();
  const table = document.querySelector(".runners");
  if (table && sortedBy) sort(table, ...sortedBy);
});

countDown();
addOwnTime();
setInterval(countDown, 1000);
