// A screen for patients: shows the state of its rooms, hears of changes, goes on without the server.
"use strict";

import { keepPage, openMemory } from "./display_memory.js";
import { makeView } from "./display_view.js";
import { makeVoice } from "./display_voice.js";
import { follow } from "./live.js";

const POLL_MS = 2_000; // while there is no stream
const CHECK_MS = 20_000; // with one: the clock, the day, what no event tells
const REFRESH_MS = { least: 2_500, most: 6_000, share: 40 }; // calls are shown at once: this is for
// what follows from them, and a server that takes long to answer is asked less often
const FETCH_MS = 5_000;
const SETTINGS_SETTLE_MS = 2_500;
const LOST_AFTER_MS = 3_000;
const FRESH_MS = 20_000;
const SHOWN_LATE_MS = 60_000; // a call that comes late is still one, for so long
const RETURN_MS = 60_000;
const MAX_NUMBER_CHARS = 12;

const base = window.location.pathname.replace(/\/+$/, "");
const { dataset } = document.body;
const memory = openMemory(base);
const view = makeView({ words: JSON.parse(dataset.words) });

let state = null;
let isOld = false; // from the memory of this machine, not from the server
let aheadMs = 0; // the server's clock before ours
let toldAt = null; // the server's time of the state
let contactAt = -Infinity;
let fetchedAt = -Infinity;
let tookMs = 0;
let heard = []; // calls told by events, and when: an answer that was on its way may not know them
let streaming = false;
let ended = false;
let busy = false;
let again = false; // something changed while the answer was on its way
let failing = false;
let timer = null;
let dueAt = Infinity;
let stream = null;
let voice = null;
const channels = new Map(); // room id → what its console tells
const firstSeen = new Map(); // call id → when this page showed it first

const serverNow = () => Date.now() + aheadMs;

// --- what is known ----------------------------------------------------------------------------

async function ask(path, limitMs) {
  const stop = new AbortController();
  const late = window.setTimeout(() => stop.abort(), limitMs);
  try {
    return await fetch(path, { cache: "no-store", signal: stop.signal });
  } finally {
    window.clearTimeout(late);
  }
}

async function refresh() {
  window.clearTimeout(timer);
  timer = null;
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  let told = null;
  fetchedAt = performance.now();
  const since = fetchedAt;
  try {
    const reply = await ask(`${base}/state`, FETCH_MS);
    if (reply.status === 404) return await end();
    if (!reply.ok) return;
    told = await reply.json();
    if (ended) return window.location.reload();
    if (told.build !== dataset.build && mayRenew()) return window.location.reload();
    aheadMs = Date.parse(told.now) - Date.now();
    contactAt = performance.now();
    tookMs = contactAt - since;
    take(told, since);
  } catch {
    // No way to the server: the banner says so, and the next try comes by itself.
  } finally {
    busy = false;
    failing = told === null;
    if (!ended) schedule(streaming && !failing ? CHECK_MS : POLL_MS);
    if (again) refreshSoon();
    again = false;
    draw();
  }
}

/** The next question to the server, unless one is due earlier. */
function schedule(ms) {
  const at = performance.now() + ms;
  if (timer !== null && dueAt <= at) return;
  window.clearTimeout(timer);
  dueAt = at;
  timer = window.setTimeout(refresh, ms);
}

/** Soon, but not with every event, and not all displays in the same moment. */
function refreshSoon() {
  if (busy) {
    again = true;
    return;
  }
  const every = Math.min(REFRESH_MS.most, Math.max(REFRESH_MS.least, tookMs * REFRESH_MS.share));
  const wait = Math.max(0, fetchedAt + every - performance.now());
  schedule(wait + Math.random() * 400);
}

function take(told, since) {
  state = told;
  heard = heard.filter((each) => each.at >= since);
  for (const each of heard) addCall(each.call);
  isOld = false;
  toldAt = Date.parse(told.now);
  memory.keepState(told);
  hearConsoles();
  if (told.display.speaks) voice ??= openVoice();
  hearCalls();
  for (const due of told.due) announce(due);
  for (const notice of told.spoken ?? []) tellHall(notice);
}

/** A call heard before the state was asked for again: it is on the screen at once. */
function takeCall(call) {
  if (!call.local) heard.push({ call, at: performance.now() });
  if (!addCall(call)) return;
  memory.keepState(state);
  hearCalls();
  draw();
}

/** False when it is of another room, or known. */
function addCall(call) {
  const room = state?.rooms.find((each) => each.id === call.room);
  if (room === undefined || state.calls.some((each) => each.id === call.id)) return false;
  const others = (calls) => calls.filter((each) => each.number !== call.number);
  state.calls = [call, ...state.calls];
  room.current = [call, ...others(room.current)];
  for (const each of state.rooms) each.next = each.next.filter((number) => number !== call.number);
  return true;
}

function hearCalls() {
  const known = new Set(state.calls.map((call) => call.id));
  for (const id of firstSeen.keys()) if (!known.has(id)) firstSeen.delete(id);
  for (const call of [...state.calls].reverse()) {
    const ageMs = serverNow() - Date.parse(call.at);
    if (firstSeen.has(call.id)) continue;
    firstSeen.set(call.id, ageMs < SHOWN_LATE_MS ? performance.now() : -Infinity);
    speak(call, ageMs);
  }
  if (voice !== null) voice.keepCalls(new Set(state.calls.filter((c) => c.waits).map((c) => c.number)));
}

