// The page of one room: shows who is in and who comes next, and does what staff press.
//
// What is shown is always the server's whole state of the room. While the server does not answer,
// the page calls on from its last list and hands that in afterwards.
import { Away, Refused, get, post } from "./console_act.js";
import { Dialogs } from "./console_dialogs.js";
import { OfflineBook, toRequest } from "./console_offline.js";
import { View, fill, h } from "./console_view.js";

const facts = JSON.parse(document.getElementById("facts").textContent);
const { words } = facts;
const API = `/api/v1/rooms/${facts.room}`;
const PROBE_MS = 2_000;
const QUIET_MS = 15_000; // a look now and then, also while events come
const REST_MS = 700; // a second press of a double click is no second wish
const ASSETS = ["pages.css", "console.css", "console.js", "console_act.js", "console_dialogs.js", "console_offline.js", "console_view.js", "live.js", "session.js", "fonts/400Regular.ttf", "fonts/600SemiBold.ttf", "fonts/800ExtraBold.ttf"].map((name) => `/assets/${name}`);

const KEYS = { F2: "next", F3: "again", F4: "miss", F6: "hold", F8: "serve", F9: "finish" };
const HINTS = { next: words.key_names.space, again: "F3", miss: "F4", hold: "F6", serve: "F8", finish: "F9" };
const NEEDS_REASON = new Set(["call", "emergency", "leave", "transfer"]);
const OFFLINE_ACTS = new Set(["next", "again", "miss", "finish"]);

const at = (id) => document.getElementById(id);
const book = new OfflineBook(facts.room, facts.zone);
const dialogs = new Dialogs(facts);
const channel = new BroadcastChannel(`tiepdon-room-${facts.room}`);
const view = new View(facts, { act: perform, more, choose, lastCallAt });

let state = null; // what is shown
let offsetMs = book.offsetMs; // the server's clock minus ours
let away = false;
let unsure = false; // a press whose answer never came
let busy = false;
let rested = { kind: null, until: 0 }; // what was pressed last, and how long that rests
let acts = 0; // counts answers to presses: an older look must not overwrite a newer answer
let chosenId = null;
let message = null;
const patients = new Map(); // of those in the room, in memory only
const callTimes = new Map(); // step and attempt → when this page saw it called

const now = () => Date.now() + offsetMs;
const moment = () => new Date(now()).toISOString();

// --- the state ----------------------------------------------------------------------------------

function accept(fresh) {
  offsetMs = Date.parse(fresh.now) - Date.now();
  patients.clear();
  for (const step of fresh.current) if (step.patient) patients.set(step.step_id, step.patient);
  book.keep(fresh, offsetMs);
  show(fresh);
}

function show(fresh) {
  const known = new Set((state?.current ?? []).map((step) => step.step_id));
  state = { ...fresh, current: fresh.current.map((step) => ({ ...step, patient: step.patient ?? patients.get(step.step_id) ?? null })) };
  const newest = state.current.findLast((step) => !known.has(step.step_id));
  if (newest) chosenId = newest.step_id;
  if (!state.current.some((step) => step.step_id === chosenId)) chosenId = state.current.at(-1)?.step_id ?? null;
  for (const step of state.current) noteCall(step);
  render();
}

function noteCall(step) {
  const key = `${step.step_id}:${step.calls}`;
  // The first call changes the state, a call again does not: this page saw it just now.
  if (!callTimes.has(key)) callTimes.set(key, step.calls <= 1 ? Date.parse(step.state_at) : now());
}

function lastCallAt(step) {
  return callTimes.get(`${step.step_id}:${step.calls}`) ?? Date.parse(step.state_at);
}

const chosen = () => state?.current.find((step) => step.step_id === chosenId) ?? null;

function choose(step) {
  chosenId = step.step_id;
  render();
}

let looking = false;
let lookAgain = false;

