// Follows live events: tells when something changed, comes back by itself, never gives up.
"use strict";

const QUIET_MS = 40_000; // the server sends a pulse every 15 s
const FIRST_PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 2_000;

/**
 * @param {string} url  a stream of this server
 * @param {object} handlers
 *   onChange(events)   what changed since the last call, at most every `everyMs`; an empty list
 *                      after (re)connecting: fetch the whole state then
 *   onEvent(event)     each event at once, for sounds
 *   onState(state)     "live" or "lost"
 *   everyMs            default 100
 * @returns {{close(): void, again(url: string): void}}
 */
export function follow(url, { onChange, onEvent = () => {}, onState = () => {}, everyMs = 100 }) {
  let source = null;
  let pauseMs = FIRST_PAUSE_MS;
  let state = null;
  let waiting = [];
  let due = null;
  let timer = null;
  let quiet = null;
  let closed = false;

  const say = (next) => {
    if (next !== state) {
      state = next;
      onState(state);
    }
  };

  const flush = () => {
    due = null;
    const events = waiting;
    waiting = [];
    onChange(events);
  };

  const heard = () => {
    window.clearTimeout(quiet);
    quiet = window.setTimeout(lose, QUIET_MS);
  };

  const lose = () => {
    if (source !== null) source.close();
    source = null;
    window.clearTimeout(quiet);
    if (closed) return;
    say("lost");
    window.clearTimeout(timer);
    // A little different for every page, or all of them would come back at the same moment.
    timer = window.setTimeout(open, pauseMs * (0.7 + 0.6 * Math.random()));
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  };

  const open = () => {
    if (closed) return;
    source = new EventSource(url);
    source.addEventListener("hello", () => {
      pauseMs = FIRST_PAUSE_MS;
      heard();
      say("live");
      waiting = [];
      flush();
    });
    source.addEventListener("pulse", heard);
    source.addEventListener("change", (message) => {
      heard();
      const event = JSON.parse(message.data);
      onEvent(event);
      waiting.push(event);
      if (due === null) due = window.setTimeout(flush, everyMs);
    });
    source.onerror = lose;
    heard();
  };

  window.addEventListener("online", () => state === "lost" && lose());
  open();
  return {
    close() {
      closed = true;
      window.clearTimeout(timer);
      window.clearTimeout(due);
      window.clearTimeout(quiet);
      if (source !== null) source.close();
    },
    again(next) {
      url = next;
      if (source !== null) source.close();
      source = null;
      open();
    },
  };
}
