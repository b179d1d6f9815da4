// Registering at the desk, one question at a time: who, what for, the rest, the number.
"use strict";

import { ask, birthText, button, el, fill, hush, lang, newKey, say, settings, show, tell, words } from "./reception_base.js";
import { refresh } from "./reception_list.js";
import { openVisit } from "./reception_visit.js";
import { printPanel } from "./reception_print.js";

let draft = null;

/** A new person, or one whom a kiosk guided here with what they had chosen. */
export function register(from = {}) {
  draft = {
    scan: from.scan ?? null,
    hint: from.hint ?? null,
    noticeAt: null,
    kind: from.chosen?.visit_kind ?? "new",
    serviceId: from.chosen?.service_id ?? null,
    alsoServiceId: from.chosen?.also_service_id ?? null,
    doctorId: from.chosen?.doctor_id ?? null,
    slotId: from.chosen?.slot_id ?? null,
    appointmentId: from.chosen?.appointment_id ?? null,
    priority: from.chosen?.priority_group ?? null,
    insurance: from.chosen?.use_insurance ?? Boolean(from.scan?.coverage),
    papers: from.chosen?.papers ?? {},
    services: null,
    key: null,
    /** A number that waits for its person: it is kept instead of taking a new one. */
    joins: from.joins ?? null,
  };
  if (!draft.scan?.person) who();
  else if (draft.serviceId) rest();
  else what();
}

const stepHead = (at, title) =>
  el(
    "header",
    { class: "step-head" },
    draft.joins ? el("p", { class: "hint" }, fill(words.joins, { number: draft.joins.number })) : null,
    el("p", { class: "soft" }, fill(words.step_of, { at, of: 3 })),
    el("h2", { tabindex: "-1" }, title),
    draft.hint ? el("p", { class: "hint" }, draft.hint) : null,
  );

const field = (name, label, input, hint) =>
  el("div", { class: "field" }, el("label", { for: name }, label), input, hint ? el("p", { class: "soft" }, hint) : null);

const input = (id, options = {}) => el("input", { id, name: id, autocomplete: "off", ...options });

// --- who ---------------------------------------------------------------------------------------

function who(problem = null) {
  const text = input("who-text", { maxlength: "4096", spellcheck: "false", "data-focus": true, autocapitalize: "characters" });
  const born = field("who-born", words.birth_date, input("who-born", { placeholder: words.birth_hint, inputmode: "numeric", maxlength: "10" }));
  born.hidden = true;
  const said = el("p", { class: "wrong", role: "alert", hidden: true });
  const complain = (sentence) => {
    said.textContent = sentence;
    said.hidden = false;
  };
  if (problem) complain(problem);
  const form = el(
    "form",
    {
      class: "stack",
      on: {
        submit: async (event) => {
          event.preventDefault();
          const value = text.value.trim();
          if (!value) return;
          const send = form.querySelector("button");
          send.disabled = true;
          await scan(value, born, complain);
          send.disabled = false;
        },
      },
    },
    field("who-text", words.who_scan, text, words.who_scan_hint),
    born,
    said,
    el("button", {}, words.go_on),
  );
  show(stepHead(1, words.who_title), noticeBox(), form, el("div", { class: "or" }, words.or), button(words.no_papers, () => describe(), { class: "quiet wide" }));
}

/** The notice comes before a person's data are used; nothing is ticked beforehand. */
function noticeBox() {
  const box = el("input", { type: "checkbox", id: "notice", on: { change: () => (draft.noticeAt = box.checked ? new Date().toISOString() : null) } });
  box.checked = draft.noticeAt !== null;
  return el(
    "div",
    { class: "notice-box" },
    el("details", {}, el("summary", {}, words.notice_title), el("p", {}, settings.notice[lang])),
    el("label", { class: "check", for: "notice" }, box, words.notice_told),
  );
}

const notice = () => (draft.noticeAt ? { version: settings.notice.version, language: lang, accepted_at: draft.noticeAt } : null);

const toBase64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** dd/mm/yyyy, mm/yyyy or a year → ISO; null for anything else. */
export function toIso(written) {
  const parts = written.trim().split(/[/.\- ]+/);
  const year = parts.at(-1);
  if (!/^\d{4}$/.test(year) || parts.length > 3 || parts.some((part) => !/^\d+$/.test(part))) return null;
  return [year, ...parts.slice(0, -1).reverse().map((part) => part.padStart(2, "0"))].join("-");
}

