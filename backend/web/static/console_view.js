// Draws a room. Texts of people and of the hospital go in as text, never as markup.

/** An element; `null` children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name.startsWith("data-") || name.startsWith("aria-") || name === "for" || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const fill = (text, values = {}) =>
  text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

export class View {
  /** `acts` is what a row's button does: {more(step), act(step, kind)}. */
  constructor(facts, acts) {
    this.words = facts.words;
    this.lang = facts.lang;
    this.zone = facts.zone;
    this.acts = acts;
    this.ticks = [];
    this.drawn = null; // what the panel of the current number shows
    this.at = (id) => document.getElementById(id);
    this.time = new Intl.DateTimeFormat("vi-VN", { timeZone: this.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  }

  clock(moment) {
    return this.time.format(Date.parse(moment));
  }

  minutes(moment, now) {
    return Math.max(0, Math.floor((now() - Date.parse(moment)) / 60_000));
  }

  lane(lane) {
    return h("span", { class: `lane lane-${lane}`, title: this.words.lanes[lane] ?? lane }, lane);
  }

  /** Why this ticket comes where it does. */
  reason(step, rules) {
    const values = {
      minutes: rules.guard_min?.[step.lane] ?? "",
      count: step.order === "after_results" ? rules.results_in_a_row : rules.priority_in_a_row,
    };
    return fill(this.words.orders[step.order] ?? "", values);
  }

  notes(step) {
    return [
      ...step.notes.map((note) => h("span", { class: "chip note" }, this.words.notes[note] ?? note)),
      ...(step.preparation ?? []).map((words) => h("span", { class: "chip note" }, words[document.documentElement.lang] ?? words.vi)),
    ];
  }

  /** Runs now and every second, until the next drawing of the same part. */
  every(part, update) {
    update();
    this.ticks.push({ part, update });
  }

  restart(part) {
    this.ticks = this.ticks.filter((tick) => tick.part !== part);
  }

  tick() {
    for (const { update } of this.ticks) update();
  }

  room(state, now) {
    const { words } = this;
    this.at("doctor").textContent = state.doctor ?? words.doctor_none;
    const chip = this.at("room-state");
    chip.className = `chip state ${state.state}`;
    const until = state.state === "paused" && state.until ? ` ${fill(words.until, { time: this.clock(state.until) })}` : "";
    const reason = state.state !== "open" && state.reason ? ` · ${words.room_reasons[state.reason] ?? ""}` : "";
    chip.textContent = words.room_states[state.state] + until + reason;
    this.#load(state, now);
  }

  #load(state) {
    const { words } = this;
    const [aim, , most] = state.load_aims;
    const passed = state.load_aims.filter((limit) => state.done > limit).length;
    const limit = passed === 0 ? aim : state.load_aims[passed - 1];
    const expected = state.done + state.current.length + state.waiting_total;
    const bar = h("span", { class: "load-bar", "aria-hidden": "true" });
    const share = (count) => `${Math.min(100, (100 * count) / most)}%`;
    const ahead = h("i", { class: "ahead" });
    ahead.style.width = share(expected);
    const done = h("i", { class: `seen level-${passed}` });
    done.style.width = share(state.done);
    bar.append(ahead, done);
    for (const mark of state.load_aims.slice(0, -1)) {
      const line = h("i", { class: "mark" });
      line.style.left = share(mark);
      bar.append(line);
    }
    this.at("load").className = `load level-${passed}`;
    this.at("load").replaceChildren(
      h("span", { class: "load-text" }, h("b", {}, fill(words.load_text, { done: state.done })), " · ", fill(words.load_levels[passed], { aim: limit })),
      bar,
      h("span", { class: "load-scale soft" }, state.load_aims.join(" / ")),
    );
  }

  /** The person at the door or inside, in the largest letters. */
  now(state, chosen, now) {
    const { words } = this;
    const sign = JSON.stringify([state.current, chosen, state.state, state.waiting_total > 0, state.rules]);
    if (sign === this.drawn) return;
    this.drawn = sign;
    this.restart("now");
    const others = state.current.filter((step) => step !== chosen);
    const also = this.at("also");
    also.hidden = others.length === 0;
    also.replaceChildren(
      h("h2", {}, words.also_here),
      ...others.map((step) =>
        h("button", { class: "also-card", type: "button", "data-focus": `also-${step.step_id}`, onclick: () => this.acts.choose(step) },
          h("b", {}, step.number), this.lane(step.lane), h("span", { class: "soft" }, words.states[step.state]),
          step.patient ? h("span", {}, step.patient.full_name) : null)),
    );
    const panel = this.at("now");
    panel.classList.toggle("is-empty", !chosen);
    if (!chosen) {
      panel.replaceChildren(
        h("p", { class: "nobody" }, state.waiting_total > 0 ? words.now_nobody : words.now_empty),
        state.waiting_total > 0 && state.state === "open" ? h("p", { class: "soft" }, words.now_nobody_hint) : "",
      );
      return;
    }
    const since = h("span", { class: "since" });
    const advice = h("p", { class: "advice" });
    panel.replaceChildren(
      h("p", { class: "now-head" },
        h("span", { class: `chip step ${chosen.state}` }, words.states[chosen.state]),
        h("span", { class: "soft" }, chosen.service[this.lang]),
        chosen.kind === "return" ? h("span", { class: "chip note" }, words.kinds.return) : null,
        chosen.offline ? h("span", { class: "chip note" }, words.offline_call) : null),
      h("div", { class: "now-main" },
        h("p", { class: "now-number", "data-number": chosen.number }, chosen.number),
        h("div", { class: "now-who" },
          chosen.patient ? h("p", { class: "name" }, chosen.patient.full_name) : null,
          chosen.patient ? h("p", { class: "birth" }, ...this.#birth(chosen.patient)) : null,
          h("p", { class: "now-notes" }, this.lane(chosen.lane), h("span", { class: "soft lane-name" }, words.lanes[chosen.lane]), ...this.notes(chosen)))),
      h("p", { class: "now-foot" }, since), advice,
    );
    this.every("now", () => this.#since(state, chosen, since, advice, now));
  }

  #birth(patient) {
    const parts = [];
    if (patient.birth_date) parts.push(`${this.words.born} `, h("b", {}, patient.birth_date.split("-").reverse().join("/")));
    if (patient.gender) parts.push(parts.length ? " · " : "", this.words.genders[patient.gender] ?? "");
    return parts;
  }

  #since(state, step, since, advice, now) {
    const { words } = this;
    if (step.state === "serving") {
      since.textContent = fill(words.inside_for, { minutes: this.minutes(step.state_at, now) });
      advice.hidden = true;
      return;
    }
    const seconds = Math.max(0, Math.floor((now() - this.acts.lastCallAt(step)) / 1_000));
    const ago = seconds < 120 ? fill(words.called_ago, { seconds }) : fill(words.called_ago_min, { minutes: Math.floor(seconds / 60) });
    since.textContent = `${fill(words.called_times, { count: step.calls })} · ${ago}`;
    const mayAgain = seconds >= state.rules.call_again_after_s;
    const mayMiss = step.calls >= state.rules.calls_before_missed && mayAgain;
    advice.hidden = !mayAgain;
    advice.textContent = mayMiss
      ? fill(words.suggest_missed, { count: step.calls })
      : fill(words.suggest_again, { seconds: state.rules.call_again_after_s });
    this.at("act-again")?.classList.toggle("suggested", mayAgain && !mayMiss);
    this.at("act-miss")?.classList.toggle("suggested", mayMiss);
  }

  waiting(state, now) {
    const { words } = this;
    this.restart("waiting");
    this.at("waiting-count").textContent = state.waiting_total;
    this.at("lanes").replaceChildren(
      ...Object.entries(state.waiting_by_lane).filter(([, count]) => count > 0)
        .map(([lane, count]) => h("span", { class: "lane-count" }, this.lane(lane), String(count))),
    );
    const rows = state.waiting.map((step, index) => ({ key: step.step_id, sign: [step, index], draw: () => this.#waitingRow(step, index, state, now) }));
    const more = state.waiting_total - state.waiting.length;
    if (more > 0) rows.push({ key: "more", sign: more, draw: () => h("li", { class: "empty" }, fill(words.waiting_more, { count: more })) });
    if (rows.length === 0) rows.push({ key: "none", sign: 0, draw: () => h("li", { class: "empty" }, words.waiting_none) });
    this.#keyed(this.at("waiting"), rows);
    for (const row of this.at("waiting").querySelectorAll("[data-since]")) {
      this.every("waiting", () => {
        row.textContent = fill(words.waited, { minutes: this.minutes(row.dataset.since, now) });
      });
    }
  }

  #waitingRow(step, index, state) {
    return h("li", { class: `line${index === 0 ? " first" : ""}` },
      h("span", { class: "rank", "aria-hidden": "true" }, String(index + 1)),
      h("b", { class: "number" }, step.number), this.lane(step.lane),
      h("span", { class: "why" }, h("span", {}, this.reason(step, state.rules)), ...this.notes(step)),
      h("span", { class: "waited", "data-since": step.since }),
      this.#moreButton(step));
  }

  aside(state) {
    const { words } = this;
    this.at("aside-count").textContent = state.aside.length;
    const rows = state.aside.map((step) => ({ key: step.step_id, sign: step, draw: () => this.#asideRow(step) }));
    if (rows.length === 0) rows.push({ key: "none", sign: 0, draw: () => h("li", { class: "empty" }, words.aside_none) });
    this.#keyed(this.at("aside"), rows);
  }

  #asideRow(step) {
    const { words } = this;
    const why = step.state === "missed" ? fill(words.missed_since, { time: this.clock(step.state_at) }) : words.hold_reasons[step.hold_reason] ?? "";
    const act = step.hold_reason === "results" ? "results" : "resume";
    return h("li", { class: `line ${step.state}` },
      h("b", { class: "number" }, step.number), this.lane(step.lane),
      h("span", { class: "why" }, h("span", {}, why), ...this.notes(step)),
      step.hold_reason === "earlier_step" ? null
        : h("button", { class: "quiet small needs-server", type: "button", "data-focus": `${act}-${step.step_id}`, onclick: () => this.acts.act(step, act) }, words.acts[act]),
      this.#moreButton(step));
  }

  #moreButton(step) {
    const label = `${this.words.acts.more}: ${step.number}`;
    return h("button", { class: "quiet small dots needs-server", type: "button", title: label, "aria-label": label, "data-focus": `more-${step.step_id}`, onclick: () => this.acts.more(step) }, "⋯");
  }

  /** Rows that did not change stay the same elements: a finger on a button does not slip. */
  #keyed(list, rows) {
    const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
    const next = rows.map(({ key, sign, draw }) => {
      const text = JSON.stringify(sign);
      const before = known.get(key);
      if (before?.dataset.sign === text) return before;
      const row = draw();
      row.dataset.key = key;
      row.dataset.sign = text;
      return row;
    });
    next.forEach((row, index) => {
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
    });
    while (list.children.length > next.length) list.lastElementChild.remove();
  }
}