/** Fetches the whole state; several wishes at once are one. */
async function look() {
  if (looking) {
    lookAgain = true;
    return;
  }
  looking = true;
  try {
    do {
      lookAgain = false;
      const before = acts;
      const fresh = await get(API);
      if (away) await comeBack(fresh);
      else if (before === acts && !busy) accept(fresh);
      else lookAgain = !busy;
    } while (lookAgain);
  } catch (error) {
    if (error instanceof Away) goAway();
    else if (error instanceof Refused) say(sentence(error), "wrong");
    else throw error;
  } finally {
    looking = false;
  }
}

// --- while the server is away --------------------------------------------------------------------

let probe = null;

function goAway() {
  away = true;
  if (book.list !== null) show(book.view());
  else render();
  window.clearTimeout(probe);
  probe = window.setTimeout(look, PROBE_MS);
}

/** The server answers again: first it hears what was called meanwhile, then it is asked. */
async function comeBack(fresh) {
  const sealed = book.seal(fresh);
  let text = null;
  let parts = [];
  if (sealed !== null) {
    busy = true;
    try {
      const { results } = await post(`${API}/offline-calls`, toRequest(sealed), sealed.key);
      parts = tellConflicts(sealed, results);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // Not to be handed in as it is, now or later: the nurse has to know which.
      parts = sealed.calls.map((call) => fill(words.merge_reasons.unknown, { number: call.number }));
    } finally {
      busy = false;
    }
    book.handedIn();
    text = parts.length > 0 ? words.merged_some : fill(words.merged_all, { count: sealed.calls.length });
    fresh = await get(API);
  }
  away = false;
  unsure = false;
  acts += 1;
  accept(fresh);
  if (text !== null) say(text, parts.length > 0 ? "wrong" : "good", parts);
}

function tellConflicts(sealed, results) {
  return results
    .map((result, index) => ({ ...result, call: sealed.calls[index] }))
    // Ended by somebody who only ends: it ended, whoever told the server first.
    .filter(({ outcome, reason, call }) => outcome === "conflict" && !(reason === "done" && call.called_at === null))
    .map(({ reason, call }) => fill(words.merge_reasons[reason] ?? words.merge_reasons.unknown, { number: call.number }));
}

function performAway(kind, step) {
  const time = moment();
  if (kind === "next") {
    const next = state.waiting[0];
    for (const each of state.current) book.end(each, time);
    if (next) {
      book.call(next, time);
      announce({ ...next, calls: 1 }, time);
    }
  } else if (kind === "finish") book.end(step, time);
  else if (kind === "miss") book.end(step, time, { missed: true });
  else if (kind === "again") {
    book.again(step);
    announce({ ...step, calls: step.calls + 1 }, time);
  }
  unsure = false;
  rest(kind);
  show(book.view());
}

/** A door display of this room in the same browser shows it without the server. */
function announce(step, time) {
  channel.postMessage({ kind: "call", room: facts.room, code: facts.code, number: step.number, attempt: step.calls, at: time });
}

// --- acts ---------------------------------------------------------------------------------------

function rest(kind) {
  rested = { kind, until: performance.now() + REST_MS };
}

const isResting = (kind) => busy || (rested.kind === kind && performance.now() < rested.until);

function callNext() {
  if (isResting("next") || state === null || !mayCall()) return;
  if (away) performAway("next", null);
  else send("next", `${API}/next`, { finish: state.current.map(({ step_id, version }) => ({ step_id, version })), after_call: state.last_call });
}

const mayCall = () => state.state === "open" && (state.current.length > 0 || state.waiting.length > 0);

async function perform(step, kind) {
  if (isResting(kind) || step === null) return;
  if (away) {
    if (OFFLINE_ACTS.has(kind)) performAway(kind, step);
    return;
  }
  let reason = null;
  if (NEEDS_REASON.has(kind) || (kind === "miss" && step.calls < state.rules.calls_before_missed)) {
    reason = await dialogs.reason(kind, step);
    if (reason === null) return;
  }
  await send(kind, `${API}/steps/${step.step_id}/${kind}`, { version: step.version, reason });
}

