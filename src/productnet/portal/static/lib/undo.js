// What can be undone: every answer of this tab's session, last first, across leaves and reloads.
// @ts-check

import { titleOf } from "./format.js";
import { decide, give } from "./outbox.js";
import { person } from "./session.js";

/** @import {Card, Decision} from "./types.js" */

/**
 * One press of a key: an answer, or the answers of a whole selection.
 * @typedef {object} Gesture
 * @property {string} person
 * @property {string} leaf
 * @property {string} leafName
 * @property {Decision["role"]} role
 * @property {{id: string, card: Card, leaf?: string}[]} items In the order they are taken back; leaf
 *   where it is another one than the gesture's.
 */

const TOP = "productnet.undo.top";
const key = (/** @type {number} */ at) => `productnet.undo.${at}`;

/** Gestures that storage had no room for. @type {Map<number, Gesture>} */
const overflow = new Map();

const top = () => Number(read(TOP) ?? 0);

/** @param {string} name */
function read(name) {
  try {
    return sessionStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {number} at @returns {Gesture | null} */
function at(at) {
  const found = overflow.get(at) ?? JSON.parse(read(key(at)) ?? "null");
  return found?.person === person.peek()?.name ? found : null;
}

let depth = top();

/** @param {number} at @param {Gesture} gesture */
function write(at, gesture) {
  try {
    // One entry a gesture: the time to write does not grow with the session.
    sessionStorage.setItem(key(at), JSON.stringify(gesture));
    sessionStorage.setItem(TOP, String(depth));
  } catch {
    overflow.set(at, gesture);
  }
}

/** @param {Omit<Gesture, "person">} gesture */
export function push(gesture) {
  const name = person.peek()?.name;
  if (!name || !gesture.items.length) return;
  depth++;
  write(depth - 1, { ...gesture, person: name });
}

/**
 * Take the answers of the last gesture back, wherever it was made.
 * @param {(leaf: string) => string} [nameOf] Names leaves, where they are not all the gesture's own.
 * @returns {Gesture | null} What was taken back; null when nothing is left.
 */
export function takeBack(nameOf) {
  const gesture = pop();
  if (!gesture) return null;
  void give(gesture.items.map(({ id, card, leaf = gesture.leaf }) => ({
    decision: decide({ product: card.product, leaf, role: "undo", undoes: id }),
    title: titleOf(card), leafName: nameOf?.(leaf) ?? gesture.leafName,
  })));
  return gesture;
}

/** Take the last gesture off. @returns {Gesture | null} */
function pop() {
  while (depth > 0) {
    depth--;
    const gesture = at(depth);
    drop(depth);
    if (gesture?.items.length) return gesture;
  }
  return null;
}

/** @param {number} at */
function drop(at) {
  overflow.delete(at);
  try {
    sessionStorage.removeItem(key(at));
    sessionStorage.setItem(TOP, String(depth));
  } catch {
    // Nothing was stored.
  }
}

/** An answer that was changed is not there to be undone any more. @param {string} id */
export function forget(id) {
  for (let each = depth - 1; each >= 0; each--) {
    const gesture = at(each);
    if (!gesture?.items.some((item) => item.id === id)) continue;
    write(each, { ...gesture, items: gesture.items.filter((item) => item.id !== id) });
    return;
  }
}
