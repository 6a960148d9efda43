// Keeps the parts of a page true that bear data-live="ADDRESS": asks for them again every few seconds, and puts
// what has changed in place. Open details and the focus stay where they were, and so does what bears data-stays. Without this script pages still work.
// Where such a part bears data-events="KIND,KIND" too, the front end sends what happens (server-sent events), and the
// part is fetched anew at once, seldom besides.
"use strict";

const everyMs = 1000 * Number(document.body.dataset.liveSeconds || 2);
const seldomMs = Math.max(30000, everyMs);
const gapMs = 1000; // between two refreshes of a part, however much happens
let isFollowing = false;

async function refresh(region) {
  const turn = region.turn = (region.turn ?? 0) + 1;
  region.refreshedAt = Date.now();
  const headers = { "X-Live": "1" };
  if (region.etag) headers["If-None-Match"] = region.etag;
  let response;
  try {
    response = await fetch(region.dataset.live, { headers, cache: "no-store" });
  } catch {
    return unreachable(true);
  }
  unreachable(false);
  if (region.turn !== turn) return; // a later refresh knows more
  if (response.status === 304) return;
  if (response.ok && region.querySelector("[data-reload]")) return location.reload();
  const text = await response.text();
  const etag = response.headers.get("ETag");
  if (text === region.text || region.turn !== turn) return;
  const isFirst = region.text === undefined;
  region.text = text;
  region.etag = response.ok ? etag : null;
  if (isFirst && response.ok && same(region, text)) return;
  put(region, text);
}

function same(region, text) {
  const fresh = document.createElement("template");
  fresh.innerHTML = text;
  const plain = (node) => {
    node.querySelectorAll("[data-ago-text], [data-made], .chart > .picture").forEach((made) => made.remove());
    return node.textContent.replace(/\s+/g, " ").trim();
  };
  return plain(region.cloneNode(true)) === plain(fresh.content);
}

function put(region, text) {
  const open = new Set([...region.querySelectorAll("details[open][id]")].map((one) => one.id));
  const shut = new Set([...region.querySelectorAll("details:not([open])[id]")].map((one) => one.id));
  const focused = region.contains(document.activeElement) ? document.activeElement.id : "";
  const before = textOf(region);
  const scrolled = [...region.querySelectorAll("[data-scroll][id]")].map((one) => [one.id, one.scrollLeft]);
  const stays = [...region.querySelectorAll("[data-stays][id]")]; // forms that may be half filled in
  region.innerHTML = text;
  for (const one of stays) document.getElementById(one.id)?.replaceWith(one);
  for (const [id, left] of scrolled) document.getElementById(id)?.scrollTo({ left, behavior: "instant" });
  for (const one of region.querySelectorAll("details[id]")) {
    if (open.has(one.id)) one.open = true;
    if (shut.has(one.id)) one.open = false;
  }
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  if (textOf(region) && textOf(region) !== before) document.getElementById("announcement").textContent = textOf(region);
  tellAges();
  region.dispatchEvent(new CustomEvent("fresh", { bubbles: true }));
}

function textOf(region) {
  return region.querySelector("[data-say]")?.dataset.say ?? "";
}

// The front end itself does not answer: what is shown is old, and says so.
function unreachable(is) {
  document.documentElement.toggleAttribute("data-stale", is);
}

const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });

function tellAges() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    const [unit, length] = units.find(([, length]) => Math.abs(seconds) >= length) ?? units.at(-1);
    let ago = time.querySelector("[data-ago-text]");
    if (!ago) {
      ago = document.createElement("span");
      ago.dataset.agoText = "";
      time.append(ago);
    }
    ago.textContent = ` (${relative.format(Math.round(seconds / length), unit)})`;
  }
}

async function refreshAll() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    if (document.hidden) continue;
    const due = [...document.querySelectorAll("[data-live]")].filter(isDue);
    await Promise.all(due.map(refresh));
    tellAges();
  }
}

function isDue(region) {
  return !(isFollowing && region.dataset.events) || Date.now() - region.refreshedAt >= seldomMs;
}

function refreshSoon(region) {
  if (region.timer) return;
  const wait = Math.max(50, (region.refreshedAt ?? 0) + gapMs - Date.now());
  region.timer = setTimeout(() => { region.timer = null; refresh(region); }, wait);
}

// A browser opens six connections to a host, so that a tab which nobody looks at gives its own back.
function follow(regions) {
  const kinds = new Set(regions.flatMap((region) => region.dataset.events.split(",")));
  let source = null;
  const news = (event) => {
    const race = JSON.parse(event.data).race_id;
    for (const region of regions) {
      if (!region.dataset.race || race === undefined || region.dataset.race === String(race)) refreshSoon(region);
    }
  };
  const open = () => {
    source = new EventSource(`/live/events?kinds=${[...kinds].join(",")}`);
    source.addEventListener("following", (event) => {
      isFollowing = event.data === "true";
      if (isFollowing) regions.forEach(refreshSoon); // something may have happened since the page was made
    });
    source.addEventListener("error", () => {
      isFollowing = false;
      if (source?.readyState === EventSource.CLOSED) close();
    });
    for (const kind of [...kinds, "missed"]) source.addEventListener(kind, news);
  };
  const close = () => {
    source?.close();
    source = null;
    isFollowing = false;
  };
  const look = () => (document.hidden ? close() : source ?? open());
  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", close);
  setTimeout(look, 300); // a page that is left at once follows nothing
  setInterval(look, 15000);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  const label = button.textContent;
  button.textContent = "Copied";
  document.getElementById("announcement").textContent = "Copied";
  setTimeout(() => { button.textContent = label; }, 1500);
});

tellAges();
refreshAll();
const followed = [...document.querySelectorAll("[data-live][data-events]")];
if (followed.length) follow(followed);
