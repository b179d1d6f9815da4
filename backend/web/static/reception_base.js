// What every part of the reception page uses: words, elements, calls to the server.
"use strict";

const root = document.getElementById("desk");
const csrf = document.querySelector('meta[name="csrf"]').content;
const TIMEOUT_MS = 10_000;

export const lang = document.documentElement.lang === "en" ? "en" : "vi";
export const words = JSON.parse(root.dataset.words);
export const settings = JSON.parse(root.dataset.settings);
export const firstPage = JSON.parse(root.dataset.today);

/** A label of the server in the language of the page. */
export const say = (label) => (label ? label[lang] || label.vi || "" : "");

/** A sentence of the catalogue with its gaps filled. */
export const fill = (sentence, facts) =>
  sentence.replace(/\{(\w+)\}/g, (_, name) => String(facts[name] ?? ""));

/**
 * An element. Texts go in as text nodes, whatever they hold; `on` maps events to handlers.
 */
export function el(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    } else if (name === "value") made.value = value;
    else if (value === true) made.setAttribute(name, "");
    else made.setAttribute(name, String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const button = (text, handler, options = {}) =>
  el("button", { type: "button", ...options, on: { click: (event) => handler(event.currentTarget) } }, text);

export const newKey = () => crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export const clock = (moment) =>
  new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: settings.zone }).format(new Date(moment));

/** 1985-06-15 → 15/06/1985, also for a year alone. */
export const birthText = (iso) => (iso ? iso.split("-").reverse().join("/") : "");

const banner = document.getElementById("banner");
let bannerTimer = null;

/** One calm sentence over the page; a good one goes by itself. */
export function tell(sentence, kind = "trouble") {
  window.clearTimeout(bannerTimer);
  banner.replaceChildren(sentence, button("×", hush, { class: "quiet close", "aria-label": words.close }));
  banner.className = `desk-banner ${kind}`;
  banner.hidden = false;
  if (kind === "good") bannerTimer = window.setTimeout(hush, 6000);
}

export function hush() {
  banner.hidden = true;
}

/**
 * Asks the server. Never throws: `{ok, status, data}`, or `{ok: false, code, sentence}`.
 * `background`: the page asks by itself, which keeps nobody signed in.
 */
export async function ask(method, path, { body, key, background } = {}) {
  const headers = { "X-CSRF-Token": csrf };
  if (key) headers["Idempotency-Key"] = key;
  if (background) headers["X-Background"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let reply;
  let data = null;
  try {
    reply = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await reply.text();
    data = text ? JSON.parse(text) : null;
  } catch {
    return { ok: false, status: 0, code: "offline", sentence: words.offline };
  }
  if (reply.ok) return { ok: true, status: reply.status, data };
  if (reply.status === 401) window.location.assign("/staff/reception");
  const code = data?.code ?? "failed";
  const sentence = words.problems[code] ?? words.problems[data?.message_key] ?? words.failed;
  return { ok: false, status: reply.status, code, sentence };
}

/**
 * One press of a button: it rests until the answer, its key makes it one wish. A refusal is told,
 * and `after` runs in any case, so that the page shows how things stand.
 */
export async function press(pressed, method, path, body, after) {
  pressed.disabled = true;
  hush();
  const answer = await ask(method, path, { body, key: newKey() });
  if (!answer.ok) tell(answer.sentence);
  if (after) await after(answer);
  pressed.disabled = false;
  return answer;
}

/** The part of the page that shows one thing; on a narrow screen it covers the list. */
const detail = document.getElementById("detail");

export function show(...children) {
  root.classList.add("has-detail");
  const there = children.filter((child) => child !== null && child !== undefined && child !== false);
  detail.replaceChildren(button(words.back, leave, { class: "quiet desk-back" }), ...there);
  const first = detail.querySelector("[data-focus]") ?? detail;
  first.focus({ preventScroll: true });
  if (detail.getBoundingClientRect().top < 0) detail.scrollIntoView();
}

let onLeave = () => {};

export function whenLeft(handler) {
  onLeave = handler;
}

export function leave() {
  root.classList.remove("has-detail");
  detail.replaceChildren(el("p", { class: "desk-rest" }, words.choose_something));
  onLeave();
}
