// One visit: who it is, the next thing to decide, its way, printing, merging.
"use strict";

import { ask, birthText, button, clock, el, fill, lang, press, say, settings, show, tell, words } from "./reception_base.js";
import { laneChip, markSelected, refresh, visitRow } from "./reception_list.js";
import { register } from "./reception_register.js";
import { printPanel } from "./reception_print.js";

let shownId = null;
/** The visit whose other category is being chosen: a fresh picture of it leaves that open. */
let choosingFor = null;
/** The visit whose phone and address are being corrected, likewise. */
let correctingFor = null;
/** The visit whose history is being taken, likewise. */
let askingFor = null;

export const shownVisit = () => shownId;

export function forgetVisit() {
  shownId = null;
  markSelected(null);
}

/** Somebody types, chooses or merges here: they are not disturbed, the server says when it is too late. */
const isBusy = () => document.querySelector("#detail input:focus, #detail select:focus, #detail .merge-results, #detail .merge-pair, #detail .category details[open], #detail .contact[open]") !== null;

export async function openVisit(visitId, { background = false } = {}) {
  if (background && isBusy()) return;
  const answer = await ask("GET", `/visits/${visitId}/desk`, { background });
  if (!answer.ok) {
    if (!background) tell(answer.sentence);
    return;
  }
  if (background && (shownId !== visitId || isBusy())) return;
  shownId = visitId;
  markSelected(visitId);
  draw(answer.data);
}

async function again() {
  const visitId = shownId;
  refresh();
  if (visitId) await openVisit(visitId);
}

function draw(opened) {
  const { visit } = opened;
  show(
    el(
      "header",
      { class: "visit-head" },
      el("span", { class: "big-number", tabindex: "-1", "data-focus": true }, visit.number),
      el(
        "div",
        {},
        el("p", { class: "chips" }, laneChip(visit.lane), el("span", { class: `state state-${visit.state}` }, words.states[visit.state])),
        el("p", { class: "soft" }, `${words.taken_at} ${clock(visit.created_at)} · ${visit.kiosk ?? words.at_desk}${visit.his_number ? ` · ${words.his_number} ${visit.his_number}` : ""}`),
      ),
    ),
    personPart(opened),
    needPart(opened),
    opened.use_insurance ? categoryPart(opened) : null,
    wayPart(visit),
    opened.person && settings.takes_history ? historyPart(visit) : null,
    opened.person ? hisPart(visit) : null,
    printPanel(visit.id, opened.prints, again),
    opened.person ? mergePart(opened) : null,
  );
}

function personPart({ person, address, guardian, priority, verified, visit }) {
  if (!person) return el("p", { class: "soft" }, visit.needs.includes("name") ? words.needs.name : words.person_gone);
  const kinds = ["id12", "bhyt15", "passport", "mrn", "cmnd9", "bhxh10"].filter((kind) => person.masked_numbers[kind]);
  const numbers = kinds.slice(0, 2).map((kind) => `${words.number_kinds[kind]} ${person.masked_numbers[kind]}`);
  const phone = person.masked_phone ? `${words.phone_short} ${person.masked_phone}` : null;
  return el(
    "section",
    { class: "part person" },
    el("h2", {}, person.full_name),
    el("p", {}, [birthText(person.birth_date), person.gender ? words.genders[person.gender] : null].filter(Boolean).join(" · ")),
    el("p", { class: "soft" }, [...numbers, phone].filter(Boolean).flatMap((each, at) => [at ? " · " : "", el("span", { class: "whole" }, each)])),
    priority ? el("p", {}, `${words.priority_as}: `, el("b", {}, say(priority))) : null,
    verified ? null : el("p", { class: "soft" }, words.typed_identity),
    address ? el("p", { class: "soft" }, address) : null,
    guardian ? el("p", { class: "soft" }, `${words.with_guardian}: ${words.relations[guardian.relation] ?? ""} · ${guardian.masked_phone}`) : null,
    contactPart(visit, address),
  );
}

