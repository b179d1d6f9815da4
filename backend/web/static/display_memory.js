// What a display keeps on its own machine: the last state, what was spoken, and the page itself.
"use strict";

const SPOKEN_KEPT = 100;
const CACHE = "tiepdon-display";

export function openMemory(base) {
  const stateKey = `tiepdon-state:${base}`;
  const spokenKey = `tiepdon-spoken:${base}`;

  const read = (key, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(key)) ?? otherwise;
    } catch {
      return otherwise; // no storage, or what lies there is not ours
    }
  };
  const write = (key, value) => {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Full or switched off: the page works without, until it is loaded again during an outage.
    }
  };

  return {
    getState: () => read(stateKey, null),
    keepState: (state) => write(stateKey, state),
    wasSpoken: (id) => read(spokenKey, []).includes(id),
    keepSpoken: (id) => write(spokenKey, [...read(spokenKey, []), id].slice(-SPOKEN_KEPT)),
    async forget() {
      try {
        localStorage.removeItem(stateKey);
        localStorage.removeItem(spokenKey);
      } catch {
        // Nothing was kept.
      }
      if ("caches" in window) {
        const cache = await caches.open(CACHE);
        await cache.delete(base);
      }
    },
  };
}

/** The page opens without the server from now on. Browsers allow it over HTTPS or on loopback. */
export async function keepPage(base, files) {
  if (!("serviceWorker" in navigator) || !("caches" in window)) return;
  await navigator.serviceWorker.register("/d/worker.js", { scope: "/d/" });
  const cache = await caches.open(CACHE);
  const fonts = ["400Regular", "600SemiBold", "800ExtraBold"].map((name) => `/assets/fonts/${name}.ttf`);
  await Promise.allSettled([base, ...files, ...fonts].map((path) => cache.add(path)));
}
