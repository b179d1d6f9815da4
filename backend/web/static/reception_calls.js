// Calls from kiosks: over everything while they wait, with a sound, answered by name.
"use strict";

import { audible, ring, toggle } from "./alarm.js";
import { ask, button, clock, el, fill, press, tell, words } from "./reception_base.js";
import { register } from "./reception_register.js";
import { openVisit } from "./reception_visit.js";

const RING_EVERY_MS = 4_000;
const strip = document.getElementById("calls-strip");
const list = document.getElementById("list");
const sound = document.getElementById("sound");

let calls = [];
let isShown = false;

export async function refreshCalls() {
  const answer = await ask("GET", "/help-calls?limit=30", { background: true });
  if (!answer.ok) return;
  calls = answer.data.items;
  draw();
}

const waiting = () => calls.filter((call) => call.state === "waiting");

function draw() {
  const urgent = waiting();
  const count = document.getElementById("count-calls");
  count.textContent = urgent.length;
  count.classList.toggle("alarm", urgent.length > 0);
  strip.replaceChildren(...urgent.slice(0, 3).map(callRow));
  if (isShown) showCalls();
}

export function showCalls() {
  isShown = true;
  const settled = calls.filter((call) => call.state !== "waiting");
  list.replaceChildren(
    ...(calls.length ? [...waiting().map(callRow), ...settled.map(settledRow)] : [el("p", { class: "empty" }, words.no_calls)]),
  );
}

export function hideCalls() {
  isShown = false;
}

const screenName = (screen) => words.screens[screen] ?? words.screens.other;

function callRow(call) {
  return el(
    "div",
    { class: `help-call row ${call.kind}` },
    el(
      "div",
      { class: "what" },
      el("span", { class: "kind" }, words.call_kinds[call.kind]),
      fill(words.at_kiosk_since, { kiosk: call.kiosk, time: clock(call.created_at) }),
      el("div", { class: "since" }, [screenName(call.screen), call.number].filter(Boolean).join(" · ")),
    ),
    el(
      "div",
      { class: "answers" },
      button(words.i_come, (pressed) => press(pressed, "POST", `/help-calls/${call.id}/acknowledge`, undefined, refreshCalls)),
      goOnButton(call),
    ),
  );
}

const goOnButton = (call) =>
  call.can_continue || call.visit_id ? button(words.continue_here, (pressed) => goOn(pressed, call), { class: "quiet" }) : null;

const settledRow = (call) =>
  el(
    "div",
    { class: "row" },
    el("span", { class: "what" }, `${words.call_kinds[call.kind]} · ${call.kiosk}`, el("span", { class: "since" }, ` ${clock(call.created_at)} → ${clock(call.acknowledged_at)} · ${call.acknowledged_by}`)),
    goOnButton(call),
  );

/** Where the kiosk gave up: its scan is ours from here on. */
async function goOn(pressed, call) {
  const answer = await press(pressed, "POST", `/help-calls/${call.id}/continue`, undefined, refreshCalls);
  if (!answer.ok) return;
  const { visit_id: visitId, scan, screen, chosen } = answer.data;
  if (visitId) {
    await openVisit(visitId);
  } else if (scan?.visits.length) {
    await openVisit(scan.visits[0].id);
  } else {
    if (!scan) tell(words.scan_gone);
    register({ scan, chosen, hint: fill(words.kiosk_stopped, { kiosk: call.kiosk, screen: screenName(screen) }) });
  }
}

const showSound = () => {
  sound.textContent = audible() ? words.sound_is_on : words.sound_is_off;
  sound.setAttribute("aria-pressed", String(audible()));
};

sound.addEventListener("click", async () => {
  await toggle();
  showSound();
});

window.setInterval(() => {
  const urgent = waiting();
  if (urgent.length) ring(urgent.some((call) => call.kind === "emergency") ? "emergency" : "help");
}, RING_EVERY_MS);
