// Keeps the fleet, or one kiosk, fresh. Without it the page still works: it reloads itself.
"use strict";

const PERIOD_MS = 2000;
const live = document.getElementById("live");
const lost = document.getElementById("lost");
let failures = 0;
let shown = "";

const refresh = async () => {
  try {
    const reply = await fetch(live.dataset.live, { headers: { "X-Background": "1" }, signal: AbortSignal.timeout(5000) });
    if ([401, 403, 404].includes(reply.status)) {
      // Signed out, or the kiosk was revoked: the page itself knows what to do.
      window.location.reload();
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const text = await reply.text();
    // A token of a form is another one each time; what is shown may be the same.
    const plain = text.replace(/name="csrf_token" value="[^"]*"/g, "");
    if (plain !== shown) {
      const focused = document.activeElement?.getAttribute("href") ?? document.activeElement?.closest("form")?.getAttribute("action");
      const scroll = live.querySelector(".scroll")?.scrollLeft ?? 0;
      live.innerHTML = text;
      shown = plain;
      const box = live.querySelector(".scroll");
      if (box) box.scrollLeft = scroll;
      if (focused && document.activeElement === document.body) live.querySelector(`a[href="${focused}"], form[action="${focused}"] button`)?.focus();
    }
    failures = 0;
  } catch {
    failures += 1;
  }
  lost.hidden = failures < 2;
  window.setTimeout(refresh, PERIOD_MS);
};

window.setTimeout(refresh, PERIOD_MS);
