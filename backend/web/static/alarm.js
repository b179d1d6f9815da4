// Tones for calls from kiosks. Browsers keep silent until somebody pressed a button once.
"use strict";

let audio = null;
let wanted = false;

export const audible = () => wanted && audio !== null && audio.state === "running";

export async function toggle() {
  wanted = !wanted;
  audio ??= new AudioContext();
  // Whether a new one runs by itself differs from browser to browser.
  await (wanted ? audio.resume() : audio.suspend());
  if (audible()) tone(659, 0, 0.2);
  return audible();
}

function tone(frequency, start_s, length_s) {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  const at = audio.currentTime + start_s;
  oscillator.frequency.value = frequency;
  // Short ramps, because a tone that starts at full strength clicks.
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(0.35, at + 0.02);
  gain.gain.setValueAtTime(0.35, at + length_s - 0.04);
  gain.gain.linearRampToValueAtTime(0, at + length_s);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + length_s);
}

/** `kind` is emergency, help, or lost: the page no longer hears of calls. */
export function ring(kind) {
  if (!audible()) return;
  if (kind === "emergency") {
    for (let i = 0; i < 4; i += 1) tone(i % 2 ? 660 : 990, i * 0.45, 0.4);
  } else if (kind === "lost") {
    tone(330, 0, 0.5);
  } else {
    tone(523, 0, 0.25);
    tone(659, 0.3, 0.35);
  }
}
