// Questions before an act: why, where to, how long. One native dialog; focus goes back by itself.
import { fill, h } from "./console_view.js";

const STEP_REASONS = {
  miss: ["no_answer", "patient_asked", "condition", "other"],
  call: ["condition", "doctor_asked", "patient_asked", "mistake", "other"],
  emergency: ["condition", "doctor_asked", "other"],
  leave: ["patient_asked", "no_answer", "papers", "other"],
  transfer: ["wrong_room", "balance", "doctor_asked", "patient_asked", "room_closed", "other"],
};
const PAUSE_REASONS = ["break", "emergency", "meeting", "equipment", "staff_away", "other"];
const CLOSE_REASONS = ["end_of_day", "equipment", "staff_away", "other"];
const PAUSE_MINUTES = [5, 10, 15, 30, 60];
const TESTS = new Set(["laboratory", "imaging"]);
const KINDS = ["laboratory", "imaging", "examination", "cashier", "pharmacy", "reception"];

const plain = (text) => text.toLowerCase().replaceAll("đ", "d").normalize("NFD").replace(/\p{Diacritic}/gu, "");

export class Dialogs {
  constructor(facts) {
    this.words = facts.words;
    this.room = facts.room;
    this.lang = facts.lang;
    this.dialog = document.getElementById("dialog");
    this.dialog.addEventListener("close", () => this.#closed());
    // Holding a key down presses nothing twice in here either.
    this.dialog.addEventListener("keydown", (event) => {
      if (event.repeat && (event.key === "Enter" || event.key === " ") && event.target.tagName === "BUTTON") event.preventDefault();
    });
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Shows `content`; the answer is what `answer(value)` was called with, or null. */
  #ask(title, content, { wide = false } = {}) {
    const back = document.activeElement;
    this.result = null;
    this.dialog.className = wide ? "wide" : "";
    this.dialog.replaceChildren(
      h("div", { class: "dialog-head" }, h("h2", { id: "dialog-title" }, title)),
      ...content,
    );
    this.dialog.showModal();
    return new Promise((resolve) => {
      this.resolve = (value) => {
        const again = back?.isConnected ? back : document.querySelector(`[data-focus="${back?.dataset?.focus}"]`);
        (again ?? document.getElementById("act-next"))?.focus();
        resolve(value);
      };
    });
  }

  #answer(value) {
    this.result = value;
    this.dialog.close();
  }

