// The page of announcements: the board beside the text follows it. Without it the page still works.
"use strict";
import { makeListening, sendOnce } from "./listen.js";

const form = document.getElementById("announcement");
const shown = { vi: document.getElementById("shown-vi"), en: document.getElementById("shown-en") };

function draw() {
  shown.vi.textContent = form.elements.text_vi.value.trim() || shown.vi.dataset.empty;
  shown.en.textContent = form.elements.text_en.value.trim();
  const spoken = form.elements.spoken.value === "yes";
  for (const part of form.querySelectorAll("[data-spoken-only]")) part.hidden = !spoken;
}

form.addEventListener("input", draw);
draw();
makeListening();
for (const each of document.querySelectorAll("form[method=post]")) sendOnce(each);
document.querySelector("[aria-invalid=true]")?.focus();
