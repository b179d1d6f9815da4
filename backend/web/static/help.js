// Keeps the page of calls for help fresh and audible. Without it the page still works: it reloads itself.
"use strict";

import { audible, ring, toggle } from "./alarm.js";

const PERIOD_MS = 2000;
const live = document.getElementById("live");
const lost = document.getElementById("lost");
const sound = document.getElementById("sound");
let failures = 0;

const showSound = () => {
  sound.hidden = false;
  sound.textContent = audible() ? sound.dataset.on : sound.dataset.off;
  sound.setAttribute("aria-pressed", String(audible()));
};

const ringAgain = () => {
  const { dataset } = document.getElementById("state");
  if (Number(dataset.emergency) > 0) ring("emergency");
  else if (Number(dataset.help) > 0) ring("help");
  else if (failures >= 3) ring("lost");
};

const refresh = async (request, options) => {
  try {
    const reply = await fetch(request, { ...options, signal: AbortSignal.timeout(5000) });
    if (reply.status === 401 || reply.status === 403) {
      // Signed out, or signed in anew in another tab: the page itself knows what to do.
      window.location.assign("/staff/help");
      return;
    }
    if (!reply.ok) throw new Error(String(reply.status));
    const text = await reply.text();
    const focused = document.activeElement && document.activeElement.closest("form.help-call");
    live.innerHTML = text;
    if (focused) {
      const again = live.querySelector(`form[action="${focused.getAttribute("action")}"] button`);
      if (again) again.focus();
    }
    failures = 0;
  } catch {
    failures += 1;
  }
  lost.hidden = failures < 2;
};

sound.addEventListener("click", async () => {
  await toggle();
  showSound();
});

live.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  form.querySelector("button").disabled = true;
  refresh(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Fragment": "1" } });
});

const loop = async () => {
  await refresh("/staff/help/live", { headers: { "X-Background": "1" } });
  ringAgain();
  window.setTimeout(loop, PERIOD_MS);
};

showSound();
window.setTimeout(loop, PERIOD_MS);
