// Every command and its keys, in one table; keys can be changed, and none fires inside a text box.
// @ts-check

import { useLayoutEffect, useRef } from "../vendor/preact.js";
import { pref } from "./prefs.js";

/**
 * @typedef {object} Command
 * @property {string} id
 * @property {Scope} scope Where its keys work. Keys of a scope differ from one another and from
 *   those of the scope "everywhere".
 * @property {string} label What it does.
 * @property {string[]} keys As shipped, such as "y", "Shift+ArrowRight", "Ctrl+z", "Space".
 * @property {boolean} [repeats] Whether holding the key down repeats it.
 */

/** @typedef {"everywhere" | "grid" | "candidates" | "recommendations" | "detail" | "dispute" | "suspects" | "duplicates" | "map"} Scope */

/** What a scope is called in help and settings. @type {Record<Scope, string>} */
export const SCOPES = {
  everywhere: "Everywhere",
  grid: "Answering",
  candidates: "Candidates of a leaf",
  recommendations: "Recommendations of a leaf",
  detail: "A product in full",
  dispute: "Adjudication",
  suspects: "Suspected errors",
  duplicates: "Near-duplicates",
  map: "Map",
};

/** Scopes that are live at the same time and so may not share a key. @type {Scope[][]} */
const TOGETHER = [
  ["everywhere", "grid", "candidates"],
  ["everywhere", "grid", "recommendations"],
  ["everywhere", "detail"],
  ["everywhere", "dispute"],
  ["everywhere", "suspects"],
  ["everywhere", "duplicates"],
  ["everywhere", "map"],
];