async function scan(value, born, complain) {
  const birthDate = born.hidden ? null : toIso(born.querySelector("input").value);
  if (!born.hidden && !birthDate) return complain(words.birth_wrong);
  const isTyped = /^[0-9A-Za-z]{4,20}$/.test(value);
  // A scanner that types loses Vietnamese letters unless the computer helps it: then they are there.
  const isLossy = /^[\x00-\x7f]*$/.test(value);
  const body = isTyped
    ? { typed: { number: value, birth_date: birthDate }, source: "typed", notice: notice(), language: lang }
    : { payload_base64: toBase64(value), birth_date: birthDate, source: "hid", lossy: isLossy && value.includes("|"), notice: notice(), language: lang };
  const answer = await ask("POST", "/scans", { body });
  if (!answer.ok) return complain(answer.sentence);
  return took(answer.data, born, complain);
}

function took(reply, born, complain) {
  if (reply.outcome === "ask_notice") return complain(words.notice_first);
  if (reply.outcome === "ask_birth_date" && born) {
    born.hidden = false;
    born.querySelector("input").focus();
    return complain(words.ask_birth_date);
  }
  if (reply.outcome === "ticket") return openVisit(reply.visits[0].id);
  if (!reply.person) return complain(words.not_found_describe);
  draft.scan = reply;
  draft.hint = null;
  // Without a number nobody could be asked; whoever has a card all the same says so to the desk.
  draft.insurance = Boolean(reply.coverage);
  return reply.visits.length ? existing() : what();
}

/** Somebody who has a number already: that one is shown, another service stays possible. */
function existing() {
  const { person, visits } = draft.scan;
  show(
    stepHead(1, words.has_number),
    personLine(person),
    ...visits.map((visit) => button(`${visit.number} · ${say(visit.steps[0].service)}`, () => openVisit(visit.id), { class: "wide", "data-focus": true })),
    button(words.other_service, () => what(), { class: "quiet wide" }),
  );
}

const personLine = (person) =>
  el(
    "div",
    { class: "person-line" },
    el("b", {}, person.full_name),
    el("span", { class: "soft" }, [birthText(person.birth_date), person.gender ? words.genders[person.gender] : null, person.masked_number].filter(Boolean).join(" · ")),
    draft.scan.warnings.includes("W_RECORD_IN_DOUBT") ? el("p", { class: "wrong" }, words.record_in_doubt) : null,
  );

// --- without papers ------------------------------------------------------------------------------

function describe() {
  const said = el("p", { class: "wrong", role: "alert", hidden: true });
  const complain = (sentence) => {
    said.textContent = sentence;
    said.hidden = false;
  };
  const gender = el(
    "div",
    { class: "choices", role: "radiogroup", "aria-label": words.gender },
    ["female", "male"].map((each) => el("label", { class: "choice" }, el("input", { type: "radio", name: "gender", value: each }), words.genders[each])),
  );
  const relation = el("select", { id: "relation", name: "relation" }, el("option", { value: "" }, words.nobody_with), Object.entries(words.relations).map(([code, text]) => el("option", { value: code }, text)));
  const guardianPhone = field("guardian-phone", words.guardian_phone, input("guardian-phone", { type: "tel", maxlength: "16" }));
  guardianPhone.hidden = true;
  relation.addEventListener("change", () => (guardianPhone.hidden = relation.value === ""));
  const form = el(
    "form",
    { class: "stack", novalidate: true },
    field("full-name", words.full_name, input("full-name", { maxlength: "100", "data-focus": true })),
    field("born", words.birth_date, input("born", { placeholder: words.birth_hint, inputmode: "numeric", maxlength: "10" }), words.birth_year_ok),
    gender,
    field("phone", words.phone, input("phone", { type: "tel", maxlength: "16" })),
    field("number", words.paper_number, input("number", { maxlength: "40" }), words.paper_number_hint),
    field("relation", words.with_whom, relation),
    guardianPhone,
    el("label", { class: "check", for: "papers-seen" }, el("input", { type: "checkbox", id: "papers-seen" }), words.papers_were_seen),
    said,
    el("button", {}, words.go_on),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const value = (id) => form.querySelector(`#${id}`).value.trim();
    const birthDate = toIso(value("born"));
    if (!value("full-name")) return complain(words.name_missing);
    if (!birthDate) return complain(words.birth_wrong);
    if (relation.value && !value("guardian-phone")) return complain(words.guardian_phone_missing);
    const send = form.querySelector("button");
    send.disabled = true;
    const answer = await ask("POST", "/people/describe", {
      body: {
        full_name: value("full-name"),
        birth_date: birthDate,
        gender: form.querySelector("input[name=gender]:checked")?.value ?? null,
        phone: value("phone") || null,
        number: value("number") || null,
        papers_seen: form.querySelector("#papers-seen").checked,
        notice: notice(),
        on_behalf: relation.value ? { relation: relation.value, phone: value("guardian-phone") } : null,
      },
    });
    send.disabled = false;
    if (!answer.ok) return complain(answer.code === "validation_failed" ? words.describe_wrong : answer.sentence);
    return took(answer.data, null, complain);
  });
  show(stepHead(1, words.describe_title), noticeBox(), form, button(words.back_to_scan, () => who(), { class: "quiet" }));
}