/** Phone and address: what is left empty stays, and only what was changed is sent. */
function contactPart(visit, address) {
  const phone = el("input", { id: "contact-phone", type: "tel", maxlength: "20", autocomplete: "off" });
  const place = el("input", { id: "contact-address", type: "text", maxlength: "400", autocomplete: "off", value: address ?? "" });
  const send = (pressed) => {
    const body = { version: visit.version };
    if (phone.value.trim()) body.phone = phone.value.trim();
    if (place.value.trim() && place.value.trim() !== address) body.address = place.value.trim();
    if (!body.phone && !body.address) return tell(words.contact_nothing);
    return press(pressed, "POST", `/visits/${visit.id}/person`, body, async (answer) => {
      if (answer.ok) correctingFor = null;
      // What was typed stays for another try.
      if (answer.code !== "validation_failed") await after(words.done.person)(answer);
    });
  };
  return el(
    "details",
    { class: "contact", open: correctingFor === visit.id, on: { toggle: (event) => (correctingFor = event.currentTarget.open ? visit.id : null) } },
    el("summary", {}, words.contact_change),
    el("p", { class: "soft" }, words.contact_hint),
    el("label", { for: "contact-phone" }, words.contact_phone),
    phone,
    el("label", { for: "contact-address" }, words.contact_address),
    place,
    button(words.save, send, {}),
  );
}

/** In the patient's words, for the doctor: it is shown to nobody here, so the form starts empty. */
function historyPart(visit) {
  const questions = ["allergies", "illnesses", "medicines"];
  const fields = questions.map((name) => el("input", { id: `history-${name}`, type: "text", maxlength: "500", autocomplete: "off" }));
  const send = (pressed) => {
    const said = Object.fromEntries(questions.map((name, at) => [name, fields[at].value.trim()]).filter(([, text]) => text));
    if (!Object.keys(said).length) return tell(words.history_nothing);
    return press(pressed, "POST", `/visits/${visit.id}/history`, { version: visit.version, language: lang, ...said }, async (answer) => {
      if (answer.ok) askingFor = null;
      // What was typed stays for another try.
      if (answer.code !== "validation_failed") await after(words.done.history)(answer);
    });
  };
  return el(
    "section",
    { class: "part", "aria-label": words.history_title },
    el(
      "details",
      { class: "contact", open: askingFor === visit.id, on: { toggle: (event) => (askingFor = event.currentTarget.open ? visit.id : null) } },
      el("summary", {}, words.history_start),
      el("p", { class: "soft" }, words.history_hint),
      questions.map((name, at) => [el("label", { for: `history-${name}` }, words[`history_${name}`]), fields[at]]).flat(),
      button(words.history_send, send, {}),
    ),
  );
}

/** The decisions of the desk, one after the other. */
function needPart(opened) {
  const { visit } = opened;
  const need = visit.needs.find((each) => each !== "print");
  if (!need) return null;
  const count = visit.needs.filter((each) => each !== "print").length;
  const choices = {
    name: () => [button(words.give_name, () => register({ joins: { id: visit.id, version: visit.version, number: visit.number } }), {})],
    priority: () => [
      ...["papers_seen", "plain_to_see"].map((reason) => decide(visit, "priority", { reason }, words.priority_reasons[reason])),
      lowerChoices(visit),
    ],
    identity: () => Object.entries(words.identity_reasons).map(([reason, text]) => decide(visit, "identity", { reason }, text)),
    coverage: () => Object.entries(words.coverage_decisions).map(([decision, text]) => decide(visit, "coverage", { decision }, text)),
    missed: () => visit.steps.filter((step) => step.state === "missed").map((step) => resumeButton(visit, step)),
  };
  return el(
    "section",
    { class: "part question", "aria-label": words.needs[need] },
    el("h3", {}, words.questions[need], count > 1 ? el("span", { class: "count" }, fill(words.more_to_do, { count: count - 1 })) : null),
    words.question_hints[need] ? el("p", { class: "soft" }, words.question_hints[need]) : null,
    el("div", { class: "answers" }, choices[need]()),
  );
}

