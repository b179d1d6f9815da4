// What a room goes on with while the server is away: its last list, and what it called since.
// Numbers only. Nothing of a person is ever kept, and nothing outlives the day.
import { newKey } from "./console_act.js";

const PREFIX = "tiepdon-room-";

export function dayOf(ms, zone) {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" }).format(ms);
}

const keepStep = ({ patient: _, visit_id: __, ...step }) => step;

/** `list`: the last state of the room. `open`: calls since. `sealed`: calls on their way in. */
export class OfflineBook {
  constructor(room, zone) {
    this.zone = zone;
    this.key = PREFIX + room;
    this.book = this.#load();
  }

  #load() {
    try {
      return JSON.parse(window.localStorage.getItem(this.key)) ?? {};
    } catch {
      return {};
    }
  }

  #save() {
    try {
      window.localStorage.setItem(this.key, JSON.stringify(this.book));
    } catch {
      // Full or switched off: the list in memory still serves until the page is closed.
    }
  }

  /** Books of past days go, of every room of this browser. */
  wipeOld(nowMs) {
    const today = dayOf(nowMs, this.zone);
    for (const key of Object.keys(window.localStorage)) {
      if (!key.startsWith(PREFIX)) continue;
      let day = null;
      try {
        day = JSON.parse(window.localStorage.getItem(key)).day;
      } catch {
        // not ours to read: it goes
      }
      if (day !== today) window.localStorage.removeItem(key);
    }
    if (this.book.day !== undefined && this.book.day !== today) this.book = {};
  }

  /** The newest state; what was called from an older one stays. */
  keep(state, offsetMs) {
    const list = {
      ...state,
      doctor: null,
      undo: null,
      current: state.current.map(keepStep),
      waiting: state.waiting.map(keepStep),
      aside: state.aside.map(keepStep),
    };
    this.book = { ...this.book, day: dayOf(Date.parse(state.now), this.zone), list, offsetMs };
    this.#save();
  }

  get list() {
    return this.book.list ?? null;
  }

  get offsetMs() {
    return this.book.offsetMs ?? 0;
  }

  get #entries() {
    return [...(this.book.sealed?.calls ?? []), ...(this.book.open ?? [])];
  }

  /** How many calls are still to be handed in. */
  get count() {
    return new Set(this.#entries.map((entry) => entry.step_id)).size;
  }

  #entry(step) {
    const open = (this.book.open ??= []);
    let entry = open.find((each) => each.step_id === step.step_id);
    if (entry === undefined) {
      entry = { step_id: step.step_id, number: step.number, called_at: null, finished_at: null, missed: null, times: 0 };
      open.push(entry);
    }
    return entry;
  }

  call(step, at) {
    const entry = this.#entry(step);
    entry.called_at = at;
    entry.times = 1;
    this.#save();
  }

  again(step) {
    this.#entry(step).times = step.calls + 1;
    this.#save();
  }

  end(step, at, { missed = false } = {}) {
    const entry = this.#entry(step);
    entry.finished_at = at;
    entry.missed = missed || null;
    this.#save();
  }

  /** The room as it stands after the calls of this page. */
  view() {
    const list = this.list;
    const known = new Map();
    for (const entry of this.#entries) {
      const before = known.get(entry.step_id) ?? {};
      known.set(entry.step_id, {
        ...before,
        ...entry,
        called_at: entry.called_at ?? before.called_at ?? null,
        times: entry.times || before.times || 0,
      });
    }
    const of = (step) => known.get(step.step_id);
    const called = list.waiting
      .filter((step) => of(step)?.called_at)
      .map((step) => ({ ...step, state: "called", order: null, offline: true, state_at: of(step).called_at }))
      .sort((one, other) => Date.parse(one.state_at) - Date.parse(other.state_at));
    const inside = [...list.current, ...called].map((step) => ({ ...step, calls: of(step)?.times || step.calls }));
    const byLane = { ...list.waiting_by_lane };
    for (const step of called) byLane[step.lane] = Math.max(0, (byLane[step.lane] ?? 0) - 1);
    const ended = inside.filter((step) => of(step)?.finished_at);
    return {
      ...list,
      current: inside.filter((step) => !of(step)?.finished_at),
      waiting: list.waiting.filter((step) => !of(step)?.called_at),
      waiting_total: list.waiting_total - called.length,
      waiting_by_lane: byLane,
      done: list.done + ended.filter((step) => !of(step).missed).length,
    };
  }

  /**
   * What is to be handed in, with its key: the same again until the server has answered.
   * A call whose answer got lost on the way out was made after all, and only its end is news.
   */
  seal(fresh) {
    if (this.book.sealed === undefined) {
      const here = new Set(fresh.current.map((step) => step.step_id));
      const calls = (this.book.open ?? [])
        .map((entry) => (here.has(entry.step_id) ? { ...entry, called_at: null } : entry))
        .filter((entry) => entry.called_at !== null || entry.finished_at !== null);
      this.book.open = [];
      if (calls.length > 0) this.book.sealed = { key: newKey(), list_at: this.list.now, calls };
      this.#save();
    }
    return this.book.sealed ?? null;
  }

  handedIn() {
    delete this.book.sealed;
    this.#save();
  }
}

export function toRequest(sealed) {
  const calls = sealed.calls.map(({ step_id, called_at, finished_at, missed }) => ({ step_id, called_at, finished_at, missed }));
  return { list_at: sealed.list_at, calls };
}