async function send(kind, path, body) {
  if (busy) return;
  busy = true;
  message = null;
  render();
  try {
    const fresh = await post(path, body);
    acts += 1;
    busy = false;
    rest(kind);
    accept(fresh);
  } catch (error) {
    busy = false;
    if (error instanceof Away) {
      unsure = true;
      goAway();
    } else if (error instanceof Refused) {
      say(sentence(error, kind), "wrong");
      await look();
    } else throw error;
  } finally {
    busy = false;
    render();
  }
}

function sentence(error, kind = null) {
  if (kind === "undo" && error.code === "changed_meanwhile") return words.errors.undo_changed;
  return words.errors[error.key] ?? words.errors.other;
}

function undo() {
  if (isResting("undo") || away || !state?.undo || Date.parse(state.undo.until) <= now()) return;
  send("undo", `${API}/acts/${state.undo.id}/undo`, null);
}

const FITTING = {
  called: ["resume", "emergency", "leave"],
  serving: ["resume", "emergency"],
  waiting: ["call", "hold", "transfer", "emergency", "leave"],
  hold: ["resume", "call", "transfer", "leave"],
  missed: ["resume", "call", "leave"],
};

async function more(step) {
  if (away || busy) return;
  const acts = [...(FITTING[step.state] ?? [])];
  if (step.state === "hold" && step.hold_reason === "results") acts.unshift("results");
  const kind = await dialogs.more(step, acts);
  if (kind === "transfer") await transfer(step);
  else if (kind !== null) await perform(step, kind);
}

/** Raises nothing: an answer that does not come is shown as such. */
async function destinations() {
  try {
    return await get(`${API}/destinations`);
  } catch (error) {
    if (error instanceof Away) goAway();
    else if (error instanceof Refused) say(sentence(error), "wrong");
    else throw error;
    return null;
  }
}

async function transfer(step) {
  const places = await destinations();
  const wish = places && (await dialogs.transfer(step, places.services));
  if (wish) await send("transfer", `${API}/steps/${step.step_id}/transfer`, { ...wish, version: step.version });
}

async function sendOn(step, kinds) {
  const places = await destinations();
  const wish = places && (await dialogs.sendOn(step, places.services, kinds));
  if (wish) await send("send_on", `${API}/steps/${step.step_id}/send-on`, { ...wish, version: step.version });
}

async function changeDoctor() {
  const places = await destinations();
  const wish = places && (await dialogs.doctor(places.doctors, state.doctor_id));
  if (wish) await send("state", `${API}/state`, { doctor_id: wish.id });
}

async function pause() {
  const wish = await dialogs.pause();
  if (wish === null) return;
  const until = wish.minutes === null ? null : new Date(now() + wish.minutes * 60_000).toISOString();
  await send("state", `${API}/state`, { state: "paused", reason: wish.reason, until });
}

async function closeRoom() {
  const reason = await dialogs.close(state.waiting_total);
  if (reason !== null) await send("state", `${API}/state`, { state: "closed", reason });
}

function showKeys() {
  const k = words.keys;
  dialogs.keys([
    [[words.key_names.space, words.key_names.enter, "F2"], k.next], [["F3"], k.again], [["F4"], k.miss], [["F6"], k.hold],
    [["F8"], k.serve], [["F9"], k.finish], [[words.key_names.ctrl, "Z"], k.undo], [["?"], k.help],
  ]);
}

// --- drawing ------------------------------------------------------------------------------------

function button(kind, label, onclick, { hint = null, look: style = "quiet" } = {}) {
  return h("button", { id: `act-${kind}`, class: style, type: "button", "data-focus": `act-${kind}`, "data-act": kind, onclick },
    h("span", { class: "label" }, label), hint === null ? null : h("kbd", { "aria-hidden": "true" }, hint));
}

