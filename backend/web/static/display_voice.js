// One voice at a time: calls after one another, announcements between them, nothing that is old.
// Follows backend/domain/speech_queue.py.
"use strict";

const BREATH_MS = 1_000;
const FETCH_MS = 8_000;

/**
 * @param {object} options
 *   fetchSound(path)   an ArrayBuffer, or it throws
 *   gapMs()            between the beginnings of two calls: people have to hear and to rise
 *   volume()           percent of what the loudspeaker gives
 *   onBlocked(blocked) whether the browser wants a touch before it plays anything
 *   now()              milliseconds that only go forward
 */
export function makeVoice({ fetchSound, gapMs, volume, onBlocked, now = () => performance.now() }) {
  const Context = window.AudioContext ?? window.webkitAudioContext;
  const audio = Context ? new Context() : null;
  let waiting = [];
  let speaking = null; // { item, source, cut }
  let callStarted = -Infinity;
  let callEnded = -Infinity;
  let ended = -Infinity;
  let timer = null;

  const blocked = () => audio === null || audio.state !== "running";
  const unblock = () => {
    if (audio !== null && audio.state !== "running") audio.resume().then(tick, () => {});
  };
  if (audio !== null) {
    audio.addEventListener("statechange", () => {
      onBlocked(blocked());
      tick();
    });
    for (const name of ["pointerdown", "keydown"]) window.addEventListener(name, unblock);
    unblock();
    onBlocked(blocked());
  }

  const load = async (path) => audio.decodeAudioData(await fetchSound(path, FETCH_MS));

  /** A call to be said; the newer one about the same number takes the place of the older one. */
  function addCall({ id, number, livesMs, paths }) {
    if (audio === null || knows(id)) return;
    waiting = waiting.filter((each) => each.subject !== number);
    add({ id, subject: number, isCall: true, paths, livesMs });
  }

  /** An announcement: said when no call is, stopped by one, begun again if it is still in time. */
  function addAnnouncement({ id, livesMs, paths }) {
    if (audio === null || knows(id)) return;
    add({ id, subject: id, isCall: false, paths, livesMs });
  }

  const knows = (id) => waiting.some((each) => each.id === id) || speaking?.item.id === id;

  function add({ livesMs, paths, ...item }) {
    // Asked for now, so that it is there when its turn comes. Without a voice, or without a way
    // to it, the number stands on the screen all the same.
    const sounds = paths.map((path) => load(path).catch(() => null));
    waiting.push({ ...item, sounds, queued: now(), expires: now() + livesMs });
    waiting.sort((a, b) => b.isCall - a.isCall || a.queued - b.queued);
    tick();
  }

  /** Calls that were taken back are not said any more. */
  function keepCalls(numbers) {
    waiting = waiting.filter((each) => !each.isCall || numbers.has(each.subject));
  }

  function tick() {
    window.clearTimeout(timer);
    waiting = waiting.filter((each) => now() < each.expires);
    const next = waiting[0];
    if (next === undefined || blocked()) return;
    if (speaking !== null && (speaking.item.isCall || !next.isCall)) return; // its end comes back here
    const free = next.isCall
      ? Math.max(callStarted + gapMs(), callEnded + BREATH_MS)
      : Math.max(ended, callEnded) + BREATH_MS;
    if (now() < free) {
      timer = window.setTimeout(tick, Math.max(20, free - now()));
      return;
    }
    if (speaking !== null) stopAnnouncement();
    waiting.shift();
    say(next);
  }

  function stopAnnouncement() {
    const { item, source } = speaking;
    speaking.cut = true;
    if (source !== null) source.stop();
    speaking = null;
    waiting.push(item);
  }

  async function say(item) {
    const turn = (speaking = { item, source: null, cut: false });
    for (const loading of item.sounds) {
      const sound = await loading;
      if (turn.cut) return;
      if (sound === null) continue;
      if (item.isCall && turn.source === null) callStarted = now();
      await play(turn, sound);
      if (turn.cut) return;
    }
    if (turn.source !== null) {
      if (item.isCall) callEnded = now();
      ended = now();
    }
    speaking = null;
    tick();
  }

  function play(turn, sound) {
    return new Promise((resolve) => {
      const source = audio.createBufferSource();
      source.buffer = sound;
      const gain = audio.createGain();
      gain.gain.value = volume() / 100;
      source.connect(gain).connect(audio.destination);
      source.onended = resolve;
      turn.source = source;
      source.start();
    });
  }

  return { addCall, addAnnouncement, keepCalls, unblock };
}
