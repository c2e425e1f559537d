// What this browser remembers for its user: one signal per setting, kept in local storage.
// @ts-check

import { signal } from "../vendor/preact.js";

/** @import {Signal} from "../vendor/preact.js" */

/** @type {Map<string, Signal<any>>} */
const known = new Map();

/**
 * The signal of a setting. Setting its value stores it; other tabs follow.
 * @template V
 * @param {string} name
 * @param {V} fallback
 * @returns {Signal<V>}
 */
export function pref(name, fallback) {
  const found = known.get(name);
  if (found) return found;
  const made = signal(read(name, fallback));
  known.set(name, made);
  let stored = made.peek();
  made.subscribe((value) => {
    if (value === stored) return;
    stored = value;
    try {
      localStorage.setItem(`productnet.${name}`, JSON.stringify(value));
    } catch {
      // Storage is full or switched off: the setting holds for this visit.
    }
  });
  addEventListener("storage", (event) => {
    if (event.key === `productnet.${name}`) made.value = stored = read(name, fallback);
  });
  return made;
}

/** @template V @param {string} name @param {V} fallback @returns {V} */
function read(name, fallback) {
  try {
    const text = localStorage.getItem(`productnet.${name}`);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

/** Products on a page to answer. */
export const pageSize = pref("pageSize", 20);
/** Of their pictures: "small", "medium" or "large". */
export const pictureSize = pref("pictureSize", "medium");
/** "system", "light" or "dark". */
export const theme = pref("theme", "system");
theme.subscribe((value) => {
  if (value === "light" || value === "dark") document.documentElement.dataset.theme = value;
  else delete document.documentElement.dataset.theme;
});
