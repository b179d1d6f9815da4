// Talks to the server: one wish, one key, one answer; tells "away" from "refused".

/** The server did not answer, or a part of it that everything needs is away. */
export class Away extends Error {}

/** The server answered no; `key` names the sentence for people. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.code ?? String(status));
    this.status = status;
    this.code = problem.code ?? "";
    this.key = problem.message_key ?? "other";
  }
}

const AWAY = new Set([502, 503, 504]);
const TIMEOUT_MS = 5_000;

/** Random, also where a page without TLS has no crypto.randomUUID. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

let csrf = document.querySelector('meta[name="csrf"]')?.content ?? null;

/** The shell that opens without the server has no token: the real page has. */
async function getCsrf() {
  if (csrf === null) {
    const reply = await send(window.location.pathname, { headers: { "X-Background": "1" } });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    csrf = page.querySelector('meta[name="csrf"]')?.content ?? null;
  }
  return csrf ?? "";
}

async function send(path, options) {
  let reply;
  try {
    reply = await fetch(path, { ...options, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw new Away(path, { cause: error });
  }
  if (AWAY.has(reply.status)) throw new Away(path);
  if (reply.status === 401) {
    window.location.assign(`/staff/login?next=${encodeURIComponent(window.location.pathname)}`);
    return new Promise(() => {});
  }
  return reply;
}

async function read(reply) {
  let body;
  try {
    body = await reply.json();
  } catch (error) {
    // Cut off on the way, or something between answered instead of the server.
    throw new Away(reply.url, { cause: error });
  }
  if (!reply.ok) throw new Refused(reply.status, body);
  return body;
}

export async function get(path) {
  return read(await send(path, { headers: { "X-Background": "1" } }));
}

export async function post(path, body, key = newKey()) {
  const headers = { "Idempotency-Key": key, "X-CSRF-Token": await getCsrf() };
  if (body !== null) headers["Content-Type"] = "application/json";
  return read(await send(path, { method: "POST", headers, body: body === null ? undefined : JSON.stringify(body) }));
}