const isFresh = (call) => performance.now() - (firstSeen.get(call.id) ?? -Infinity) < FRESH_MS;

// --- voice ------------------------------------------------------------------------------------

const callLivesMs = () => state.display.drop_calls_after_s * 1000;

function openVoice() {
  const gapMs = () => state.display.gap_s * 1000;
  const volume = () => state.display.volume ?? 100; // a state kept before there was loudness
  return makeVoice({ fetchSound, gapMs, volume, onBlocked: view.showSoundHint });
}

function speak(call, ageMs) {
  if (!state.display.speaks || call.local || !call.waits || ageMs >= callLivesMs()) return;
  if (memory.wasSpoken(call.id)) return;
  memory.keepSpoken(call.id);
  const path = `${base}/speech/${call.id}.wav`;
  const paths = [`${path}?lang=vi`];
  if (state.display.english) paths.push(`${path}?lang=en`);
  draw(); // the number is on the screen before it is heard
  const livesMs = callLivesMs() - Math.max(0, ageMs);
  voice.addCall({ id: call.id, number: call.number, livesMs, paths });
}

function announce({ key, announcement, expires_at: expiresAt, languages }) {
  if (memory.wasSpoken(key)) return;
  memory.keepSpoken(key);
  const paths = languages.map((lang) => `${base}/announcements/${announcement}.wav?lang=${lang}`);
  voice.addAnnouncement({ id: key, livesMs: Date.parse(expiresAt) - serverNow(), paths });
}

/** What just happened in a room: said between calls, once, and not when it is old. */
function tellHall({ id, expires_at: expiresAt, languages }) {
  if (memory.wasSpoken(id)) return;
  memory.keepSpoken(id);
  const paths = languages.map((lang) => `${base}/notices/${id}.wav?lang=${lang}`);
  voice.addAnnouncement({ id, livesMs: Date.parse(expiresAt) - serverNow(), paths });
}

async function fetchSound(path, limitMs) {
  const reply = await ask(path, limitMs);
  if (!reply.ok) throw new Error(`no sound: ${reply.status}`);
  return reply.arrayBuffer();
}

// --- the line to the server, and to the console on the same machine ---------------------------

function listen() {
  stream = follow(`${base}/live`, {
    everyMs: 50,
    onState(next) {
      streaming = next === "live";
      if (streaming) contactAt = performance.now();
      else refreshSoon(); // revoked, or gone: the answer tells
    },
    onEvent(event) {
      if (event.event !== "step_called" || event.offline) return;
      takeCall({
        id: event.call,
        room: event.room,
        number: event.number,
        attempt: event.attempt,
        at: new Date(serverNow()).toISOString(),
        waits: true,
        name: null,
      });
    },
    onChange(events) {
      if (events.length === 0) refresh();
      else refreshSoon();
      if (events.some(({ event }) => event === "calling_words_changed")) {
        // Every process of the server goes by its old settings for a little longer.
        window.setTimeout(refreshSoon, SETTINGS_SETTLE_MS * (1 + Math.random()));
      }
    },
  });
}

/** A console of a room in the same browser goes on calling when the server is away. */
function hearConsoles() {
  if (!("BroadcastChannel" in window)) return;
  for (const room of state.rooms) {
    if (channels.has(room.id)) continue;
    const channel = new BroadcastChannel(`tiepdon-room-${room.id}`);
    channels.set(room.id, channel);
    channel.onmessage = ({ data }) => takeFromConsole(room.id, data);
  }
}

function takeFromConsole(room, data) {
  const at = Date.parse(data?.at);
  if (!isLost() || typeof data.number !== "string" || Number.isNaN(at)) return;
  const number = data.number.slice(0, MAX_NUMBER_CHARS);
  takeCall({
    id: `here-${number}-${at}`,
    room,
    number,
    attempt: 1,
    at: new Date(at).toISOString(),
    waits: true,
    name: null,
    local: true,
  });
}

const isLost = () => (!streaming || failing) && performance.now() - contactAt > LOST_AFTER_MS;

// --- beginning and end ------------------------------------------------------------------------

/** The address opens nothing any more: nothing is shown and nothing is kept. */
async function end() {
  const wasOpen = !ended;
  ended = true;
  state = null;
  if (stream !== null) stream.close();
  view.clear();
  schedule(RETURN_MS);
  if (wasOpen) await memory.forget();
}

/** The page is of another version than the server: loaded again, once a minute at most. */
function mayRenew() {
  const last = Number(sessionStorage.getItem("renewed") ?? 0);
  if (Date.now() - last < 60_000) return false;
  sessionStorage.setItem("renewed", String(Date.now()));
  return true;
}

function draw() {
  if (ended) return;
  view.draw({
    state,
    now: serverNow(),
    toldAt: isLost() || isOld ? toldAt : null,
    isFresh,
  });
}

async function begin() {
  const kept = memory.getState();
  if (kept !== null) {
    state = kept;
    isOld = true;
    toldAt = Date.parse(kept.now);
    hearConsoles();
    draw();
  }
  await refresh();
  if (ended) return;
  listen();
  window.setInterval(draw, 250);
  await keepPage(base, JSON.parse(dataset.files));
}

begin();
