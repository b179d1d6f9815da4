// Rooms of the day: open, paused, closed, who sits there, where its people go.
"use strict";

import { ask, button, clock, el, fill, press, say, show, tell, words } from "./reception_base.js";

const list = document.getElementById("list");
let rooms = [];
let doctors = [];
let isShown = false;
let chosen = null;

export async function refreshRooms({ background = true } = {}) {
  const answer = await ask("GET", "/desk/rooms", { background });
  if (!answer.ok) return;
  rooms = answer.data.items;
  doctors = answer.data.doctors;
  if (isShown) draw();
}

export async function showRooms() {
  isShown = true;
  await refreshRooms({ background: false });
}

export function hideRooms() {
  isShown = false;
  chosen = null;
}

function draw() {
  list.replaceChildren(
    ...rooms.map((room) =>
      el(
        "button",
        { type: "button", class: "desk-row", "data-selected": room.id === chosen, on: { click: () => open(room.id) } },
        el("span", { class: "number" }, room.code), el("span", { class: "what" }, el("b", {}, say(room.name)), el("span", { class: "soft" }, [room.doctor, fill(words.waiting, { count: room.waiting })].filter(Boolean).join(" · "))),
        el("span", { class: "aside" }, el("span", { class: `state room-${room.state}` }, words.room_states[room.state])),
      ),
    ),
  );
}

function open(roomId) {
  chosen = roomId;
  draw();
  drawRoom(rooms.find((room) => room.id === roomId));
}

async function after(answer, sentence) {
  await refreshRooms();
  const room = rooms.find((each) => each.id === chosen);
  if (room) drawRoom(room, answer.ok ? answer.data.undo : null);
  if (answer.ok) tell(sentence, "good");
}

const reasons = (id) =>
  el("select", { id }, el("option", { value: "" }, words.why), Object.entries(words.room_reasons).map(([code, text]) => el("option", { value: code }, text)));

/** A reason is due for whatever takes something from people; the choice says so by itself. */
function isSaid(select) {
  if (select.value) return true;
  tell(words.say_why);
  select.focus();
  return false;
}

function drawRoom(room, undo = null) {
  const why = reasons("room-why");
  const setState = (state, text, options) =>
    button(
      text,
      (pressed) => {
        if (state !== "open" && !isSaid(why)) return;
        const body = { state, ...(state === "open" ? {} : { reason: why.value }) };
        press(pressed, "POST", `/rooms/${room.id}/state`, body, (answer) => after(answer, words.room_changed));
      },
      options,
    );
  const states = [
    room.state !== "open" ? setState("open", words.room_open, {}) : null,
    room.state !== "paused" ? setState("paused", words.room_pause, { class: "quiet" }) : null,
    room.state !== "closed" ? setState("closed", words.room_close, { class: "quiet" }) : null,
  ];
  show(
    el("header", {}, el("h2", { tabindex: "-1", "data-focus": true }, `${room.code} · ${say(room.name)}`), el("p", {}, el("span", { class: `state room-${room.state}` }, words.room_states[room.state]), room.reason ? ` · ${words.room_reasons[room.reason]}` : "")),
    room.changed_by ? el("p", { class: "soft" }, fill(words.changed_by, { name: room.changed_by, time: clock(room.changed_at) })) : null,
    el("p", {}, fill(words.waiting_here, { count: room.waiting }), room.shared ? ` ${fill(words.waiting_shared, { count: room.shared })}` : ""),
    undo ? undoBar(room, undo) : null,
    el("section", { class: "part" }, el("h3", {}, words.room_state_title), why, el("div", { class: "answers" }, states)),
    doctorPart(room),
    movePart(room),
  );
}

function doctorPart(room) {
  const choice = el("select", { id: "room-doctor", "aria-label": words.doctor_today }, el("option", { value: "" }, words.no_doctor), doctors.map((each) => el("option", { value: each.id }, each.name)));
  choice.value = room.doctor_id ?? "";
  return el(
    "section",
    { class: "part" },
    el("h3", {}, words.doctor_today),
    el("div", { class: "line" }, choice, button(words.save, (pressed) => press(pressed, "POST", `/rooms/${room.id}/state`, { doctor_id: choice.value }, (answer) => after(answer, words.room_changed)), { class: "quiet" })),
  );
}

function movePart(room) {
  if (room.waiting === 0) return null;
  const why = reasons("move-why");
  const to = el(
    "select",
    { id: "move-to", "aria-label": words.move_to },
    el("option", { value: "" }, words.move_anywhere),
    rooms.filter((each) => each.id !== room.id && each.state === "open").map((each) => el("option", { value: each.id }, `${say(each.name)} (${each.waiting})`)),
  );
  return el(
    "section",
    { class: "part" },
    el("h3", {}, words.move_title),
    el("p", { class: "soft" }, words.move_hint),
    el(
      "div",
      { class: "stack" },
      why,
      to,
      button(fill(words.move_button, { count: room.waiting }), (pressed) => {
        if (!isSaid(why)) return;
        const before = room.waiting;
        press(pressed, "POST", `/rooms/${room.id}/move`, { reason: why.value, to_room_id: to.value || null }, async (answer) => {
          const left = answer.ok ? answer.data.waiting_total : before;
          await after(answer, fill(words.moved, { count: before - left }));
        });
      }, { class: "quiet" }),
    ),
  );
}

function undoBar(room, undo) {
  const left = el("span", {}, "");
  const bar = el(
    "div",
    { class: "undo-bar", role: "status" },
    left,
    button(words.undo, (pressed) => press(pressed, "POST", `/rooms/${room.id}/acts/${undo.id}/undo`, undefined, (answer) => after(answer, words.undone)), { class: "quiet small" }),
  );
  const tick = () => {
    const seconds = Math.ceil((new Date(undo.until) - Date.now()) / 1000);
    if (seconds <= 0 || !bar.isConnected) {
      bar.remove();
      window.clearInterval(timer);
    } else left.textContent = fill(words.undo_left, { seconds });
  };
  const timer = window.setInterval(tick, 1000);
  left.textContent = fill(words.undo_left, { seconds: Math.max(1, Math.ceil((new Date(undo.until) - Date.now()) / 1000)) });
  return bar;
}

