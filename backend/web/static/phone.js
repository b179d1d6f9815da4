// The page of a ticket, live: shows what the server drew, rings when it is time to move.
"use strict";

import { follow } from "/assets/live.js";

const OTHERS_MS = 1_500; // a whole hall hears of every call: its phones do not ask all at once
const REFRESH_MS = 60_000;
const LOST_REFRESH_MS = 10_000;
const FIRST_LOOK_MS = 3_000; // a stream that breaks for a moment is no trouble
const PATTERNS = {
  called: { beeps: 5, vibration: [600, 200, 600, 200, 600] },
  other: { beeps: 2, vibration: [300, 150, 300] },
};

const news = document.getElementById("news");
const lost = document.getElementById("lost");
const page = () => document.getElementById("phone");

let sound = null;
let asking = false;
let askAgain = false;
let stream = null;
let timer = null;

function ring(urgent) {
  const { beeps, vibration } = urgent ? PATTERNS.called : PATTERNS.other;
  if (navigator.vibrate) navigator.vibrate(vibration);
  if (sound === null || sound.state !== "running") return;
  for (let index = 0; index < beeps; index += 1) {
    const at = sound.currentTime + index * 0.45;
    const tone = sound.createOscillator();
    const loudness = sound.createGain();
    tone.frequency.value = index % 2 ? 660 : 880;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(0.5, at + 0.03);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.4);
    tone.connect(loudness).connect(sound.destination);
    tone.start(at);
    tone.stop(at + 0.42);
  }
}

// A browser lets a page sound only after a touch: the button asks for it once.
function offerSound() {
  const button = document.getElementById("sound");
  const able = "AudioContext" in window;
  if (button !== null) button.hidden = !able || (sound !== null && sound.state === "running");
}

async function allowSound() {
  sound = sound ?? new AudioContext();
  await sound.resume();
  ring(false);
  offerSound();
}

function show(html) {
  const next = new DOMParser().parseFromString(html, "text/html");
  const fresh = next.getElementById("phone");
  if (fresh === null) return false;
  const before = page().dataset;
  const { alert, line, live } = fresh.dataset;
  const focused = document.activeElement?.id;
  const rings = Boolean(alert) && alert !== before.alert;
  const moved = line !== before.line;
  document.title = next.title;
  page().replaceWith(document.adoptNode(fresh));
  if (focused) document.getElementById(focused)?.focus();
  offerSound();
  if (rings) {
    news.textContent = next.title;
    if ("urgent" in fresh.dataset) window.scrollTo(0, 0);
    ring("urgent" in fresh.dataset);
  }
  if (!live) stop(); // the day is over, or the ticket never was
  else if (moved && stream !== null) stream.again(live);
  return true;
}

async function load(address, options = {}) {
  const reply = await fetch(address, { cache: "no-store", credentials: "same-origin", ...options });
  if (reply.status >= 500 || !show(await reply.text())) throw new Error("no page");
}

async function refresh() {
  if (asking) {
    askAgain = true;
    return;
  }
  asking = true;
  window.clearTimeout(timer);
  try {
    await load(window.location.href);
    lost.hidden = true;
  } catch {
    lost.hidden = false; // what is shown stays
  }
  asking = false;
  if (askAgain) {
    askAgain = false;
    refresh();
    return;
  }
  if (page().dataset.live) timer = window.setTimeout(refresh, lost.hidden ? REFRESH_MS : LOST_REFRESH_MS);
}

function stop() {
  if (stream !== null) stream.close();
  stream = null;
  window.clearTimeout(timer);
}

document.addEventListener("click", (event) => {
  if (event.target.closest("#sound")) allowSound();
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  try {
    await load(form.action, { method: "POST" });
    lost.hidden = true;
  } catch {
    button.disabled = false;
    lost.hidden = false;
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  if (sound !== null) sound.resume().then(offerSound, offerSound);
  refresh();
});

offerSound();
stream = follow(page().dataset.live, {
  everyMs: OTHERS_MS * (0.7 + 0.6 * Math.random()),
  onChange: refresh,
  onEvent(event) {
    if (event.number === page().dataset.number) refresh();
  },
  onState(state) {
    if (state === "lost") window.setTimeout(() => refresh(), FIRST_LOOK_MS);
  },
});
