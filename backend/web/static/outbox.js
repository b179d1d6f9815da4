// Keeps the list of messages fresh. Without it the page still works: it reloads itself.
"use strict";

const PERIOD_MS = 2000;
const live = document.getElementById("live");
const lost = document.getElementById("lost");
let failures = 0;

const refresh = async () => {
  try {
    const reply = await fetch("/staff/outbox/live", { headers: { "X-Background": "1" }, signal: AbortSignal.timeout(5000) });
    if (reply.status === 401 || reply.status === 403) {
      // Signed out, or signed in anew in another tab: the page itself knows what to do.
      window.location.assign("/staff/outbox");
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const text = await reply.text();
    const focused = document.activeElement?.getAttribute("href");
    live.innerHTML = text;
    if (focused) live.querySelector(`a[href="${focused}"]`)?.focus();
    failures = 0;
  } catch {
    failures += 1;
  }
  lost.hidden = failures < 2;
  window.setTimeout(refresh, PERIOD_MS);
};

window.setTimeout(refresh, PERIOD_MS);