/** @type {readonly Command[]} */
export const COMMANDS = [
  { id: "help", scope: "everywhere", label: "Show the keys", keys: ["?"] },
  { id: "search", scope: "everywhere", label: "Go to the search box", keys: ["/"] },
  { id: "yes", scope: "grid", label: "Yes: it belongs to the leaf", keys: ["y"] },
  { id: "no", scope: "grid", label: "No: it does not belong", keys: ["n"] },
  { id: "unsure", scope: "grid", label: "Unsure", keys: ["u"] },
  { id: "undo", scope: "grid", label: "Undo the last answer", keys: ["z", "Ctrl+z"], repeats: true },
  { id: "note", scope: "grid", label: "Write a note", keys: ["e"] },
  { id: "zoom", scope: "grid", label: "Show the product in full", keys: ["Space"] },
  { id: "next", scope: "grid", label: "Next product", keys: ["ArrowRight", "j"], repeats: true },
  { id: "previous", scope: "grid", label: "Previous product", keys: ["ArrowLeft", "k"], repeats: true },
  { id: "below", scope: "grid", label: "Product below", keys: ["ArrowDown"], repeats: true },
  { id: "above", scope: "grid", label: "Product above", keys: ["ArrowUp"], repeats: true },
  { id: "select-next", scope: "grid", label: "Select onwards", keys: ["Shift+ArrowRight", "Shift+J"], repeats: true },
  { id: "select-previous", scope: "grid", label: "Select backwards", keys: ["Shift+ArrowLeft", "Shift+K"], repeats: true },
  { id: "select-below", scope: "grid", label: "Select a row down", keys: ["Shift+ArrowDown"], repeats: true },
  { id: "select-above", scope: "grid", label: "Select a row up", keys: ["Shift+ArrowUp"], repeats: true },
  { id: "unselect", scope: "grid", label: "Drop the selection", keys: ["Escape"] },
  { id: "rest-yes", scope: "grid", label: "Answer the rest of the page yes", keys: ["Shift+Y"] },
  { id: "rest-no", scope: "grid", label: "Answer the rest of the page no", keys: ["Shift+N"] },
  { id: "next-page", scope: "grid", label: "Next page", keys: ["Enter"] },
  ...["1", "2", "3", "4", "5", "6", "7"].map((key) => ({
    id: `source-${key}`,
    scope: /** @type {Scope} */ ("candidates"),
    label: `Source ${key}`,
    keys: [key],
  })),
  { id: "threshold-up", scope: "recommendations", label: "Show surer ones only", keys: ["+", "="], repeats: true },
  { id: "threshold-down", scope: "recommendations", label: "Show less sure ones too", keys: ["-"], repeats: true },
  { id: "detail-close", scope: "detail", label: "Close", keys: ["Escape", "Space"] },
  { id: "detail-next", scope: "detail", label: "Next product", keys: ["ArrowRight", "j"], repeats: true },
  { id: "detail-previous", scope: "detail", label: "Previous product", keys: ["ArrowLeft", "k"], repeats: true },
  { id: "detail-next-image", scope: "detail", label: "Next image", keys: ["ArrowDown"], repeats: true },
  { id: "detail-previous-image", scope: "detail", label: "Previous image", keys: ["ArrowUp"], repeats: true },
  { id: "detail-yes", scope: "detail", label: "Yes, and on", keys: ["y"] },
  { id: "detail-no", scope: "detail", label: "No, and on", keys: ["n"] },
  { id: "detail-unsure", scope: "detail", label: "Unsure, and on", keys: ["u"] },
  { id: "detail-undo", scope: "detail", label: "Undo the last answer", keys: ["z", "Ctrl+z"], repeats: true },
  { id: "dispute-yes", scope: "dispute", label: "Yes: it belongs to the leaf", keys: ["y"] },
  { id: "dispute-no", scope: "dispute", label: "No: it does not; of two leaves, neither", keys: ["n"] },
  { id: "dispute-unsure", scope: "dispute", label: "Unsure: leave it out", keys: ["u"] },
  ...["1", "2", "3"].map((key) => ({
    id: `dispute-leaf-${key}`,
    scope: /** @type {Scope} */ ("dispute"),
    label: `It belongs to leaf ${key} of those that claim it`,
    keys: [key],
  })),
  { id: "dispute-note", scope: "dispute", label: "Write a note", keys: ["e"] },
  { id: "dispute-undo", scope: "dispute", label: "Undo the last answer", keys: ["z", "Ctrl+z"], repeats: true },
  { id: "dispute-next", scope: "dispute", label: "Next dispute", keys: ["ArrowRight", "j"], repeats: true },
  { id: "dispute-previous", scope: "dispute", label: "Previous dispute", keys: ["ArrowLeft", "k"], repeats: true },
  { id: "dispute-next-image", scope: "dispute", label: "Next image", keys: ["ArrowDown"], repeats: true },
  { id: "dispute-previous-image", scope: "dispute", label: "Previous image", keys: ["ArrowUp"], repeats: true },
  { id: "suspect-open", scope: "suspects", label: "Open for a second look", keys: ["o"] },
  { id: "suspect-undo", scope: "suspects", label: "Undo: close it again", keys: ["z", "Ctrl+z"], repeats: true },
  { id: "suspect-zoom", scope: "suspects", label: "Show the product in full", keys: ["Space"] },
  { id: "suspect-next", scope: "suspects", label: "Next", keys: ["ArrowDown", "j"], repeats: true },
  { id: "suspect-previous", scope: "suspects", label: "Previous", keys: ["ArrowUp", "k"], repeats: true },
  { id: "duplicates-same", scope: "duplicates", label: "One product", keys: ["s"] },
  { id: "duplicates-different", scope: "duplicates", label: "Different: the marked ones, or all", keys: ["d"] },
  { id: "duplicates-mark", scope: "duplicates", label: "Mark as another product", keys: ["x"] },
  ...["1", "2", "3", "4", "5", "6", "7", "8", "9"].map((key) => ({
    id: `duplicates-mark-${key}`,
    scope: /** @type {Scope} */ ("duplicates"),
    label: `Mark product ${key} as another`,
    keys: [key],
  })),
  { id: "duplicates-next", scope: "duplicates", label: "Next product", keys: ["ArrowRight", "j"], repeats: true },
  { id: "duplicates-previous", scope: "duplicates", label: "Previous product", keys: ["ArrowLeft", "k"], repeats: true },
  { id: "duplicates-zoom", scope: "duplicates", label: "Show the product in full", keys: ["Space"] },
  { id: "duplicates-skip", scope: "duplicates", label: "Leave it for later", keys: ["Enter"] },
  { id: "duplicates-undo", scope: "duplicates", label: "Undo the last review", keys: ["z", "Ctrl+z"] },
  { id: "map-in", scope: "map", label: "Closer", keys: ["+", "="], repeats: true },
  { id: "map-out", scope: "map", label: "Farther", keys: ["-"], repeats: true },
  { id: "map-left", scope: "map", label: "Look to the left", keys: ["ArrowLeft"], repeats: true },
  { id: "map-right", scope: "map", label: "Look to the right", keys: ["ArrowRight"], repeats: true },
  { id: "map-up", scope: "map", label: "Look upwards", keys: ["ArrowUp"], repeats: true },
  { id: "map-down", scope: "map", label: "Look downwards", keys: ["ArrowDown"], repeats: true },
  { id: "map-all", scope: "map", label: "Show the whole map", keys: ["0"] },
  { id: "map-lasso", scope: "map", label: "Lasso, or move", keys: ["l"] },
  { id: "map-select", scope: "map", label: "Select what is in sight", keys: ["v"] },
  { id: "map-unselect", scope: "map", label: "Drop the selection", keys: ["Escape"] },
];

/** Keys that the user changed: command id to keys. */
const changed = pref("keys", /** @type {Record<string, string[]>} */ ({}));

/** The keys of a command now. @param {string} id @returns {string[]} */
export function keysOf(id) {
  return changed.value[id] ?? COMMANDS.find((command) => command.id === id)?.keys ?? [];
}

