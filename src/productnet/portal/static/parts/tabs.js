// Tabs: one of a few, by click or arrow keys. Also as a small segmented control.
// @ts-check

import { html, useRef } from "../vendor/preact.js";

/** @typedef {{id: string, label: unknown, help?: string, key?: string, dot?: string}} Tab */

/**
 * @param {{label: string, tabs: Tab[], chosen: string, choose: (id: string) => void,
 *   small?: boolean, panel?: string}} props
 *   label: for screen readers; panel: id of the element that the tabs change; dot: a CSS class.
 */
export function Tabs({ label, tabs, chosen, choose, small = false, panel }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const move = (/** @type {KeyboardEvent} */ event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -tabs.length, End: tabs.length }[event.key];
    if (!step || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const at = tabs.findIndex((tab) => tab.id === chosen);
    const to = Math.abs(step) === 1
      ? (at + step + tabs.length) % tabs.length
      : step < 0 ? 0 : tabs.length - 1;
    const tab = tabs[to];
    if (!tab) return;
    choose(tab.id);
    /** @type {HTMLElement | undefined} */ (list.current?.children[to])?.focus();
  };
  return html`<div ref=${list} class=${small ? "segments" : "tabs"} role="tablist"
    aria-label=${label} onKeyDown=${move}>
    ${tabs.map((tab) => html`<button key=${tab.id} type="button" role="tab" class="tab"
      aria-selected=${tab.id === chosen} tabindex=${tab.id === chosen ? 0 : -1}
      aria-controls=${panel} title=${tab.help}
      onClick=${() => choose(tab.id)}>
      ${tab.dot && html`<span class="dot ${tab.dot}" />`}${tab.label}
      ${tab.key && html`<kbd class="tab-key" aria-hidden="true">${tab.key}</kbd>`}
    </button>`)}
  </div>`;
}
