// The proof of failed look-ups goes onto paper.
"use strict";

document.getElementById("print").addEventListener("click", () => window.print());