function build() {
  const on = (kind) => () => perform(chosen(), kind);
  at("do").replaceChildren(
    button("next", words.next, callNext, { hint: HINTS.next, look: "call-next" }),
    h("div", { class: "acts main-acts" }, ["again", "serve", "finish", "hold", "miss"].map((kind) => button(kind, words.acts[kind], on(kind), { hint: HINTS[kind] }))),
    h("div", { class: "acts more-acts" },
      button("tests", words.acts.tests, () => sendOn(chosen(), ["laboratory", "imaging"])),
      button("cashier", words.acts.cashier, () => sendOn(chosen(), ["cashier"])),
      button("pharmacy", words.acts.pharmacy, () => sendOn(chosen(), ["pharmacy"])),
      button("transfer", words.acts.transfer, () => transfer(chosen())),
      button("more", words.acts.more, () => more(chosen()))),
  );
  at("act-next").querySelector(".label").after(h("span", { class: "next-is", id: "next-is" }));
  at("tools").replaceChildren(
    button("doctor", words.doctor_change, changeDoctor),
    button("pause", words.tools.pause, pause),
    button("open", words.tools.open, () => send("state", `${API}/state`, { state: "open" })),
    button("close", words.tools.close, closeRoom),
    h("a", { class: "button quiet", href: `/staff/rooms/${facts.room}/list`, id: "to-list" }, words.tools.list),
    button("keys", words.tools.keys, showKeys, { hint: "?" }),
  );
  at("link").hidden = false;
}

function enable(kind, may, { offline = false } = {}) {
  const element = at(`act-${kind}`);
  const needsServer = away && !offline;
  const isOff = !may || needsServer;
  // Not `disabled` while an answer is awaited: the focus would be lost.
  element.disabled = isOff && !busy;
  element.setAttribute("aria-disabled", String(isOff || busy));
  element.title = needsServer && may ? words.lost_needs_server : "";
}

function render() {
  renderLost();
  renderBanner();
  if (state === null) return;
  const step = chosen();
  view.room(state, now);
  view.now(state, step, now);
  view.waiting(state, now);
  view.aside(state, now);
  renderActs(step);
  renderUndo();
  document.body.classList.toggle("is-away", away);
  document.body.classList.toggle("is-busy", busy);
}

function renderActs(step) {
  const is = (...states) => step !== null && states.includes(step.state);
  const label = at("act-next").querySelector(".label");
  const next = state.waiting[0];
  const leaving = state.current.map((each) => each.number).join(", ");
  if (state.state !== "open") label.textContent = words.next_closed;
  else if (leaving && !next) label.textContent = fill(words.next_none, { number: leaving });
  else label.textContent = leaving ? fill(words.next_and_finish, { number: leaving }) : words.next;
  at("next-is").textContent = next && state.state === "open" ? `${fill(words.next_is, { number: next.number })} · ${view.reason(next, state.rules)}` : "";
  enable("next", mayCall(), { offline: true });
  enable("again", is("called"), { offline: true });
  enable("serve", is("called"));
  enable("finish", is("called", "serving"), { offline: true });
  enable("hold", is("called", "serving"));
  enable("miss", is("called"), { offline: true });
  for (const kind of ["tests", "cashier", "pharmacy", "transfer", "more"]) enable(kind, is("called", "serving"));
  for (const kind of ["doctor", "pause", "close", "open"]) enable(kind, true);
  at("to-list").hidden = away;
  at("act-pause").hidden = state.state !== "open";
  at("act-open").hidden = state.state === "open";
  at("act-close").hidden = state.state === "closed";
  for (const element of document.querySelectorAll(".needs-server")) element.disabled = away;
}

function renderLost() {
  const lost = at("lost");
  lost.hidden = !away;
  const link = at("link");
  link.classList.toggle("is-lost", away);
  link.hidden = away;
  if (!away) return;
  const parts = [];
  if (book.list === null) parts.push(h("b", {}, words.lost_no_list));
  else parts.push(h("b", {}, fill(words.lost, { time: view.clock(book.list.now) })));
  if (book.count > 0) parts.push(h("span", {}, fill(words.lost_calls, { count: book.count })));
  if (unsure) parts.push(h("span", {}, words.lost_unsure));
  lost.replaceChildren(...parts);
}

function say(text, kind, parts = []) {
  message = { text, kind, parts };
  renderBanner();
}