/** MA_DOITUONG_KCB: the proposal is confirmed with one press, another code asks for its reason. */
function categoryPart({ visit, category, evidence }) {
  const { code, title, reason, confirmed } = category;
  const state = confirmed ? words.category_confirmed : words.category_proposed;
  const codes = el(
    "select",
    { id: "category-code" },
    settings.categories.map((each) => el("option", { value: each.code, selected: each.code === code }, `${each.code} · ${say(each)}`)),
  );
  const reasons = el("select", { id: "category-reason" }, Object.entries(words.category_reasons).map(([value, text]) => el("option", { value }, text)));
  const number = el("input", { id: "slip-number", type: "text", maxlength: "50", autocomplete: "off" });
  const signedOn = el("input", { id: "slip-signed-on", type: "date" });
  const forAYear = el("input", { id: "slip-for-a-year", type: "checkbox" });
  const onCode = () => {
    transfer.hidden = codes.value !== "1.3";
    slip.hidden = !["1.3", "1.5"].includes(codes.value);
  };
  const transfer = el(
    "div",
    {},
    el("label", { for: "slip-signed-on" }, words.slip_signed_on),
    signedOn,
    el("label", { class: "check", for: "slip-for-a-year" }, forAYear, words.slip_for_a_year),
  );
  const slip = el("div", {}, el("label", { for: "slip-number" }, words.slip_number), number, transfer);
  codes.addEventListener("change", onCode);
  onCode();
  /** Only what was filled in; null where the code needs no slip. */
  const papers = () => {
    if (codes.value === "1.5") return { revisit_slip: true, ...(number.value.trim() ? { revisit_number: number.value } : {}) };
    if (codes.value !== "1.3") return null;
    return {
      transfer_slip: true,
      transfer_for_a_year: forAYear.checked,
      ...(number.value.trim() ? { transfer_number: number.value } : {}),
      ...(signedOn.value ? { transfer_signed_on: signedOn.value } : {}),
    };
  };
  const send = (pressed, body) =>
    press(pressed, "POST", `/visits/${visit.id}/category`, { version: visit.version, ...body }, async (answer) => {
      if (answer.ok) choosingFor = null;
      // What was typed stays for another try.
      if (answer.code !== "slip_not_valid") await after(words.done.category)(answer);
    });
  return el(
    "section",
    { class: "part category", "aria-label": words.category_title },
    el("h3", {}, words.category_title),
    el("p", {}, code ? el("b", {}, `${code} · ${say(title)}`) : words.category_unknown),
    el("p", { class: "soft" }, [code ? state : null, reason ? words.category_whys[reason] : null].filter(Boolean).join(" · ")),
    code && !confirmed ? el("div", { class: "answers" }, button(words.category_confirm, (pressed) => send(pressed, { code, reason: "as_proposed" }))) : null,
    el(
      "details",
      { open: choosingFor === visit.id, on: { toggle: (event) => (choosingFor = event.currentTarget.open ? visit.id : null) } },
      el("summary", {}, words.category_choose),
      el("label", { for: "category-code" }, words.category_title),
      codes,
      el("label", { for: "category-reason" }, words.category_why),
      reasons,
      slip,
      button(words.category_change, (pressed) => send(pressed, { code: codes.value, reason: reasons.value, papers: papers() }), { class: "quiet" }),
    ),
    evidence ? el("p", {}, el("a", { href: `/staff/reception/visits/${visit.id}/evidence`, target: "_blank", rel: "noopener" }, `${words.evidence_link} (${evidence})`)) : null,
  );
}

const decide = (visit, what, body, text, options = {}) =>
  button(text, (pressed) => press(pressed, "POST", `/visits/${visit.id}/${what}`, { version: visit.version, ...body }, after(words.done[what])), options);

const after = (sentence) => async (answer) => {
  if (answer.ok) tell(sentence, "good");
  await again();
};

/** Lowering is asked for first: its reasons come with a second press. */
function lowerChoices(visit) {
  const holder = el("div", { class: "answers" });
  holder.append(
    button(
      words.lower_priority,
      () => {
        holder.replaceChildren(
          el("p", { class: "soft" }, words.lower_why),
          ...["no_papers", "not_eligible", "patient_withdrew", "mistake"].map((reason) =>
            decide(visit, "priority", { reason }, words.priority_reasons[reason], { class: "quiet" }),
          ),
        );
        holder.querySelector("button").focus();
      },
      { class: "quiet" },
    ),
  );
  return holder;
}

const resumeButton = (visit, step) =>
  button(words.resume, (pressed) => press(pressed, "POST", `/visits/${visit.id}/resume`, { step_id: step.id, version: step.version }, after(words.done.missed)), {});

function wayPart(visit) {
  return el(
    "section",
    { class: "part" },
    el("h3", {}, words.way_title),
    el(
      "ol",
      { class: "way" },
      visit.steps.map((step) =>
        el(
          "li",
          { class: `state-${step.state}` },
          el("b", {}, say(step.service)),
          step.room ? ` · ${say(step.room)}` : "",
          el("span", { class: "state" }, words.states[step.state]),
          step.state === "hold" && (step.hold_reason === "staff" || step.hold_reason === "stepped_out") ? resumeButton(visit, step) : null,
        ),
      ),
    ),
  );
}

// --- what the HIS has ----------------------------------------------------------------------------

