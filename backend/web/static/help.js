// Keeps the page of calls for help fresh and audible. Without it the page still works: it reloads itself.
"use strict";
(() => {
  const PERIOD_MS = 2000;
  const live = document.getElementById("live");
  const lost = document.getElementById("lost");
  const sound = document.getElementById("sound");
  let audio = null;
  let failures = 0;

  const audible = () => audio !== null && audio.state === "running";

  const showSound = () => {
    sound.hidden = false;
    sound.textContent = audible() ? sound.dataset.on : sound.dataset.off;
    sound.setAttribute("aria-pressed", String(audible()));
  };

  const tone = (frequency, start_s, length_s) => {
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
  };

  const ring = () => {
    if (!audible()) return;
    const state = document.getElementById("state");
    if (Number(state.dataset.emergency) > 0) {
      for (let i = 0; i < 4; i += 1) tone(i % 2 ? 660 : 990, i * 0.45, 0.4);
    } else if (Number(state.dataset.help) > 0) {
      tone(523, 0, 0.25);
      tone(659, 0.3, 0.35);
    } else if (failures >= 3) {
      tone(330, 0, 0.5);
    }
  };

  const refresh = async (request, options) => {
    try {
      const reply = await fetch(request, { ...options, signal: AbortSignal.timeout(5000) });
      if (reply.status === 401 || reply.status === 403) {
        // Signed out, or signed in anew in another tab: the page itself knows what to do.
        window.location.assign("/staff/help");
        return;
      }
      if (!reply.ok) throw new Error(String(reply.status));
      const text = await reply.text();
      const focused = document.activeElement && document.activeElement.closest("form.help-call");
      live.innerHTML = text;
      if (focused) {
        const again = live.querySelector(`form[action="${focused.getAttribute("action")}"] button`);
        if (again) again.focus();
      }
      failures = 0;
    } catch {
      failures += 1;
    }
    lost.hidden = failures < 2;
  };

  sound.addEventListener("click", async () => {
    if (audio === null) audio = new AudioContext();
    await (audible() ? audio.suspend() : audio.resume());
    showSound();
    if (audible()) tone(659, 0, 0.2);
  });

  live.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target;
    form.querySelector("button").disabled = true;
    refresh(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Fragment": "1" } });
  });

  const loop = async () => {
    await refresh("/staff/help/live", { headers: { "X-Background": "1" } });
    ring();
    window.setTimeout(loop, PERIOD_MS);
  };

  showSound();
  window.setTimeout(loop, PERIOD_MS);
})();