// --- what for --------------------------------------------------------------------------------------

async function what() {
  const answer = await ask("GET", `/services?${new URLSearchParams({ scan_id: draft.scan.scan_id, visit_kind: draft.kind })}`);
  if (!answer.ok) {
    if (answer.code === "scan_expired") return who(answer.sentence);
    return tell(answer.sentence);
  }
  draft.services = answer.data.items;
  const results = el("div", { class: "services" });
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/gi, "d").toLowerCase();
  const fillIn = (wanted) => {
    const shown = draft.services.filter((each) => each.availability !== "not_for_you" && plain(`${each.name.vi} ${each.name.en} ${each.department.name.vi} ${each.code}`).includes(plain(wanted)));
    results.replaceChildren(...shown.map(serviceRow));
    if (!shown.length) results.append(el("p", { class: "empty" }, words.no_service));
  };
  const filter = input("service-filter", { type: "search", placeholder: words.service_filter, "aria-label": words.service_filter, "data-focus": true });
  filter.addEventListener("input", () => fillIn(filter.value));
  fillIn("");
  const kinds = el(
    "div",
    { class: "choices", role: "group", "aria-label": words.kind_title },
    settings.visit_kinds.map((kind) =>
      button(say(kind), () => {
        draft.kind = kind.code;
        what();
      }, { class: "quiet small", "aria-pressed": String(kind.code === draft.kind) }),
    ),
  );
  return show(stepHead(2, words.what_title), personLine(draft.scan.person), ...bookings(), kinds, filter, results);
}

/** Bookings that can be used now stand before everything else. */
const bookings = () =>
  draft.scan.appointments
    .filter((each) => each.can_arrive)
    .map((each) =>
      button(fill(words.use_booking, { service: say(each.service) }), () => {
        draft.serviceId = each.service_id;
        draft.appointmentId = each.id;
        rest();
      }, { class: "wide" }),
    );

function serviceRow(service) {
  const isOpen = service.availability === "open";
  return el(
    "button",
    { type: "button", class: "desk-row", disabled: !isOpen, on: { click: () => pick(service) } },
    el("span", { class: "what" }, el("b", {}, say(service.name)), el("span", { class: "soft" }, [say(service.department.name), service.rooms.map((room) => room.code).join(", ")].filter(Boolean).join(" · "))),
    el("span", { class: "aside" }, isOpen ? fill(words.waiting, { count: service.waiting }) : words.availability[service.availability]),
  );
}

function pick(service) {
  draft.serviceId = service.id;
  draft.alsoServiceId = draft.doctorId = draft.slotId = draft.appointmentId = null;
  rest();
}

// --- the rest, then the number -------------------------------------------------------------------------

