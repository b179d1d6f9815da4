// Keeps the alerts fresh. Without it the page still works: it reloads itself.
"use strict";

const PERIOD_MS = 2000;
const PARTS = ["now", "past"];
const lost = document.getElementById("lost");
let failures = 0;
let shown = null;

const refresh = async () => {
  try {
    const address = `/staff/alerts/live${window.location.search}`;
    const reply = await fetch(address, { headers: { "X-Background": "1" }, signal: AbortSignal.timeout(5000) });
    if (reply.status === 401 || reply.status === 403) {
      // Signed out, or signed in anew in another tab: the page itself knows what to do.
      window.location.assign("/staff/alerts");
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const text = await reply.text();
    if (text !== shown) {
      // A link in hand stays in hand.
      const article = document.activeElement?.closest("article")?.id;
      const parts = new DOMParser().parseFromString(text, "text/html");
      for (const id of PARTS) document.getElementById(id).replaceWith(parts.getElementById(id));
      shown = text;
      if (article) document.querySelector(`#${article} a`)?.focus();
    }
    failures = 0;
  } catch {
    failures += 1;
  }
  lost.hidden = failures < 2;
  window.setTimeout(refresh, PERIOD_MS);
};

window.setTimeout(refresh, PERIOD_MS);
