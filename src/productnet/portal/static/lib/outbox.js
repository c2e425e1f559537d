// Answers on their way to the server: shown at once, kept on disk here until it acknowledges them.
//
// An answer gets its UUID once and keeps it however often it is sent, so that none counts twice.
// One tab of the browser sends at a time; an answer is sent only while the person who gave it is
// signed in. What the server refuses stays here, with its reason, until somebody looks at it.
// @ts-check

import { computed, effect, signal } from "../vendor/preact.js";
import { recordDecisions } from "./api.js";
import { openStore } from "./outbox_store.js";
import * as session from "./session.js";

/** @import {Decision, DecisionResult, DecisionsAnswer, Waiting} from "./types.js" */

/** @typedef {{decision: Decision, title: string, leafName: string}} Given */

const BATCH = 100;
const NAME = "productnet-outbox";
const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/** Whether answers outlive the tab: false only where the browser keeps nothing on disk. */
export const durable = signal(true);
/** Whether the server was out of reach when last asked; `retryAt` is when it is asked again. */
export const offline = signal(false);
export const retryAt = signal(/** @type {number | null} */ (null));

/** Every answer that waits in this browser, by its number, of all people. */
const entries = signal(/** @type {ReadonlyMap<number, Waiting>} */ (new Map()));
const own = computed(() =>
  [...entries.value.values()].filter((one) => one.person === session.person.value?.name));
/** Answers of the person signed in that are still to be sent. */
export const waiting = computed(() => own.value.filter((one) => one.state === "waiting"));
/** Answers of theirs that the server refused. */
export const refused = computed(() => own.value.filter((one) => one.state === "refused"));
/** Answers that wait until somebody else signs in. */
export const others = computed(() =>
  [...entries.value.values()].filter((one) => one.person !== session.person.value?.name));

/** Answers that are being written to the disk here. */
const writing = signal(0);
/** How many answers of the person signed in are not with the server yet. */
export const pending = computed(() => writing.value + waiting.value.length);

const opening = openStore(() => {
  durable.value = false;
});
const channel = new BroadcastChannel(NAME);

/** @type {Set<(answer: DecisionsAnswer) => void>} */
const listeners = new Set();

/**
 * Hear what the server acknowledged, in whichever tab it was sent.
 * @param {(answer: DecisionsAnswer) => void} listener
 * @returns {() => void} Stops it.
 */
export function onAcknowledged(listener) {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}

/**
 * A decision taken now, under an id of its own.
 * @param {Omit<Decision, "id" | "at">} decision
 * @returns {Decision}
 */
export const decide = (decision) => ({ ...decision, id: uuid(), at: new Date().toISOString() });

/**
 * Take answers in and send them as soon as can be.
 * @param {Given[]} given In order.
 * @returns {Promise<void>} Resolves when they are on this computer's disk; nothing on screen needs
 *   to wait for it.
 */
export async function give(given) {
  const person = session.person.peek()?.name;
  if (!person) throw new Error("Nobody is signed in, so nobody can answer.");
  const fresh = given.map((one) => ({ ...one, person, state: /** @type {const} */ ("waiting") }));
  writing.value += fresh.length;
  try {
    const added = await (await opening).add(fresh);
    await dropUndone(added);
    tell({ kind: "put", entries: added });
  } finally {
    writing.value -= fresh.length;
  }
  send();
}

/** An answer that was refused and is then undone needs nobody any more. @param {Waiting[]} added */
async function dropUndone(added) {
  for (const one of [...added]) {
    const target = refused.peek().find((other) => other.decision.id === one.decision.undoes);
    if (!target) continue;
    await (await opening).remove([target.n, one.n]);
    added.splice(added.indexOf(one), 1);
    tell({ kind: "removed", numbers: [target.n] });
  }
}

/** Send a refused answer again. @param {number} n */
export async function retry(n) {
  const entry = entries.peek().get(n);
  if (!entry) return;
  const { detail: _detail, ...rest } = entry;
  const again = { ...rest, state: /** @type {const} */ ("waiting") };
  await (await opening).change([again]);
  tell({ kind: "put", entries: [again] });
  send();
}

/** Throw refused answers away. @param {number[]} numbers */
export async function discard(numbers) {
  await (await opening).remove(numbers);
  tell({ kind: "removed", numbers });
}

/**
 * @typedef {{kind: "put", entries: Waiting[]} | {kind: "removed", numbers: number[]}
 *   | {kind: "acknowledged", answer: DecisionsAnswer} | {kind: "reach", away: boolean}} Message
 */

/** Note a change here and in the browser's other tabs. @param {Message} message */
function tell(message) {
  hear(message);
  channel.postMessage(message);
}

/** @param {Message} message */
function hear(message) {
  if (message.kind === "acknowledged") {
    offline.value = false;
    listeners.forEach((listener) => listener(message.answer));
    return;
  }
  if (message.kind === "reach") {
    offline.value = message.away;
    return;
  }
  const next = new Map(entries.peek());
  if (message.kind === "put") for (const one of message.entries) next.set(one.n, one);
  else for (const n of message.numbers) next.delete(n);
  entries.value = next;
}

