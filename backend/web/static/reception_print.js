// Printing through an agent: which one is remembered in this browser, nothing else is.
"use strict";

import { ask, button, clock, el, press, words } from "./reception_base.js";

const KEPT = "desk-print-agent";

function remembered() {
  try {
    return window.localStorage.getItem(KEPT);
  } catch {
    return null; // a browser that keeps nothing: chosen anew each time
  }
}

function remember(agentId) {
  try {
    window.localStorage.setItem(KEPT, agentId);
  } catch {
    // as above
  }
}

const describe = (agent) => {
  if (!agent.answers) return `${agent.name} – ${words.agent_silent}`;
  const trouble = agent.printer && agent.printer !== "ready" ? words.printer_states[agent.printer] : null;
  return trouble ? `${agent.name} – ${trouble}` : agent.name;
};

/** Choice of agent and the button, with what became of the last requests. */
export function printPanel(visitId, prints, after) {
  const choice = el("select", { id: "print-agent", "aria-label": words.print_where });
  const go = button(words.print_button, (pressed) => {
    remember(choice.value);
    press(pressed, "POST", `/visits/${visitId}/print-requests`, { agent_id: choice.value }, after);
  });
  const panel = el("div", { class: "print-panel" }, choice, go);
  go.disabled = true;
  ask("GET", "/print-agents", { background: true }).then((answer) => {
    const agents = answer.ok ? answer.data.items : [];
    if (agents.length === 0) {
      panel.replaceChildren(el("p", { class: "soft" }, words.no_agents));
      return;
    }
    choice.replaceChildren(...agents.map((agent) => el("option", { value: agent.id, disabled: !agent.answers }, describe(agent))));
    const usable = agents.filter((agent) => agent.answers);
    const kept = usable.find((agent) => agent.id === remembered());
    const first = kept ?? usable[0];
    if (first) choice.value = first.id;
    go.disabled = !first;
  });
  const last = prints.slice(0, 1).map((each) =>
    el(
      "p",
      { class: `print-state print-${each.state}`, role: "status" },
      `${clock(each.requested_at)} · ${each.agent}: ${words.print_states[each.state]}`,
      each.state === "pending"
        ? button(words.print_cancel, (pressed) => press(pressed, "POST", `/visits/${visitId}/print-requests/${each.id}/cancel`, undefined, after), { class: "quiet small" })
        : null,
    ),
  );
  return el("section", { class: "part" }, el("h3", {}, words.print_title), panel, ...last);
}