async function rest() {
  if (!draft.services) {
    const answer = await ask("GET", `/services?${new URLSearchParams({ scan_id: draft.scan.scan_id })}`);
    if (!answer.ok) return answer.code === "scan_expired" ? who(answer.sentence) : tell(answer.sentence);
    draft.services = answer.data.items;
  }
  const service = draft.services.find((each) => each.id === draft.serviceId);
  if (!service) return what();
  const priority = el(
    "select",
    { id: "priority", on: { change: () => (draft.priority = priority.value || null) } },
    el("option", { value: "" }, words.no_priority),
    settings.priority_groups.map((group) => el("option", { value: group.code }, say(group))),
  );
  priority.value = draft.priority ?? "";
  const insured = draft.scan.coverage?.outcome !== "none";
  const send = button(draft.joins ? words.keep_number : words.take_number, take, { class: "wide main", "data-focus": true });
  return show(
    stepHead(3, words.rest_title),
    personLine(draft.scan.person),
    el("div", { class: "chosen" }, el("p", { class: "soft" }, words.chosen_service), el("b", {}, say(service.name)), button(words.change, () => what(), { class: "quiet small" })),
    await doctorField(service),
    draft.scan.priority?.group ? el("p", { class: "hint" }, words.priority_by_age) : field("priority", words.priority_title, priority),
    insured ? checkBox("insurance", words.use_insurance, draft.insurance, (value) => (draft.insurance = value)) : null,
    draft.scan.coverage?.provisional ? el("p", { class: "soft" }, words.coverage_later) : null,
    checkBox("transfer", words.transfer_slip, draft.papers.transfer_slip === true, (value) => (draft.papers = { ...draft.papers, transfer_slip: value })),
    checkBox("revisit", words.revisit_slip, draft.papers.revisit_slip === true, (value) => (draft.papers = { ...draft.papers, revisit_slip: value })),
    send,
  );
}

function checkBox(id, text, checked, onChange) {
  const box = el("input", { type: "checkbox", id, on: { change: () => onChange(box.checked) } });
  box.checked = checked;
  return el("label", { class: "check", for: id }, box, text);
}

async function doctorField(service) {
  if (draft.appointmentId) return null;
  const wanted = new URLSearchParams({ service_id: service.id });
  const [doctors, slots] = await Promise.all([service.by_doctor ? ask("GET", `/doctors?${wanted}`) : null, service.by_hour ? ask("GET", `/slots?${wanted}`) : null]);
  const parts = [];
  if (doctors?.ok && doctors.data.items.length) {
    const choice = el(
      "select",
      { id: "doctor", on: { change: () => (draft.doctorId = choice.value || null) } },
      el("option", { value: "" }, words.any_doctor),
      doctors.data.items.map((each) => el("option", { value: each.id, disabled: each.availability !== "open" }, `${each.title} ${each.name} (${fill(words.waiting, { count: each.waiting })})`)),
    );
    choice.value = draft.doctorId ?? "";
    parts.push(field("doctor", words.doctor, choice));
  }
  if (slots?.ok && slots.data.items.length) {
    const choice = el(
      "select",
      { id: "slot", on: { change: () => (draft.slotId = choice.value || null) } },
      el("option", { value: "" }, words.no_hour),
      slots.data.items.map((each) => el("option", { value: each.id }, each.start.slice(11, 16))),
    );
    choice.value = draft.slotId ?? "";
    parts.push(field("slot", words.hour, choice));
  }
  return parts.length ? el("div", { class: "stack" }, parts) : null;
}

/** The key belongs to the wish: pressing again after a lost answer gives the same number. */
async function take(pressed) {
  const body = {
    scan_id: draft.scan.scan_id,
    visit_kind: draft.kind,
    service_id: draft.serviceId,
    also_service_id: draft.alsoServiceId,
    doctor_id: draft.doctorId,
    slot_id: draft.slotId,
    appointment_id: draft.appointmentId,
    priority_group: draft.priority,
    use_insurance: draft.insurance,
    papers: draft.papers,
    language: lang,
  };
  if (draft.joins) body.version = draft.joins.version;
  const wish = JSON.stringify(body);
  if (draft.wish !== wish) Object.assign(draft, { wish, key: newKey() });
  pressed.disabled = true;
  hush();
  const answer = await ask("POST", draft.joins ? `/visits/${draft.joins.id}/name` : "/visits", { body, key: draft.key });
  pressed.disabled = false;
  if (!answer.ok) {
    if (answer.code === "scan_expired") return who(answer.sentence);
    return tell(answer.sentence);
  }
  refresh();
  return done(answer.data);
}

function done(visit) {
  const ticket = visit.ticket;
  show(
    el("p", { class: "soft center" }, visit.existing ? words.had_number : words.number_taken),
    el("p", { class: "big-number center", tabindex: "-1", "data-focus": true }, visit.number),
    el("p", { class: "center" }, el("b", {}, ticket.room), ticket.floor ? ` · ${words.floor_word} ${ticket.floor}` : ""),
    el("p", { class: "center" }, ticket.next),
    ...ticket.notes.map((note) => el("p", { class: "hint center" }, note)),
    printPanel(visit.id, [], () => openVisit(visit.id)),
    el("div", { class: "answers" }, button(words.next_person, () => register(), {}), button(words.open_visit, () => openVisit(visit.id), { class: "quiet" })),
  );
}
