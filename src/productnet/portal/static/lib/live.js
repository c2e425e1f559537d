// What happens on the server, as it happens: one stream of events for all tabs of the browser.
//
// A browser opens six connections to a server at most, over all its tabs, and a stream takes one
// for good. So one tab holds the stream, and tells the others.
// @ts-check

import { signal } from "../vendor/preact.js";

/** @typedef {"progress" | "model" | "job" | "activated" | "guideline"} Kind */

/** @type {Kind[]} */
const KINDS = ["progress", "model", "job", "activated", "guideline"];
const NAME = "productnet-live";
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

/** Whether events arrive: also a sign that the server is there. */
export const connected = signal(false);

/** @type {Map<Kind, Set<(data: any) => void>>} */
const listeners = new Map(KINDS.map((kind) => [kind, new Set()]));

/**
 * Hear of one kind of event: `useEffect(() => on("model", ({leaf}) => …), [])`.
 * @param {Kind} kind
 * @param {(data: any) => void} listener
 * @returns {() => void} Stops it.
 */
export function on(kind, listener) {
  listeners.get(kind)?.add(listener);
  return () => {
    listeners.get(kind)?.delete(listener);
  };
}

/** @typedef {{kind: Kind, data: any} | {connected: boolean} | {hello: true}} Message */

const channel = new BroadcastChannel(NAME);

/** @param {{data: Message}} message */
channel.onmessage = ({ data: message }) => {
  if (!wanted) return;
  if ("hello" in message) {
    if (stream) channel.postMessage({ connected: connected.peek() });
  } else {
    hear(message);
  }
};

/** @param {Message} message */
function hear(message) {
  if ("connected" in message) connected.value = message.connected;
  else if ("kind" in message) listeners.get(message.kind)?.forEach((listener) => listener(message.data));
}

/** @param {Message} message */
function tell(message) {
  hear(message);
  channel.postMessage(message);
}

let wanted = false;
/** @type {EventSource | null} */
let stream = null;
let wait = FIRST_WAIT;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {AbortController | null} */
let turn = null;

/** Take part: hold the stream, or hear from the tab that does. */
export function start() {
  if (wanted) return;
  wanted = true;
  channel.postMessage({ hello: true });
  if (!navigator.locks) {
    open();
    return;
  }
  const mine = new AbortController();
  turn = mine;
  // The lock goes to the next tab when this one stops or is closed.
  navigator.locks.request(NAME, { signal: mine.signal }, () => {
    if (mine.signal.aborted) return undefined;
    open();
    return new Promise((resolve) => mine.signal.addEventListener("abort", resolve));
  }).catch(() => {
    // Stopped while waiting for its turn.
  });
}

/** Take no part any more, as when signed out. */
export function stop() {
  wanted = false;
  turn?.abort();
  close();
  connected.value = false;
}

function open() {
  clearTimeout(timer);
  const opened = new EventSource("/api/v1/events");
  stream = opened;
  opened.onopen = () => {
    wait = FIRST_WAIT;
    tell({ connected: true });
  };
  opened.onerror = () => {
    // The browser's own retries stop for good after an answer that is no stream, such as a 502.
    close();
    tell({ connected: false });
    timer = setTimeout(open, wait * (0.75 + Math.random() / 2));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };
  for (const kind of KINDS) {
    opened.addEventListener(kind, (event) => tell({ kind, data: JSON.parse(event.data) }));
  }
}

function close() {
  clearTimeout(timer);
  stream?.close();
  stream = null;
}
