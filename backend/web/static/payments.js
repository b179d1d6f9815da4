// Keeps the pages of money fresh. Without it they still work: whoever looks loads them again.
import { follow } from "/assets/live.js";

const TIMEOUT_MS = 5_000;
const EVERY_MS = 700;
const PERIOD_MS = 20_000; // what changes without an event: a provider that is away, minutes that pass

const live = document.getElementById("live");
const lost = document.getElementById("lost");
const changed = document.getElementById("changed");
const watched = document.querySelector("[data-watch]")?.dataset.watch ?? null;

let busy = false;
let again = false;

/** What somebody types into is never drawn anew under their hands. */
const isTyping = () => live.contains(document.activeElement) && document.activeElement.matches("input, summary");

const refresh = async () => {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const reply = await fetch(live.dataset.address, { headers: { "X-Background": "1", "X-Fragment": "1" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (reply.status === 401 || reply.status === 403) {
      window.location.reload();
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const text = await reply.text();
    if (isTyping()) {
      changed.hidden = false;
    } else {
      const focused = document.activeElement?.getAttribute("href");
      live.innerHTML = text;
      if (focused) live.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
    }
    lost.hidden = true;
  } catch {
    lost.hidden = false;
  } finally {
    busy = false;
    if (again) {
      again = false;
      window.setTimeout(refresh, EVERY_MS);
    }
  }
};

const concerns = (event) => {
  const [kind, id] = watched.split(":");
  if (id === undefined) return event.event.includes(kind);
  return event.subject === watched;
};

let first = true;

follow("/api/v1/live?payments=true", {
  everyMs: EVERY_MS,
  onState: (state) => {
    lost.hidden = state === "live";
  },
  onChange: (events) => {
    if (live !== null) refresh();
    else if (watched !== null && events.some(concerns)) changed.hidden = false;
    else if (watched !== null && events.length === 0 && !first) changed.hidden = false; // it was away for a while
    first = false;
  },
});
if (live !== null) window.setInterval(refresh, PERIOD_MS);
