// What happens on the server, as it happens: one stream of events for the whole portal.
// @ts-check

import { signal } from "../vendor/preact.js";

/** @typedef {"progress" | "model" | "round" | "job" | "activated"} Kind */

/** Whether the stream is open. */
export const connected = signal(false);

/** @type {Map<Kind, Set<(data: any) => void>>} */
const listeners = new Map();
/** @type {EventSource | null} */
let stream = null;
let wait = 1000;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/**
 * Hear of one kind of event: `useEffect(() => on("model", ({leaf}) => …), [])`.
 * @param {Kind} kind
 * @param {(data: any) => void} listener
 * @returns {() => void} Stops it.
 */
export function on(kind, listener) {
  if (!listeners.has(kind)) listeners.set(kind, new Set());
  listeners.get(kind)?.add(listener);
  return () => {
    listeners.get(kind)?.delete(listener);
  };
}

/** Open the stream; it opens again by itself when it breaks. */
export function start() {
  clearTimeout(timer);
  if (stream) return;
  stream = new EventSource("/api/v1/events");
  stream.onopen = () => {
    connected.value = true;
    wait = 1000;
  };
  stream.onerror = () => {
    // The browser's own retries stop for good after an answer that is no stream, such as a 502.
    stop();
    timer = setTimeout(start, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, 30_000);
  };
  for (const kind of /** @type {Kind[]} */ (["progress", "model", "round", "job", "activated"])) {
    stream.addEventListener(kind, (event) => {
      const data = JSON.parse(event.data);
      listeners.get(kind)?.forEach((listener) => listener(data));
    });
  }
}

/** Close the stream, as when signing out. */
export function stop() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
  connected.value = false;
}
