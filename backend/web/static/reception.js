// The reception page: one search, four lists, and one thing at a time beside them.
"use strict";

import { follow } from "./live.js";
import { tell, whenLeft } from "./reception_base.js";
import { hideCalls, refreshCalls, showCalls } from "./reception_calls.js";
import * as list from "./reception_list.js";
import { register } from "./reception_register.js";
import { hideRooms, refreshRooms, showRooms } from "./reception_rooms.js";
import { forgetVisit, openVisit, shownVisit } from "./reception_visit.js";

const EVERY_MS = 700;
const ROOM_EVENTS = new Set(["room_changed", "act_undone"]);
const tabs = [...document.querySelectorAll("[data-tab]")];
let tab = "today";

async function showTab(next) {
  tab = next;
  for (const each of tabs) {
    if (each.dataset.tab === next) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  document.getElementById("search-text").value = "";
  hideCalls();
  hideRooms();
  if (next === "rooms" || next === "calls") list.hideFor(next);
  if (next === "rooms") await showRooms();
  else if (next === "calls") showCalls();
  else await list.showTab(next);
}

for (const each of tabs) each.addEventListener("click", () => showTab(each.dataset.tab));

document.getElementById("register").addEventListener("click", () => {
  forgetVisit();
  list.forgetSearch();
  register();
});

document.getElementById("search").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = document.getElementById("search-text").value.trim();
  if (!text) return;
  if (tab !== "today") await showTab("today");
  document.getElementById("search-text").value = text;
  const answer = await list.search(text);
  if (!answer.ok) tell(answer.sentence);
});

whenLeft(forgetVisit);
list.whenOpened((visitId) => openVisit(visitId));

follow("/api/v1/live", {
  everyMs: EVERY_MS,
  onState: (state) => {
    document.getElementById("lost").hidden = state !== "lost";
  },
  onChange: (events) => {
    const all = events.length === 0;
    list.refresh();
    if (all || events.some((event) => event.event.startsWith("help_"))) refreshCalls();
    if (tab === "rooms" && (all || events.some((event) => ROOM_EVENTS.has(event.event) || event.event === "step_moved"))) refreshRooms();
    const open = shownVisit();
    if (open && events.some((event) => (event.visits ?? []).includes(open) || event.subject === `visit:${open}`)) openVisit(open, { background: true });
  },
});

refreshCalls();
