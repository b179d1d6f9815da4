// Lets the page of a room open while the server is away: its empty shell, scripts and style.
// Nothing of the API is kept here, so nothing of a person is.
const CACHE = "tiepdon-console-1";
const ROOM = /^\/staff\/rooms\/[0-9a-z]+$/i;
const PATIENCE_MS = 4_000;
const AWAY = new Set([502, 503, 504]);

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

async function takeOver() {
  for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
  await self.clients.claim();
}

/** The page says which room it shows and what it is made of. */
self.addEventListener("message", (event) => {
  if (event.data?.kind === "keep") event.waitUntil(keep(event.data.path, event.data.assets));
});

async function keep(path, assets) {
  const cache = await caches.open(CACHE);
  const shell = await fetch(`${path}/shell`, { headers: { "X-Background": "1" } });
  if (shell.ok && !shell.redirected) await cache.put(path, shell);
  for (const asset of assets) {
    const reply = await fetch(asset);
    if (reply.ok) await cache.put(asset, reply);
  }
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== self.location.origin || event.request.method !== "GET") return;
  const isRoom = event.request.mode === "navigate" && ROOM.test(url.pathname);
  if (isRoom || url.pathname.startsWith("/assets/")) {
    event.respondWith(networkFirst(event.request, url.pathname, isRoom));
  }
});

async function networkFirst(request, path, isRoom) {
  const kept = await (await caches.open(CACHE)).match(path);
  if (kept === undefined) return fetch(request);
  try {
    // A navigation cannot be made again with a signal of its own: it is raced instead.
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error("late")), PATIENCE_MS));
    const reply = await Promise.race([fetch(request), late]);
    if (!AWAY.has(reply.status)) return reply;
  } catch {
    // the kept one serves
  }
  if (isRoom) return new Response(kept.body, { status: 200, headers: kept.headers });
  return kept;
}