/** Asked for by a press, and gone with the next drawing: what stood here a while ago is no answer. */
function hisPart(visit) {
  const part = el("section", { class: "part his", "aria-live": "polite" });
  part.append(
    el("h3", {}, words.his.title),
    button(words.his.ask, async () => {
      const answer = await ask("GET", `/visits/${visit.id}/his`);
      if (!answer.ok) return tell(answer.sentence);
      const rows = answer.data.items.filter((each) => each.source !== "not_offered");
      part.replaceChildren(
        el("h3", {}, words.his.title),
        rows.length ? el("dl", { class: "his-facts" }, rows.flatMap(hisRow)) : el("p", { class: "soft" }, words.his.unknown),
      );
      return null;
    }, { class: "quiet" }),
  );
  return part;
}

function hisRow({ kind, source, at, age, facts }) {
  const told = source === "silent" ? words.his.silent : fill(words.his.facts[kind][hisCase(kind, facts)], facts);
  const when = source === "copy" ? fill(words.his.copy, { time: age }) : source === "live" ? fill(words.his.live, { time: clock(at) }) : "";
  return [el("dt", {}, words.his.kinds[kind]), el("dd", {}, told, when ? el("span", { class: "soft" }, ` · ${when}`) : null)];
}

/** Which of its sentences a kind says. */
function hisCase(kind, facts) {
  const none = { history: facts.visits === 0, registration: facts.record_code === null, results: facts.released === 0, payment: facts.due === false, einvoice: facts.issued === 0 };
  return none[kind] ? "none" : "some";
}

// --- merging -------------------------------------------------------------------------------------

function mergePart(opened) {
  const part = el("section", { class: "part merge" });
  part.append(button(words.merge_start, () => askOther(part, opened), { class: "quiet" }));
  return part;
}

function askOther(part, opened) {
  const box = el("input", { type: "search", id: "merge-text", autocomplete: "off", maxlength: "1000" });
  const results = el("div", { class: "merge-results", "aria-live": "polite" });
  const form = el(
    "form",
    {
      on: {
        submit: async (event) => {
          event.preventDefault();
          const answer = await ask("POST", "/visits/search", { body: { text: box.value } });
          if (!answer.ok) return tell(answer.sentence);
          const others = answer.data.items.filter((each) => each.visit.id !== opened.visit.id && each.person);
          results.replaceChildren(
            ...(others.length ? others.map((each) => visitRow(each.visit, each.person, () => preview(part, opened, each))) : [el("p", { class: "empty" }, words.found_none)]),
          );
          return null;
        },
      },
    },
    el("label", { for: "merge-text" }, words.merge_find),
    el("div", { class: "line" }, box, el("button", { class: "quiet" }, words.search_button)),
  );
  part.replaceChildren(el("h3", {}, words.merge_title), form, results, button(words.cancel, () => part.replaceWith(mergePart(opened)), { class: "quiet small" }));
  box.focus();
}

const mergeBody = (opened, other, confirmed) => ({
  keep: { visit_id: opened.visit.id, version: opened.visit.version },
  other: { visit_id: other.visit.id, version: other.visit.version },
  confirmed,
});

/** What would happen is shown first; only the second press does it. */
async function preview(part, opened, other) {
  const answer = await press(part.querySelector("button"), "POST", "/people/merge", mergeBody(opened, other, false));
  if (!answer.ok) {
    if (answer.code === "changed_meanwhile") await again();
    return;
  }
  const card = (title, visit, person) =>
    el("div", { class: "merge-card" }, el("p", { class: "soft" }, title), el("b", {}, person.full_name), el("p", {}, `${birthText(person.birth_date)} · ${visit.number}`));
  const { cancelled, same_name: sameName, same_birth_date: sameBirth } = answer.data;
  part.replaceChildren(
    el("h3", {}, words.merge_sure),
    el("div", { class: "merge-pair" }, card(words.merge_keep, opened.visit, opened.person), card(words.merge_other, other.visit, other.person)),
    sameName && sameBirth ? null : el("p", { class: "wrong" }, words.merge_differs),
    cancelled.length ? el("p", {}, fill(words.merge_cancels, { numbers: cancelled.join(", ") })) : null,
    el("p", { class: "soft" }, words.merge_no_undo),
    el(
      "div",
      { class: "answers" },
      button(words.merge_confirm, (pressed) => press(pressed, "POST", "/people/merge", mergeBody(opened, other, true), after(words.done.merge)), { class: "danger" }),
      button(words.cancel, () => part.replaceWith(mergePart(opened)), { class: "quiet" }),
    ),
  );
}
