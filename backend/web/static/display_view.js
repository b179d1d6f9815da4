// Draws a display. Whatever comes from people or the HIS goes in as text, never as markup.
"use strict";

const CAP = 0.74; // height of a capital letter of the typeface, in its size
const CHAR = 0.73; // width of its widest digit or letter
const MM_PER_INCH = 25.4;
const DISTANCE_PER_LETTER = 200; // a letter of 50 mm is read from 10 m
const ROW = 1.22; // height of a row, in letters
const ROOMY = 1.4; // letters grow by this where few rooms leave room for it
const ROOMS_TURN_MS = 8_000;
const NOTICE_TURN_MS = 12_000;
const IDLE_MS = 120_000;
const OTHERS_SHOWN = 2;

/** Size of the letters (CSS pixels) that can be read from the last seat. */
export function letterSize({ width, height, distance_m, screen_in }) {
  const pixelsPerMm = Math.hypot(width, height) / (screen_in * MM_PER_INCH);
  return ((distance_m * 1000) / DISTANCE_PER_LETTER) * pixelsPerMm / CAP;
}

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content.filter((each) => each !== null && each !== undefined));
  return element;
}

export function makeView({ words }) {
  const board = document.getElementById("board");
  const foot = document.getElementById("foot");
  const lost = document.getElementById("lost");
  const sound = document.getElementById("sound");
  const drawn = new Map(); // place → what it shows, so that nothing is drawn twice
  let english = true;
  let format = null;
  let zone = null;
  let unit = 0;

  /** Vietnamese, with English small beside it where the display wants it. */
  function both(className, vi, en) {
    const small = english && en && en !== vi ? make("small", "en", en) : null;
    if (small !== null) small.lang = "en";
    return make("span", `both ${className}`, make("span", "vi", vi), small);
  }
  const say = (className, key, values = {}) =>
    both(className, fill(words.vi[key], values), fill(words.en[key], values));
  const fill = (text, values) =>
    Object.entries(values).reduce((done, [name, value]) => done.replace(`{${name}}`, value), text);

  /** Puts `build()` into `place` when what it depends on has changed. */
  function put(place, facts, build) {
    const key = JSON.stringify([english, facts]);
    if (drawn.get(place) === key) return;
    drawn.set(place, key);
    place.replaceChildren(...[build()].flat());
  }

  function clockOf(moment, seconds = false) {
    return format(seconds ? "seconds" : "minutes", moment);
  }

  function setZone(next) {
    if (next === zone) return;
    zone = next;
    const common = { timeZone: next, hour: "2-digit", minute: "2-digit", hour12: false };
    const minutes = new Intl.DateTimeFormat("en-GB", common);
    const seconds = new Intl.DateTimeFormat("en-GB", { ...common, second: "2-digit" });
    const date = new Intl.DateTimeFormat("en-GB", { timeZone: next, day: "2-digit", month: "2-digit" });
    const weekday = new Intl.DateTimeFormat("en-US", { timeZone: next, weekday: "long" });
    const formats = { minutes, seconds, date, weekday };
    format = (name, moment) => formats[name].format(moment);
  }

  /** A hundredth of the screen's height, less where the screen is narrow. */
  function setUnit() {
    const [width, height] = [window.innerWidth, window.innerHeight];
    const next = width >= height ? Math.min(height / 100, width / 135) : Math.min(width / 82, height / 140);
    if (next === unit) return;
    unit = next;
    document.body.style.setProperty("--u", `${unit}px`);
    drawn.clear();
  }

  // --- what all displays have -----------------------------------------------------------------

  function drawFrame(state, now, toldAt) {
    document.getElementById("facility").textContent = state.facility.vi;
    const facilityEn = document.getElementById("facility-en");
    facilityEn.textContent = state.facility.en;
    facilityEn.hidden = !english;
    document.getElementById("clock").textContent = clockOf(now);
    const weekday = words.vi.weekdays[format("weekday", now).toLowerCase()];
    document.getElementById("date").textContent = `${weekday ?? ""} ${format("date", now)}`;
    lost.hidden = toldAt === null;
    if (toldAt === null) return;
    const time = clockOf(toldAt, true);
    put(lost, time, () => [
      make("b", "", words.vi.lost),
      make("span", "", fill(words.vi.last_update, { time })),
      english ? make("small", "en", `${words.en.lost} · ${fill(words.en.last_update, { time })}`) : null,
    ].filter(Boolean));
  }

  // --- a hall: many rooms ---------------------------------------------------------------------

  function drawHall(state, now, isFresh) {
    if (board.dataset.kind !== "hall") {
      board.dataset.kind = "hall";
      board.className = "hall";
      drawn.clear();
      board.replaceChildren(make("section", "call"), make("section", "rooms"));
    }
    const [panel, list] = board.children;
    const rooms = new Map(state.rooms.map((room) => [room.id, room]));
    drawPanel(panel, state, rooms, now, isFresh);
    drawRooms(list, state, now, isFresh);
  }

  function drawPanel(panel, state, rooms, now, isFresh) {
    const calls = newestOfEach(state.calls.filter((call) => rooms.has(call.room)));
    const idle = calls.length === 0 || now - Date.parse(calls[0].at) > IDLE_MS;
    const notice = state.notices[Math.floor(now / NOTICE_TURN_MS) % Math.max(1, state.notices.length)];
    const fresh = calls.filter(isFresh);
    const box = panel.getBoundingClientRect();
    const facts = { box: [box.width, box.height] };
    if (idle && notice) {
      panel.className = "call notice";
      put(panel, { ...facts, notice }, () => both("notice-text", notice.text.vi, notice.text.en));
      return;
    }
    if (calls.length === 0) {
      panel.className = "call empty";
      put(panel, facts, () => [say("say", "nobody"), say("say soft", "please_wait")]);
      return;
    }
    const [call, ...others] = calls;
    const room = rooms.get(call.room);
    panel.className = `call${isFresh(call) ? " fresh" : ""}`;
    const shownOthers = others.slice(0, OTHERS_SHOWN).map((each) => ({
      number: each.number,
      code: rooms.get(each.room).code,
      fresh: fresh.includes(each),
    }));
    put(panel, { ...facts, call, room: room.name, shownOthers }, () => {
      const number = make("b", "big", call.number);
      const code = make("b", "big-room", room.code);
      const most = Math.max(call.number.length, 4) * CHAR;
      const taken = unit * (english ? 26 : 21) + (call.name ? unit * 6 : 0);
      const size = Math.min((box.width * 0.9) / most, (box.height - taken) / 1.95);
      panel.style.setProperty("--big", `${size}px`);
      return [
        make("div", "who", say("say", "now_calling"), call.attempt > 1 ? attempt(call) : null),
        number,
        call.name ? make("span", "name", call.name) : null,
        say("say", room.counter ? "to_counter" : "to_room"),
        make("div", "where", code, both("room-name", room.name.vi, room.name.en)),
        shownOthers.length === 0 ? null : make("ul", "others", ...shownOthers.map((each) =>
          make("li", each.fresh ? "fresh" : "", make("b", "", each.number), arrow(), make("b", "", each.code)))),
      ].filter(Boolean);
    });
  }

  const attempt = (call) => say("attempt", call.attempt === 2 ? "attempt_2" : "attempt_3");
  const arrow = () => {
    const sign = make("span", "arrow", "→");
    sign.setAttribute("aria-hidden", "true");
    return sign;
  };

  function drawRooms(list, state, now, isFresh) {
    const box = list.getBoundingClientRect();
    const longest = Math.max(4, ...state.rooms.flatMap((room) => room.current.map((call) => call.number.length)));
    const code = Math.max(3, ...state.rooms.map((room) => room.code.length));
    const needed = letterSize({ width: window.innerWidth, height: window.innerHeight, ...state.display });
    const widest = (box.width * 0.74) / ((longest + code) * CHAR + 1);
    const height = box.height * 0.9;
    const count = Math.max(1, state.rooms.length);
    const most = Math.max(1, Math.floor(height / (Math.min(widest, needed) * ROW)));
    const pages = Math.ceil(count / most);
    const fit = Math.ceil(count / pages); // as many on each page, and larger where there is room
    const letter = Math.min(widest, Math.max(height / (fit * ROW), needed), needed * ROOMY);
    const page = choosePage(state, fit, pages, now, isFresh);
    const shown = state.rooms.slice(page * fit, page * fit + fit);
    list.style.setProperty("--letter", `${letter}px`);
    list.style.setProperty("--row", `${Math.min(height / fit, letter * ROW * ROOMY)}px`);
    list.style.setProperty("--number", `${longest * CHAR}em`);
    list.style.setProperty("--code", `${code * CHAR}em`);
    const rows = shown.map((room) => ({
      ...room,
      current: room.current[0] ?? null,
      more: room.current.slice(1, 3).map((call) => call.number),
      fresh: room.current.some(isFresh),
    }));
    put(list, { rows, letter, page, pages, fit }, () => [
      make("div", "head", say("", "column_number"), make("span", "arrow", ""), say("", "column_room"), say("", "column_next")),
      make("ol", "rows", ...rows.map(row)),
      pages > 1 ? make("p", "pages", ...Array.from({ length: pages }, (_, index) =>
        make("i", index === page ? "on" : ""))) : null,
    ].filter(Boolean));
  }

  /** The page of the newest call while it is fresh, otherwise each in its turn. */
  function choosePage(state, fit, pages, now, isFresh) {
    const fresh = state.calls.find(isFresh);
    const at = fresh ? state.rooms.findIndex((room) => room.id === fresh.room) : -1;
    return at >= 0 ? Math.floor(at / fit) : Math.floor(now / ROOMS_TURN_MS) % pages;
  }

  function row(room) {
    const open = room.state === "open";
    const number = room.current !== null
      ? make("b", "number", room.current.number)
      : open ? make("b", "number none", "–") : say(`number state ${room.state}`, room.state);
    const label = both("room-name", room.name.vi, room.name.en);
    return make("li", `row${room.fresh ? " fresh" : ""}${open ? "" : ` ${room.state}`}`,
      number,
      arrow(),
      make("b", "code", room.code),
      make("div", "rest", label,
        room.current?.name ? make("span", "name", room.current.name) : null,
        ...beside(room, open)));
  }

  function beside(room, open) {
    if (!open && room.current !== null) return [say("state-text", room.state)];
    if (!open && room.until) return [say("state-text", "paused_until", { time: clockOf(Date.parse(room.until)) })];
    if (!open) return [];
    return [make("span", "nexts", ...room.next.map((each) => make("span", "", each)))];
  }

  // --- a door or a counter: one room ----------------------------------------------------------

  function drawDoor(state, isFresh) {
    if (board.dataset.kind !== "door") {
      board.dataset.kind = "door";
      board.className = "door";
      drawn.clear();
      board.replaceChildren(make("section", "place"), make("section", "call"), make("section", "following"));
    }
    const [place, panel, following] = board.children;
    const room = state.rooms[0];
    if (room === undefined) return;
    const counter = room.counter || state.display.kind === "counter";
    put(place, [room.code, room.name, room.doctor, counter], () => [
      make("div", "which", say("word", counter ? "counter" : "room"), make("b", "code", room.code)),
      make("div", "about",
        both("room-name", room.name.vi, room.name.en),
        room.doctor ? make("p", "doctor", say("soft", "doctor"), make("b", "", room.doctor)) : null),
    ]);
    const call = room.current[0] ?? null;
    const fresh = call !== null && isFresh(call);
    panel.className = `call${fresh ? " fresh" : ""}${call === null ? ` ${room.state}` : ""}`;
    const box = panel.getBoundingClientRect();
    put(panel, { call, counter, state: room.state, until: room.until, more: room.current.slice(1, 4), box: [box.width, box.height] }, () =>
      call === null ? empty(room) : serving(panel, box, call, counter, room.current.slice(1, 4)));
    following.hidden = room.next.length === 0 || room.state === "closed";
    put(following, [room.next, room.state, room.until, call === null], () => [
      room.state === "paused" && call !== null ? say("state-text", "paused") : null,
      say("word", "next"),
      make("span", "nexts", ...room.next.map((each) => make("b", "", each))),
    ].filter(Boolean));
  }

  function empty(room) {
    if (room.state === "open") return [say("say", "nobody"), say("say soft", "please_wait")];
    const until = room.until ? Date.parse(room.until) : null;
    return [
      say("say strong", room.state),
      room.state === "paused" && until ? say("say", "paused_until", { time: clockOf(until) }) : null,
      say("say soft", room.state === "paused" ? "paused_text" : "closed_text"),
    ].filter(Boolean);
  }

  function serving(panel, box, call, counter, more) {
    const most = Math.max(call.number.length, 4) * CHAR;
    panel.style.setProperty("--big", `${Math.min((box.width * 0.94) / most, box.height * 0.62)}px`);
    const word = call.waits ? "calling" : "serving";
    return [
      make("div", "who", say("say", counter ? `${word}_counter` : word), call.attempt > 1 && call.waits ? attempt(call) : null),
      make("b", "big", call.number),
      call.name ? make("span", "name", call.name) : null,
      more.length === 0 ? null : make("p", "more", ...more.map((each) => make("b", "", each.number))),
    ].filter(Boolean);
  }

  // --- for display.js ---------------------------------------------------------------------------

  return {
    draw({ state, now, toldAt, isFresh }) {
      if (state === null) {
        put(board, "pending", () => make("p", "pending", `${words.vi.pending} · ${words.en.pending}`));
        return;
      }
      english = state.display.english;
      setZone(state.timezone);
      drawFrame(state, now, toldAt);
      setUnit();
      if (state.display.kind === "hall") drawHall(state, now, isFresh);
      else drawDoor(state, isFresh);
      foot.hidden = true;
    },
    showSoundHint(blocked) {
      sound.hidden = !blocked;
      if (blocked) sound.replaceChildren(say("", "sound"));
    },
    clear() {
      document.title = "";
      document.body.replaceChildren();
      document.body.className = "";
    },
  };
}

/** Each number once, by its newest call; the newest first. */
function newestOfEach(calls) {
  const seen = new Set();
  return calls.filter((call) => !seen.has(call.number) && seen.add(call.number));
}