  #closed() {
    const { resolve } = this;
    this.resolve = null;
    resolve?.(this.result);
  }

  #foot(...buttons) {
    return h("div", { class: "dialog-foot" },
      h("button", { class: "quiet", type: "button", onclick: () => this.dialog.close() }, this.words.dialogs.cancel), ...buttons);
  }

  #choices(values, words, choose) {
    return h("div", { class: "choices" },
      values.map((value) => h("button", { class: "choice", type: "button", "data-value": value, onclick: () => choose(value) }, words[value])));
  }

  /** The reason for an act on a ticket, or null. */
  reason(act, step) {
    const { words } = this;
    return this.#ask(fill(words.dialogs[act], { number: step.number }), [
      h("p", { class: "soft" }, words.choose_reason),
      this.#choices(STEP_REASONS[act], words.reasons, (value) => this.#answer(value)),
      this.#foot(),
    ]);
  }

  /** Which act, of those that fit the ticket. */
  more(step, acts) {
    return this.#ask(fill(this.words.dialogs.more, { number: step.number }), [
      this.#choices(acts, this.words.acts, (value) => this.#answer(value)),
      this.#foot(),
    ]);
  }

  pause() {
    const { words } = this;
    let minutes = 10;
    const spans = h("div", { class: "spans", role: "group", "aria-label": words.dialogs.pause_minutes },
      [...PAUSE_MINUTES, null].map((span) => h("button", {
        class: "span", type: "button", "aria-pressed": String(span === minutes),
        onclick: (event) => {
          minutes = span;
          for (const each of spans.children) each.setAttribute("aria-pressed", String(each === event.target));
        },
      }, span === null ? words.dialogs.pause_open_end : fill(words.waited, { minutes: span }))));
    return this.#ask(words.dialogs.pause, [
      h("p", { class: "soft" }, words.dialogs.pause_minutes), spans,
      h("p", { class: "soft" }, words.choose_reason),
      this.#choices(PAUSE_REASONS, words.room_reasons, (reason) => this.#answer({ reason, minutes })),
      this.#foot(),
    ]);
  }

  close(waiting) {
    const { words } = this;
    return this.#ask(words.dialogs.close_room, [
      waiting > 0 ? h("p", { class: "warn-text" }, fill(words.dialogs.close_waiting, { count: waiting })) : "",
      h("p", { class: "soft" }, words.choose_reason),
      this.#choices(CLOSE_REASONS, words.room_reasons, (value) => this.#answer(value)),
      this.#foot(),
    ]);
  }

  /** A list that narrows while somebody types. `items`: {text, node}. */
  #filtered(items) {
    const list = h("div", { class: "pick-list" }, items.map(({ node }) => node));
    const input = h("input", { type: "search", placeholder: this.words.dialogs.find, "aria-label": this.words.dialogs.find, autocomplete: "off" });
    input.addEventListener("input", () => {
      const wanted = plain(input.value.trim());
      for (const { text, node } of items) node.hidden = !plain(text).includes(wanted);
    });
    return items.length > 8 ? [input, list] : [list];
  }

  doctor(doctors, chosen) {
    const { words } = this;
    const pick = (id, name) => ({
      text: name,
      node: h("button", { class: "pick", type: "button", "aria-pressed": String(id === (chosen ?? "")), onclick: () => this.#answer({ id }) }, name),
    });
    return this.#ask(words.dialogs.doctor, [
      ...this.#filtered([pick("", words.dialogs.doctor_nobody), ...doctors.map((each) => pick(each.id, each.name))]),
      this.#foot(),
    ]);
  }

  #roomText(room) {
    const state = room.state === "open" ? "" : ` · ${this.words.room_states[room.state]}`;
    return `${room.code} · ${room.name[this.lang]} · ${fill(this.words.dialogs.room_waiting, { count: room.waiting })}${state}`;
  }

  /** {room_id, service_id, reason} or null. Room, service and reason are chosen in three presses. */
  transfer(step, services) {
    const { words } = this;
    const offered = services.filter((service) => service.rooms.some((room) => room.id !== this.room));
    const own = offered.find((service) => service.id === step.service_id);
    let service = own ?? offered[0];
    let room = null;
    const rooms = h("div", { class: "pick-list rooms-list" });
    const reasons = h("div", { class: "choices" });
    const draw = () => {
      const others = (service?.rooms ?? []).filter((each) => each.id !== this.room);
      rooms.replaceChildren(...others.map((each) => h("button", {
        class: "pick", type: "button", "aria-pressed": String(each.id === room), disabled: each.state === "closed",
        onclick: () => { room = each.id; draw(); reasons.querySelector("button")?.focus(); },
      }, this.#roomText(each))));
      if (others.length === 0) rooms.replaceChildren(h("p", { class: "soft" }, words.dialogs.no_rooms));
      for (const button of reasons.children) button.disabled = room === null;
    };
    const select = h("select", { id: "transfer-service", onchange: () => { service = offered.find((each) => each.id === select.value); room = null; draw(); } },
      offered.map((each) => h("option", { value: each.id, selected: each === service }, each.name[this.lang])));
    reasons.replaceChildren(...STEP_REASONS.transfer.map((reason) =>
      h("button", { class: "choice", type: "button", "data-value": reason, onclick: () => this.#answer({ room_id: room, service_id: service.id === step.service_id ? null : service.id, reason }) }, words.reasons[reason])));
    draw();
    return this.#ask(fill(words.dialogs.transfer, { number: step.number }), [
      h("p", { class: "soft" }, words.dialogs.transfer_keep),
      h("label", { for: "transfer-service" }, h("span", { class: "soft" }, words.dialogs.service), select),
      h("p", { class: "soft" }, words.dialogs.room), rooms,
      h("p", { class: "soft" }, words.choose_reason), reasons,
      this.#foot(),
    ], { wide: true });
  }

  /** {to: [{service_id, room_id}], come_back} in the order chosen, or null. `kinds` come first. */
  sendOn(step, services, kinds) {
    const { words } = this;
    const chosen = [];
    const list = h("ol", { class: "chosen" });
    const back = h("input", { type: "checkbox", id: "come-back" });
    let backTouched = false;
    back.addEventListener("change", () => { backTouched = true; });
    const send = h("button", { type: "button", id: "send", onclick: () => this.#answer({
      to: chosen.map(({ service, room_id }) => ({ service_id: service.id, room_id })), come_back: back.checked,
    }) }, words.dialogs.send);
    const draw = () => {
      send.disabled = chosen.length === 0;
      if (!backTouched) back.checked = chosen.some(({ service }) => TESTS.has(service.kind));
      list.replaceChildren(...chosen.map((each, index) => h("li", {},
        h("span", { class: "chosen-name" }, h("b", {}, each.service.name[this.lang]), this.#roomSelect(each)),
        index > 0 ? h("button", { class: "quiet small", type: "button", "aria-label": `${words.dialogs.up}: ${each.service.name[this.lang]}`, onclick: () => { chosen.splice(index - 1, 0, ...chosen.splice(index, 1)); draw(); } }, "↑") : null,
        h("button", { class: "quiet small", type: "button", "aria-label": `${words.dialogs.remove}: ${each.service.name[this.lang]}`, onclick: () => { chosen.splice(index, 1); draw(); } }, "✕"))));
      if (chosen.length === 0) list.replaceChildren(h("li", { class: "empty" }, words.dialogs.send_on_none));
      for (const node of picks.values()) node.setAttribute("aria-pressed", "false");
      for (const { service } of chosen) picks.get(service.id)?.setAttribute("aria-pressed", "true");
    };
    const picks = new Map();
    const order = [...kinds, ...KINDS.filter((kind) => !kinds.includes(kind))];
    const sorted = services
      .filter((service) => service.id !== step.service_id && service.rooms.some((room) => room.state !== "closed"))
      .sort((one, other) => order.indexOf(one.kind) - order.indexOf(other.kind));
    const items = sorted.map((service) => {
      const node = h("button", { class: "pick", type: "button", "aria-pressed": "false", "data-kind": service.kind, onclick: () => {
        const index = chosen.findIndex((each) => each.service === service);
        if (index >= 0) chosen.splice(index, 1);
        else if (chosen.length < 8) chosen.push({ service, room_id: null });
        draw();
      } }, h("span", {}, service.name[this.lang]), h("span", { class: "soft" }, words.kinds[service.kind] ?? ""));
      picks.set(service.id, node);
      return { text: `${service.name.vi} ${service.name.en} ${words.kinds[service.kind] ?? ""}`, node };
    });
    // One place of the kind that was asked for: it is chosen already.
    const asked = sorted.filter((service) => kinds.includes(service.kind));
    if (asked.length === 1) chosen.push({ service: asked[0], room_id: null });
    draw();
    return this.#ask(fill(words.dialogs.send_on, { number: step.number }), [
      h("div", { class: "send-on" },
        h("div", { class: "send-on-from" }, ...this.#filtered(items)),
        h("div", { class: "send-on-to" }, h("p", { class: "soft" }, words.dialogs.send_on_order), list,
          h("label", { class: "check", for: "come-back" }, back, h("span", {}, words.dialogs.send_on_back)))),
      this.#foot(send),
    ], { wide: true });
  }

  #roomSelect(each) {
    const { words } = this;
    const rooms = each.service.rooms.filter((room) => room.state !== "closed");
    if (each.service.pooled || rooms.length < 2) return h("span", { class: "soft" }, rooms.map((room) => room.code).join(", "));
    const select = h("select", { "aria-label": words.dialogs.room, onchange: () => { each.room_id = select.value || null; } },
      h("option", { value: "" }, words.dialogs.any_room),
      rooms.map((room) => h("option", { value: room.id, selected: room.id === each.room_id }, this.#roomText(room))));
    return select;
  }

  keys(rows) {
    return this.#ask(this.words.dialogs.keys, [
      h("dl", { class: "keys" }, rows.flatMap(([keys, text]) => [h("dt", {}, keys.map((key) => h("kbd", {}, key))), h("dd", {}, text)])),
      h("div", { class: "dialog-foot" }, h("button", { type: "button", autofocus: true, onclick: () => this.dialog.close() }, this.words.dialogs.close)),
    ]);
  }
}