channel.onmessage = (event) => {
  hear(event.data);
  // The tab that found the server away may be closed: each tab sees by itself when it is back.
  if (offline.peek() && retryAt.peek() === null) later();
};

/** Note whether the server is out of reach. @param {boolean} away */
function reach(away) {
  if (offline.peek() !== away) tell({ kind: "reach", away });
}

let sending = false;
let again = false;
let wait = FIRST_WAIT;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** Send what waits, unless the server was just out of reach. @param {{now?: boolean}} [options] */
export async function send({ now = false } = {}) {
  if (!now && retryAt.peek() !== null) return;
  if (sending) {
    again = true;
    return;
  }
  sending = true;
  clearTimeout(timer);
  retryAt.value = null;
  try {
    do {
      again = false;
      await alone(drain);
    } while (again && retryAt.peek() === null);
  } catch (error) {
    console.error("The outbox stopped; it goes on by itself.", error);
    later();
  } finally {
    sending = false;
  }
}

/** One tab at a time; without locks (plain http) a double sending is harmless, only wasteful.
 * @param {() => Promise<void>} work */
const alone = (work) => (navigator.locks ? navigator.locks.request(NAME, work) : work());

/** Send batch after batch until nothing is left or the server is out of reach. */
async function drain() {
  const store = await opening;
  let most = BATCH;
  let renewed = false;
  for (;;) {
    const name = session.person.peek()?.name;
    if (!name) return;
    const batch = (await store.all())
      .filter((one) => one.person === name && one.state === "waiting")
      .slice(0, most);
    if (!batch.length) return findOut();
    try {
      const answer = await recordDecisions(batch.map((one) => one.decision));
      wait = FIRST_WAIT;
      const settled = await settle(store, batch, answer.results);
      tell({ kind: "acknowledged", answer });
      if (!settled) return later();
    } catch (error) {
      const problem = session.asProblem(error);
      if (problem.status === 401) return;
      if (problem.passing || problem.status < 0) {
        reach(problem.passing);
        return later();
      }
      if (problem.status === 403 && !renewed) {
        // The session was renewed in another tab, and with it the token against forgery.
        renewed = true;
        await session.load();
      } else if (batch.length > 1) {
        most = 1;
      } else {
        const results = batch.map((one) => ({ id: one.decision.id, status: /** @type {const} */ ("refused"), detail: problem.detail }));
        await settle(store, batch, results);
        tell({ kind: "acknowledged", answer: { results, progress: {} } });
        most = BATCH;
      }
    }
  }
}

/** Nothing is left to send: whether the server is there again has to be asked by itself. */
async function findOut() {
  if (!offline.peek()) return;
  await session.load();
  reach(session.trouble.peek() !== null);
  if (offline.peek()) later();
}

/**
 * Take what was recorded out, and keep what was refused with its reason.
 * @param {import("./outbox_store.js").Store} store
 * @param {Waiting[]} batch
 * @param {DecisionResult[]} results
 * @returns {Promise<boolean>} Whether every answer of the batch got a result.
 */
async function settle(store, batch, results) {
  const byId = new Map(results.map((result) => [result.id.toLowerCase(), result]));
  /** @type {number[]} */
  const done = [];
  /** @type {Waiting[]} */
  const back = [];
  for (const one of batch) {
    const result = byId.get(one.decision.id);
    if (!result) continue;
    if (result.status !== "refused") done.push(one.n);
    else back.push({ ...one, state: "refused", detail: result.detail ?? "No reason was given." });
  }
  // An answer that was refused, and its undo refused with it: nothing is left to decide.
  for (const undo of back.filter((one) => one.decision.undoes)) {
    const target = [...back, ...refused.peek()].find((one) => one.decision.id === undo.decision.undoes);
    if (target) done.push(undo.n, target.n);
  }
  const kept = back.filter((one) => !done.includes(one.n));
  await store.change(kept);
  await store.remove(done);
  if (kept.length) tell({ kind: "put", entries: kept });
  tell({ kind: "removed", numbers: done });
  return batch.every((one) => byId.has(one.decision.id));
}

/** Try again after a while: longer each time, and not all browsers at once. */
function later() {
  const pause = wait * (0.75 + Math.random() / 2);
  wait = Math.min(wait * 2, LONGEST_WAIT);
  retryAt.value = Date.now() + pause;
  clearTimeout(timer);
  timer = setTimeout(() => send({ now: true }), pause);
}

/** A new UUID. */
export function uuid() {
  // randomUUID is not to be had on a page served by plain http from another machine.
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (Number(bytes[6]) & 0x0f) | 0x40;
  bytes[8] = (Number(bytes[8]) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Take up what an earlier visit left, and keep sending. Called once, by app.js. */
export function start() {
  opening.then(async (store) => {
    hear({ kind: "put", entries: await store.all() });
    send();
  });
  // Whoever signs in (again) has their answers sent.
  effect(() => {
    if (session.state.value === "in") send({ now: true });
  });
  addEventListener("online", () => send({ now: true }));
  addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible" && retryAt.peek() !== null) send({ now: true });
  });
  // Nothing is lost by leaving, so nobody is asked, except where nothing is kept on disk.
  addEventListener("beforeunload", (event) => {
    if (!durable.peek() && pending.peek()) event.preventDefault();
  });
}
