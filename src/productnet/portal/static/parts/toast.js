// Short notices at the foot of the window, with at most one action.
// @ts-check

import { html, signal } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/**
 * @typedef {object} Toast
 * @property {number} id
 * @property {string} text
 * @property {"plain" | "good" | "bad"} tone
 * @property {{label: string, run: () => void}} [action]
 */

const toasts = signal(/** @type {Toast[]} */ ([]));
let last = 0;

/**
 * Show a notice; a new one takes the place of the one before.
 * @param {string} text
 * @param {{tone?: Toast["tone"], action?: Toast["action"], seconds?: number}} [options]
 * @returns {() => void} Takes it away.
 */
export function toast(text, { tone = "plain", action, seconds = action ? 8 : 5 } = {}) {
  const id = ++last;
  toasts.value = [{ id, text, tone, ...(action && { action }) }];
  const drop = () => {
    toasts.value = toasts.peek().filter((one) => one.id !== id);
  };
  setTimeout(drop, seconds * 1000);
  return drop;
}

/** Take every notice away. */
export function dropToasts() {
  if (toasts.peek().length) toasts.value = [];
}

export function Toasts() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${toasts.value.map((one) => html`<div key=${one.id} class="toast toast-${one.tone}">
      ${one.tone !== "plain" && html`<${Icon} name=${one.tone === "good" ? "yes" : "warning"} />`}
      <span>${one.text}</span>
      ${one.action && html`<button type="button" class="toast-action" onClick=${() => {
        dropToasts();
        one.action?.run();
      }}>${one.action.label}</button>`}
    </div>`)}
  </div>`;
}
