// The page of calling words: shows what boards would show and voices would say while somebody types.
"use strict";
import { makeListening, sendOnce } from "./listen.js";

const QUIET_MS = 350;
const form = document.getElementById("words");
let timer = null;
let asked = null;

async function preview() {
  asked?.abort();
  asked = new AbortController();
  try {
    const reply = await fetch("/staff/calling-words/preview", {
      method: "POST",
      body: new FormData(form),
      signal: asked.signal,
    });
    if (reply.ok) draw(await reply.json());
  } catch {
    // The next key asks again; what stands there stays.
  }
}

function draw(sentences) {
  for (const sentence of form.querySelectorAll("[data-kind]")) {
    const previews = sentences[sentence.dataset.kind];
    sentence.querySelector("[data-summary]").textContent = previews.vi.shown;
    for (const place of sentence.querySelectorAll("[data-preview]")) {
      const found = previews[place.dataset.preview];
      const wording = place.parentElement;
      place.querySelector("[data-shown]").textContent = found.shown;
      place.querySelector("[data-spoken]").textContent = found.spoken;
      wording.querySelector("[data-fault]").hidden = !found.is_faulty;
      const field = wording.querySelector("input");
      if (found.is_faulty) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
  }
}

function tellVolume(range) {
  const output = range.closest(".volume").querySelector("output");
  output.textContent = range.value === "0" ? `0 % – ${range.dataset.mute}` : `${range.value} %`;
}

form.addEventListener("input", (event) => {
  if (event.target.type === "range") tellVolume(event.target);
  window.clearTimeout(timer);
  timer = window.setTimeout(preview, QUIET_MS);
});
for (const range of form.querySelectorAll("input[type=range]")) tellVolume(range);
makeListening({
  volume: (button) => Number(button.closest(".volume")?.querySelector("[name=volume]").value ?? 100),
});
for (const each of document.querySelectorAll("form[method=post]")) sendOnce(each);
document.querySelector("[aria-invalid=true]")?.focus();
