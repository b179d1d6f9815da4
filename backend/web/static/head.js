// The live page of the head of the department: draws what the server says, sends what is pressed.
import { follow } from "/assets/live.js";

const SHOWN_MS = 8_000;
const WAITS_EVERY_MS = 60_000;
const CLOCK_EVERY_MS = 30_000;
const TIMEOUT_MS = 8_000;
const LANES = ["E", "P", "R", "B", "N"];
const SVG = "http://www.w3.org/2000/svg";

const data = JSON.parse(document.getElementById("data").textContent);
const words = data.words;
const lang = data.lang;
const csrf = document.querySelector("meta[name=csrf]").content;
const byId = (id) => document.getElementById(id);

let hall = data.hall;
let behindMs = Date.now() - Date.parse(hall.now); // this machine's clock against the server's

const say = (text, facts = {}) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name] ?? "");
const clock = new Intl.DateTimeFormat("vi-VN", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: data.zone });
const time = (moment) => clock.format(new Date(moment));
const now = () => Date.now() - behindMs;

// --- asking the server ---------------------------------------------------------------------------

const get = async (path) => {
  const reply = await fetch(`/api/v1${path}`, { headers: { "X-Background": "1" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (reply.status === 401) window.location.assign("/staff/login?next=/staff/head");
  if (!reply.ok) throw new Error(String(reply.status));
  return reply.json();
};

let busy = false;

/** One act: a key of its own, one at a time, and then the page as it is. */
const act = async (path, body) => {
  if (busy) return;
  busy = true;
  showBusy();
  const key = crypto.randomUUID();
  try {
    const reply = await fetch(`/api/v1${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": key, "X-CSRF-Token": csrf },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (reply.status === 401) window.location.assign("/staff/login?next=/staff/head");
    if (reply.ok) {
      tell(null);
    } else {
      const problem = await reply.json().catch(() => ({}));
      tell(words.problems[problem.code] ?? words.problems.other);
    }
  } catch {
    tell(words.fault);
  } finally {
    busy = false;
    showBusy();
    await refresh();
  }
};

const showBusy = () => {
  for (const button of document.querySelectorAll(".room .do button, #undo-do")) button.disabled = busy;
};

let saidTimer = null;
const tell = (text) => {
  window.clearTimeout(saidTimer);
  const said = byId("said");
  said.hidden = text === null;
  said.textContent = text ?? "";
  if (text !== null) saidTimer = window.setTimeout(() => tell(null), SHOWN_MS);
};

let fetching = false;
let again = false;

/** Never two at once: what changes while one is on its way is fetched right after it. */
const refresh = async () => {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  try {
    hall = await get("/departments/overview");
    behindMs = Date.now() - Date.parse(hall.now);
    draw();
    await refreshLog();
  } catch {
    // The stream says when the server is away, and asks again when it is back.
  } finally {
    fetching = false;
    if (again) {
      again = false;
      refresh();
    }
  }
};

// --- drawing -------------------------------------------------------------------------------------

const fill = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

const minutes = (seconds) => Math.floor(seconds / 60);

const draw = () => {
  const tiles = {
    waiting: hall.waiting,
    longest: `${minutes(hall.longest_wait_s)} ${lang === "vi" ? "phút" : "min"}`,
    in_room: hall.in_room,
    seen: hall.seen,
    missed: hall.missed,
    returned: hall.returned,
    held: hall.held,
    left: hall.left,
    help: hall.help_calls,
  };
  for (const [key, value] of Object.entries(tiles)) {
    const tile = document.querySelector(`[data-tile=${key}]`);
    fill(tile.querySelector("dd"), String(value));
    const loud = (key === "longest" && hall.longest_wait_s > hall.wait_limit_min * 60) || (key === "help" && value > 0);
    tile.classList.toggle("loud", loud);
  }
  const ringing = hall.rooms.filter((room) => room.alarms.length > 0);
  drawRooms(byId("alarms"), ringing);
  drawRooms(byId("rooms"), hall.rooms.filter((room) => room.alarms.length === 0));
  fill(byId("alarms-count"), String(ringing.length));
  fill(byId("rooms-count"), String(hall.rooms.length - ringing.length));
  byId("no-alarms").hidden = ringing.length > 0;
  drawUndo();
};

/** Rows stay the same elements, so that the keyboard's place is kept; a room may change lists. */
const drawRooms = (list, rooms) => {
  const focused = document.activeElement;
  const wanted = rooms.map((room) => rowOf(room));
  for (const child of [...list.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((row, index) => {
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
  if (focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
};

const rows = new Map();

const rowOf = (room) => {
  let row = rows.get(room.id);
  if (row === undefined) {
    row = byId("room").content.firstElementChild.cloneNode(true);
    row.dataset.room = room.id;
    const on = (name, press) => row.querySelector(`[data-do=${name}]`).addEventListener("click", press);
    on("move", () => openMove(room.id));
    on("open", () => act(`/rooms/${room.id}/state`, { state: "open" }));
    on("change", () => openState(room.id));
    rows.set(room.id, row);
  }
  fillRow(row, room);
  return row;
};

const fillRow = (row, room) => {
  const part = (name) => row.querySelector(`.${name}`);
  const resting = room.state !== "open";
  const shownState = resting || room.has_session ? room.state : "off";
  row.classList.toggle("resting", resting);
  row.classList.toggle("idle", !resting && room.waiting + room.seen + room.in_room === 0);
  fill(part("code"), room.code);
  fill(part("name"), room.name[lang]);
  part("state").className = `state ${shownState}`;
  const until = room.until ? ` ${say(words.until, { time: time(room.until) })}` : "";
  const why = room.reason ? ` · ${words.reasons[room.reason] ?? ""}` : "";
  fill(part("state"), `${words.state[shownState]}${until}${why}`);
  fill(part("doctor"), hall.doctors[room.doctor_id] ?? words.nobody);
  fillList(part("alarm-list"), room.alarms, (item, alarm) => {
    item.className = alarm;
    const aim = hall.load_aims[alarm === "load_never" ? 2 : 1];
    fill(item, say(words.alarm[alarm], { aim, limit: hall.wait_limit_min, people: room.own_waiting }));
  });
  const shared = room.own_waiting !== room.waiting ? words.waiting_shared : words.waiting;
  fill(part("waiting"), room.waiting ? say(shared, { people: room.waiting, own: room.own_waiting }) : words.nobody_waits);
  fill(part("longest"), minutes(room.longest_wait_s) > 0 ? say(words.longest_wait, { minutes: minutes(room.longest_wait_s) }) : "");
  part("longest").classList.toggle("late", room.longest_wait_s > hall.wait_limit_min * 60);
  fillList(part("lanes"), LANES.filter((lane) => room.by_lane[lane]), (item, lane) => {
    item.className = lane;
    fill(item, `${words.lanes[lane]} ${room.by_lane[lane]}`);
  });
  drawBar(part("bar-slot"), room);
  part("load-words").className = `load-words ${room.level}`;
  fill(part("load-words"), `${say(words.load, { people: room.seen })} · ${words.load_words[room.level]}`);
  fill(part("ends"), room.ends_at ? say(words.ends, { time: time(room.ends_at) }) : "");
  const each = room.minutes_each?.toLocaleString(lang === "vi" ? "vi-VN" : "en-GB");
  fill(part("each"), each ? say(words.each, { minutes: each }) : "");
  row.querySelector("[data-do=move]").hidden = room.own_waiting === 0 || room.move_to.length === 0;
  row.querySelector("[data-do=open]").hidden = !resting;
  for (const button of row.querySelectorAll(".do button")) {
    button.disabled = busy;
    button.setAttribute("aria-label", `${button.textContent} – ${room.code}`);
  }
};

const fillList = (list, entries, draw) => {
  while (list.children.length > entries.length) list.lastChild.remove();
  entries.forEach((entry, index) => {
    const item = list.children[index] ?? list.appendChild(document.createElement("li"));
    draw(item, entry);
  });
};

/** The load of the day with its three marks; the same in words for who does not see it. */
const drawBar = (slot, room) => {
  const [first, second, third] = hall.load_aims;
  const width = (people) => (Math.min(people, third * 1.15) / (third * 1.15)) * 300;
  const key = `${room.seen} ${room.level} ${hall.load_aims}`;
  if (slot.dataset.key === key) return;
  slot.dataset.key = key;
  const element = (name, attributes, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const label = say(words.load_bar, { people: room.seen, words: words.load_words[room.level], aims: hall.load_aims.join(", ") });
  const bar = element("svg", { viewBox: "0 0 300 42", role: "img", "aria-label": label, class: room.level });
  bar.append(element("rect", { class: "track", x: 0, y: 2, width: 300, height: 14, rx: 5 }));
  if (room.seen) bar.append(element("rect", { class: "fill", x: 0, y: 2, width: Math.max(width(room.seen), 6), height: 14, rx: 5 }));
  for (const aim of [first, second, third]) {
    bar.append(element("line", { class: "mark", x1: width(aim), x2: width(aim), y1: 0, y2: 19 }));
    bar.append(element("text", { x: width(aim), y: 39 }, String(aim)));
  }
  slot.replaceChildren(bar);
};

// --- undo ----------------------------------------------------------------------------------------

const drawUndo = () => {
  const undo = hall.undo;
  const left = undo ? Math.ceil((Date.parse(undo.until) - now()) / 1000) : 0;
  byId("undo").hidden = left <= 0;
  if (left <= 0) return;
  const room = hall.rooms.find((each) => each.id === undo.room_id);
  const many = undo.people > 1 ? ` · ${say(words.log_people, { people: undo.people })}` : "";
  const one = undo.number ? ` · ${say(words.log_number, { number: undo.number })}` : "";
  fill(byId("undo-what"), say(words.undo_done, { what: words.acts[undo.kind] ?? undo.kind, room: room?.code ?? "" }) + many + one);
  fill(byId("undo-left"), say(words.seconds_left, { seconds: left }));
};

byId("undo-do").addEventListener("click", () => {
  const undo = hall.undo;
  if (undo) act(`/rooms/${undo.room_id}/acts/${undo.id}/undo`, {});
});

// --- dialogs -------------------------------------------------------------------------------------

const option = (value, text) => {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
};

const find = (id) => hall.rooms.find((room) => room.id === id);

/** `send` gets the pressed button's value; what to do with focus afterwards is the browser's. */
const open = (dialog, send) => {
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue && send(dialog.returnValue);
  dialog.showModal();
};

const openMove = (id) => {
  const room = find(id);
  const dialog = byId("move");
  const form = dialog.querySelector("form");
  fill(byId("move-title"), say(words.move_title, { room: room.code }));
  fill(byId("move-all"), say(words.everybody, { people: room.own_waiting }));
  const targets = room.move_to.map(find).filter(Boolean);
  form.to.replaceChildren(
    option("", words.anywhere),
    ...targets.map((each) => option(each.id, say(words.room_with, { room: each.code, people: each.waiting }))),
  );
  form.many.value = "all";
  form.count.max = String(room.own_waiting);
  form.count.value = String(Math.max(1, Math.floor(room.own_waiting / 2)));
  form.reason.value = room.state === "open" ? "balance" : "staff_away";
  open(dialog, () => {
    const body = { reason: form.reason.value };
    if (form.to.value) body.to_room_id = form.to.value;
    if (form.many.value === "some") body.count = Math.min(Math.max(Number(form.count.value) || 1, 1), 500);
    act(`/rooms/${id}/move`, body);
  });
  byId("move-do").focus();
};

byId("move").querySelector("[name=count]").addEventListener("input", (event) => {
  event.target.form.many.value = "some";
});

const openState = (id) => {
  const room = find(id);
  const dialog = byId("state");
  const form = dialog.querySelector("form");
  fill(byId("state-title"), say(words.state_title, { room: room.code }));
  form.reason.value = "break";
  form.until.value = "";
  byId("state-pause").hidden = room.state === "paused";
  byId("state-close").hidden = room.state === "closed";
  byId("doctor-part").hidden = room.doctor_ids.length === 0;
  form.doctor.replaceChildren(option("", words.nobody), ...room.doctor_ids.map((each) => option(each, hall.doctors[each] ?? each)));
  form.doctor.value = room.doctor_id ?? "";
  open(dialog, (state) => {
    if (state === "doctor") {
      act(`/rooms/${id}/state`, { doctor_id: form.doctor.value });
      return;
    }
    const body = { state, reason: form.reason.value };
    if (state === "paused" && form.until.value) body.until = new Date(now() + Number(form.until.value) * 60_000).toISOString();
    act(`/rooms/${id}/state`, body);
  });
};

// --- log and promises ----------------------------------------------------------------------------

let older = [];
let oldest = null;

const logQuery = (last) => {
  const form = byId("filters");
  const query = new URLSearchParams({ limit: "30" });
  if (form.kind.value === "reason") query.set("with_reason", "true");
  else if (form.kind.value) query.set("kind", form.kind.value);
  if (form.room.value) query.set("room_id", form.room.value);
  if (last) {
    query.set("before", last.at);
    query.set("before_id", last.id);
  }
  return `/departments/acts?${query}`;
};

const refreshLog = async () => {
  const query = logQuery(null);
  const page = await get(query);
  if (query !== logQuery(null)) return; // another filter was chosen meanwhile
  if (older.length === 0) {
    oldest = page.items.at(-1) ?? null;
    byId("log-more").hidden = page.complete;
  }
  const known = new Set(page.items.map((each) => each.id));
  drawLog([...page.items, ...older.filter((each) => !known.has(each.id))]);
};

const drawLog = (items) => {
  byId("log-empty").hidden = items.length > 0;
  fillList(byId("log"), items, (item, each) => {
    const made = document.createElement("time");
    made.dateTime = each.at;
    made.textContent = time(each.at);
    const what = document.createElement("b");
    what.textContent = words.acts[each.kind] ?? each.kind;
    what.className = each.undone_at ? "undone" : "";
    const facts = [
      each.room && `${words.log_room} ${each.room}`,
      each.number && say(words.log_number, { number: each.number }),
      each.people > 1 && say(words.log_people, { people: each.people }),
      each.reason && (words.reasons[each.reason] ?? each.reason),
      each.actor,
      each.undone_at && say(words.log_undone, { who: each.undone_by ?? "" }),
    ].filter(Boolean);
    item.replaceChildren(made, what, ` · ${facts.join(" · ")}`);
  });
};

byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("filters").addEventListener("change", () => {
  older = [];
  oldest = null;
  refreshLog().catch(() => tell(words.fault));
});

byId("log-more").addEventListener("click", async () => {
  if (oldest === null) return;
  try {
    const page = await get(logQuery(oldest));
    older = [...older, oldest, ...page.items];
    oldest = page.items.at(-1) ?? oldest;
    byId("log-more").hidden = page.complete;
    await refreshLog();
  } catch {
    tell(words.fault);
  }
});

const promise = (accuracy) => {
  const off = Math.round(accuracy.median_error_min);
  const middle = off > 0 ? words.waits_late : off < 0 ? words.waits_early : words.waits_on_time;
  const line = say(words.waits_line, { share: Math.round(accuracy.share_kept * 100), cases: accuracy.cases });
  return `${line}; ${say(middle, { minutes: Math.abs(off) })}`;
};

const refreshWaits = async () => {
  const waits = await get("/departments/waits");
  fill(byId("waits-whole"), waits.whole ? promise(waits.whole) : words.waits_empty);
  const share = waits.whole ? `${Math.round(waits.whole.share_kept * 100)} %` : "–";
  fill(document.querySelector("[data-tile=kept] dd"), share);
  fillList(byId("waits-rooms"), waits.rooms, (item, each) => {
    const code = document.createElement("b");
    code.textContent = each.room;
    item.replaceChildren(code, ` ${promise(each.accuracy)}`);
  });
};

// --- life ----------------------------------------------------------------------------------------

draw();
refreshLog().catch(() => {});
refreshWaits().catch(() => {});
window.setInterval(() => refreshWaits().catch(() => {}), WAITS_EVERY_MS);
window.setInterval(drawUndo, 1_000);
window.setInterval(refresh, CLOCK_EVERY_MS); // waits grow while nothing happens
follow("/api/v1/live", {
  everyMs: 500, // at 25 calls a second twice a second is enough for eyes
  onChange: refresh,
  onState: (state) => {
    byId("lost").hidden = state === "live";
  },
});
