// Opens the page of a display while the server is away. State and sound are never kept here.
"use strict";

const CACHE = "tiepdon-display";
const PATIENCE_MS = 4000;
const PAGE = /^\/d\/[0-9a-z]+$/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  const isPage = PAGE.test(url.pathname);
  if (isPage || url.pathname.startsWith("/assets/")) event.respondWith(answer(event.request, url));
});

/** The server's answer, kept for later; without one (or a fault of the server) the one kept before. */
async function answer(request, url) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(url.pathname);
  const asked = ask(request, url, cache);
  if (kept === undefined) return asked;
  const late = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE_MS));
  try {
    const reply = await Promise.race([asked, late]);
    return reply === null || reply.status >= 500 ? kept : reply;
  } catch {
    return kept;
  }
}

async function ask(request, url, cache) {
  const reply = await fetch(request, { cache: "no-cache" });
  if (reply.ok) await cache.put(url.pathname, reply.clone());
  if (reply.status === 404) await cache.delete(url.pathname); // revoked: nothing of it stays
  return reply;
}