function renderBanner() {
  const banner = at("banner");
  banner.hidden = message === null;
  if (message === null) return;
  banner.className = `banner ${message.kind}`;
  banner.replaceChildren(
    h("div", {}, h("p", {}, message.text), message.parts.length > 0 ? h("ul", {}, message.parts.map((part) => h("li", {}, part))) : null),
    h("button", { class: "quiet small", type: "button", onclick: () => { message = null; renderBanner(); at("act-next").focus(); } }, words.dismiss),
  );
}

function renderUndo() {
  view.restart("undo");
  const bar = at("undo");
  const undoable = away ? null : state.undo;
  bar.hidden = undoable === null;
  if (undoable === null) return;
  if (bar.dataset.act !== undoable.id) {
    bar.dataset.act = undoable.id;
    const text = fill(words.undo_text[undoable.kind] ?? words.undo_text.other, { number: undoable.number ?? "" });
    bar.replaceChildren(
      h("span", { class: "undo-text" }, text), h("span", { class: "undo-left" }),
      h("button", { type: "button", id: "act-undo", "data-focus": "act-undo", onclick: undo }, words.acts.undo, h("kbd", { "aria-hidden": "true" }, `${words.key_names.ctrl}+Z`)),
    );
  }
  const left = bar.querySelector(".undo-left");
  view.every("undo", () => {
    const seconds = Math.ceil((Date.parse(undoable.until) - now()) / 1_000);
    left.textContent = fill(words.undo_left, { seconds: Math.max(seconds, 0) });
    bar.hidden = seconds <= 0;
  });
}

// --- keys ---------------------------------------------------------------------------------------

const isField = (element) => element.closest("input, select, textarea, [contenteditable]") !== null;
const isControl = (element) => element.closest("button, a, summary") !== null;

document.addEventListener("keydown", (event) => {
  if (dialogs.isOpen || isField(event.target)) return;
  const wants = findKey(event);
  if (event.repeat) {
    // Held down: one effect, also on the button that has the focus.
    if (wants !== null || event.key === "Enter" || event.key === " ") event.preventDefault();
    return;
  }
  if (wants === null) return;
  event.preventDefault();
  if (wants === "next") callNext();
  else if (wants === "undo") undo();
  else if (wants === "help") showKeys();
  else if (!at(`act-${wants}`).disabled) perform(chosen(), wants);
});

function findKey(event) {
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === "z" && !event.shiftKey && !event.altKey ? "undo" : null;
  if (event.altKey) return null;
  if (event.key === "?") return "help";
  if (event.key === " " || event.key === "Enter") return isControl(event.target) ? null : "next";
  return KEYS[event.key] ?? null;
}

// A button pressed by mouse gives the focus back, or the space bar would press it again.
document.addEventListener("click", (event) => {
  if (event.detail > 0 && !dialogs.isOpen && event.target.closest("#do, #undo, #tools, #waiting, #aside")) at("act-next").focus({ preventScroll: true });
});

// --- start --------------------------------------------------------------------------------------

async function listen() {
  let follow;
  try {
    ({ follow } = await import("/assets/live.js"));
  } catch {
    window.setInterval(look, PROBE_MS); // without events a look every two seconds serves
    return;
  }
  follow(`/api/v1/live?rooms=${facts.room}`, {
    everyMs: 150,
    onChange: () => look(),
    onState: (link) => link === "lost" && look(),
  });
}

function keepForLater() {
  if (!("serviceWorker" in navigator)) return;
  navigator.serviceWorker
    .register("/staff/rooms/worker.js", { scope: "/staff/rooms/" })
    .then(() => navigator.serviceWorker.ready)
    .then((worker) => worker.active.postMessage({ kind: "keep", path: window.location.pathname, assets: ASSETS }))
    .catch(() => {}); // a browser that forbids it only cannot reload without the server
}

build();
book.wipeOld(now());
if (facts.state !== null && book.count === 0) accept(facts.state);
else goAway(); // opened without the server, or with calls that were not handed in yet
if (away) look();
else keepForLater();
listen();
window.setInterval(look, QUIET_MS);
window.setInterval(() => view.tick(), 1_000);
window.setInterval(() => book.wipeOld(now()), 60_000);
at("act-next").focus({ preventScroll: true });
document.documentElement.dataset.ready = "1";
