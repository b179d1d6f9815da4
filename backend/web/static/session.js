// Locks a screen that was left alone: once the server has ended the session, the sign-in appears.
"use strict";
(() => {
  const PERIOD_MS = 15000;
  let active = false;

  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => { active = true; }, { capture: true, passive: true });
  }

  const check = async () => {
    // Only what a person did keeps the session alive; this question alone does not.
    const headers = active ? { "X-Fragment": "1" } : { "X-Background": "1" };
    active = false;
    try {
      const reply = await fetch("/staff/session", { headers, signal: AbortSignal.timeout(5000) });
      if (reply.status === 401) {
        const here = window.location.pathname + window.location.search;
        window.location.assign(`/staff/login?next=${encodeURIComponent(here)}`);
      }
    } catch {
      // The server is away: pages that must be fresh say so themselves.
    }
  };

  document.addEventListener("visibilitychange", () => { if (!document.hidden) check(); });
  window.setInterval(check, PERIOD_MS);
})();
