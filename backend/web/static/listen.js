// "Nghe thử": plays what a form as it stands now would sound like. One at a time.
// Without scripts the same buttons open the sound in a tab of its own.
"use strict";

const FETCH_MS = 15_000;

/** @param {(button: HTMLElement) => number} volume  of a button's sound, in percent */
export function makeListening({ volume = () => 100 } = {}) {
  const Context = window.AudioContext ?? window.webkitAudioContext;
  if (!Context) return;
  let audio = null;
  let playing = null; // { button, label, source, asked }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-listen]");
    if (button === null) return;
    event.preventDefault();
    const again = playing?.button === button;
    stop();
    if (!again) play(button);
  });

  async function play(button) {
    const asked = new AbortController();
    const turn = (playing = { button, label: button.textContent, source: null, asked });
    const fault = button.parentElement.querySelector("[data-listen-fault]");
    if (fault !== null) fault.textContent = "";
    button.textContent = `■ ${button.dataset.stop}`;
    button.setAttribute("aria-pressed", "true");
    const late = window.setTimeout(() => asked.abort(), FETCH_MS);
    try {
      audio ??= new Context();
      if (audio.state !== "running") await audio.resume();
      const sound = await audio.decodeAudioData(await ask(button, asked.signal));
      if (playing !== turn) return;
      const gain = audio.createGain();
      gain.gain.value = volume(button) / 100;
      turn.source = audio.createBufferSource();
      turn.source.buffer = sound;
      turn.source.connect(gain).connect(audio.destination);
      turn.source.onended = () => playing === turn && stop();
      turn.source.start();
    } catch {
      if (playing !== turn) return; // stopped by hand
      stop();
      if (fault !== null) fault.textContent = fault.dataset.listenFault;
    } finally {
      window.clearTimeout(late);
    }
  }

  async function ask(button, signal) {
    const form = new FormData(button.form);
    form.set(button.name, button.value);
    const reply = await fetch(button.getAttribute("formaction"), { method: "POST", body: form, signal });
    if (!reply.ok) throw new Error(`no sound: ${reply.status}`);
    return reply.arrayBuffer();
  }

  function stop() {
    if (playing === null) return;
    const { button, label, source, asked } = playing;
    playing = null;
    asked.abort();
    if (source !== null) source.stop();
    button.textContent = label;
    button.removeAttribute("aria-pressed");
  }
}

/** A form is sent once, however often its button is pressed. */
export function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}