/** The first key of a command, as a person reads it; "" if it has none. @param {string} id */
export const keyName = (id) => {
  const first = keysOf(id)[0];
  return first ? spell(first) : "";
};

/**
 * Give a command other keys.
 * @param {string} id
 * @param {string[]} keys
 * @returns {string | null} Why not: a command that has the key already; null if it was done.
 */
export function rebind(id, keys) {
  const command = COMMANDS.find((each) => each.id === id);
  if (!command) return `There is no command ${id}.`;
  for (const key of keys) {
    const holder = COMMANDS.find((other) => other.id !== id && meet(command.scope, other.scope) &&
      keysOf(other.id).includes(key));
    if (holder) return `${spell(key)} is the key of “${holder.label}”. Change that one first.`;
  }
  changed.value = { ...changed.value, [id]: [...new Set(keys)] };
  return null;
}

/** Back to the keys as shipped. */
export function resetKeys() {
  changed.value = {};
}

export const anyChanged = () => Object.keys(changed.value).length > 0;

/** @param {Scope} a @param {Scope} b */
const meet = (a, b) => TOGETHER.some((scopes) => scopes.includes(a) && scopes.includes(b));

/**
 * The name of what was pressed, such as "Shift+ArrowRight" or "Ctrl+z"; null for a lone modifier.
 * Letters are told apart by Shift, not by Caps Lock; a sign such as ? is named by itself.
 * @param {KeyboardEvent} event
 * @returns {string | null}
 */
export function chord(event) {
  let key = event.key;
  if (["Shift", "Control", "Alt", "Meta", "Dead", "AltGraph", "CapsLock"].includes(key)) return null;
  if (key === " ") key = "Space";
  const letter = key.length === 1 && key.toLowerCase() !== key.toUpperCase();
  if (letter) key = event.shiftKey ? key.toUpperCase() : key.toLowerCase();
  const shift = event.shiftKey && (letter || key.length > 1);
  const control = event.ctrlKey || event.metaKey;
  return `${control ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${shift ? "Shift+" : ""}${key}`;
}

/** @type {Record<string, string>} */
const SPELLED = {
  ArrowRight: "→", ArrowLeft: "←", ArrowDown: "↓", ArrowUp: "↑", Enter: "Enter", Escape: "Esc",
};

/** A key as a person reads it. @param {string} key */
export const spell = (key) =>
  key.split(/\+(?=.)/).map((part) => SPELLED[part] ?? (part.length === 1 ? part.toUpperCase() : part))
    .join(" + ");

/**
 * @typedef {object} Layer
 * @property {Scope[]} scopes
 * @property {{current: Record<string, (event: KeyboardEvent) => void>}} handlers
 * @property {boolean} modal Nothing below it hears a key.
 */

/** @type {Layer[]} */
const layers = [];

/**
 * Listen to commands while the component is shown: `useCommands(["grid"], {yes: () => …})`.
 * The layer opened last is asked first.
 * @param {Scope[]} scopes
 * @param {Record<string, (event: KeyboardEvent) => void>} handlers By command id.
 * @param {{modal?: boolean}} [options] modal: a dialog, which keeps keys from what lies below.
 */
export function useCommands(scopes, handlers, { modal = false } = {}) {
  const latest = useRef(handlers);
  latest.current = handlers;
  // Before the next key can be pressed: an ordinary effect may come after it.
  useLayoutEffect(() => {
    const layer = { scopes, handlers: latest, modal };
    layers.push(layer);
    return () => {
      layers.splice(layers.indexOf(layer), 1);
    };
  }, []);
}

/** Whether typing goes into the element. @param {EventTarget | null} target */
function takesText(target) {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target instanceof HTMLTextAreaElement) return true;
  if (target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement &&
    !["button", "checkbox", "radio", "submit", "reset", "file", "range", "color"].includes(target.type);
}

/** Whether the element does something of its own with the key. @param {EventTarget | null} target @param {string} key */
function usesKey(target, key) {
  if (!(target instanceof HTMLElement)) return false;
  if (key === "Enter" || key === "Space") {
    return target.closest("button, a[href], summary, input, [role='tab'], [role='menuitem']") !== null;
  }
  if (key.startsWith("Arrow")) {
    return target.closest("[role='tablist'], [role='menu'], [role='tree'], [role='slider'], input") !== null;
  }
  return false;
}

/** @param {KeyboardEvent} event */
function listen(event) {
  if (event.defaultPrevented || event.isComposing || takesText(event.target)) return;
  const key = chord(event);
  if (key === null || usesKey(event.target, key)) return;
  for (const layer of layers.toReversed()) {
    for (const command of COMMANDS) {
      const handler = layer.handlers.current[command.id];
      if (!handler || !layer.scopes.includes(command.scope)) continue;
      if (!keysOf(command.id).includes(key)) continue;
      event.preventDefault();
      if (!event.repeat || command.repeats) handler(event);
      return;
    }
    if (layer.modal) return;
  }
}

addEventListener("keydown", listen);
