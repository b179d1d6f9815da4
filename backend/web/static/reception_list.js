// The list on the left: today's visits, those to look at, what a search found.
"use strict";

import { ask, birthText, button, clock, el, firstPage, say, words } from "./reception_base.js";

const NEEDS = ["name", "missed", "priority", "identity", "coverage", "print"];
const list = document.getElementById("list");

let page = firstPage;
let need = null;
let found = null;
let tab = "today";
let selected = null;
let open = () => {};

export const whenOpened = (handler) => {
  open = handler;
};

export function markSelected(visitId) {
  selected = visitId;
  for (const row of list.querySelectorAll("[data-visit]")) {
    row.toggleAttribute("data-selected", row.dataset.visit === visitId);
  }
}

function place(visit) {
  const step = visit.steps.find((each) => each.state === visit.state) ?? visit.steps.at(-1);
  return [say(step.service), step.room ? say(step.room) : null].filter(Boolean).join(" · ");
}

export const laneChip = (lane) => el("span", { class: `chip lane-${lane}` }, words.lanes[lane] ?? lane);

/** One visit as a row to press. With a person after a search. */
export function visitRow(visit, person, onPress) {
  return el(
    "button",
    {
      type: "button",
      class: "desk-row",
      "data-visit": visit.id,
      "data-selected": visit.id === selected,
      on: { click: () => onPress(visit) },
    },
    el("span", { class: "number" }, visit.number),
    el(
      "span",
      { class: "what" },
      person ? el("b", {}, person.full_name) : null,
      person ? el("span", { class: "soft" }, `${birthText(person.birth_date)} ${person.gender ? `· ${words.genders[person.gender]}` : ""}`) : null,
      el("span", { class: person ? "soft" : "" }, place(visit)),
      visit.needs.length
        ? el("span", { class: "chips" }, visit.needs.map((each) => el("span", { class: `chip need-${each}` }, words.needs[each])))
        : null,
    ),
    el("span", { class: "aside" }, el("span", { class: `state state-${visit.state}` }, words.states[visit.state]), el("span", { class: "since" }, clock(visit.created_at))),
  );
}

function draw() {
  const kept = list.scrollTop;
  list.replaceChildren(...(found ? drawFound() : drawPage()));
  list.scrollTop = kept;
}

function drawFound() {
  const rows = found.items.map((each) => visitRow(each.visit, each.person, (visit) => open(visit.id)));
  return [
    el(
      "h2",
      {},
      words.found_title,
      el("span", { class: "count" }, String(found.items.length)),
      button(words.clear_search, clearSearch, { class: "quiet small" }),
    ),
    ...rows,
    rows.length ? null : el("p", { class: "empty" }, found.understood ? words.found_none : words.search_not_understood),
    found.complete ? null : el("p", { class: "soft" }, words.found_more),
  ].filter(Boolean);
}

function drawPage() {
  const rows = page.items.map((visit) => visitRow(visit, null, () => open(visit.id)));
  const filters =
    tab === "open"
      ? el(
          "div",
          { class: "desk-filters", role: "group", "aria-label": words.tab_open },
          NEEDS.map((each) =>
            button(`${words.needs[each]} ${page.counts[each] ?? 0}`, () => choose(each), {
              class: "quiet small",
              "aria-pressed": String(each === need),
            }),
          ),
        )
      : null;
  return [
    filters,
    ...rows,
    rows.length ? null : el("p", { class: "empty" }, tab === "open" ? words.nothing_open : words.nobody_yet),
    page.next ? button(words.show_more, more, { class: "quiet more" }) : null,
  ].filter(Boolean);
}

async function choose(next) {
  need = next;
  await refresh({ background: false });
}

async function more(pressed) {
  pressed.disabled = true;
  const answer = await ask("GET", `/visits?${query()}&before=${page.next}`);
  if (answer.ok) {
    page = { ...answer.data, items: [...page.items, ...answer.data.items] };
    draw();
  } else pressed.disabled = false;
}

const query = () => new URLSearchParams({ limit: "30", ...(tab === "open" ? { need } : {}) }).toString();

function showCounts() {
  document.getElementById("count-all").textContent = page.counts.all;
  const sum = NEEDS.reduce((total, each) => total + page.counts[each], 0);
  document.getElementById("count-open").textContent = sum;
}

/** Fetches what is shown; a longer list that was paged keeps its length. */
export async function refresh({ background = true } = {}) {
  const wanted = Math.min(Math.max(page.items.length, 30), 100);
  const asked = `${tab}/${need}`;
  const answer = await ask("GET", `/visits?${query().replace("limit=30", `limit=${wanted}`)}`, { background });
  if (!answer.ok || asked !== `${tab}/${need}`) return answer.ok;
  page = answer.data;
  showCounts();
  if (!found && (tab === "today" || tab === "open")) draw();
  return true;
}

export async function showTab(next) {
  tab = next;
  found = null;
  document.getElementById("search-text").value = "";
  page = { ...page, items: [], next: null };
  if (tab === "open") need = need ?? NEEDS.find((each) => page.counts[each] > 0) ?? "priority";
  await refresh({ background: false });
}

export function hideFor(other) {
  tab = other;
  found = null;
}

export async function search(text) {
  const answer = await ask("POST", "/visits/search", { body: { text } });
  if (!answer.ok) return answer;
  found = answer.data;
  draw();
  if (found.items.length === 1) open(found.items[0].visit.id);
  return answer;
}

function clearSearch() {
  forgetSearch();
  document.getElementById("search-text").focus();
}

/** Nobody's name stands beside the next person. */
export function forgetSearch() {
  if (!found) return;
  found = null;
  document.getElementById("search-text").value = "";
  draw();
}

draw();
