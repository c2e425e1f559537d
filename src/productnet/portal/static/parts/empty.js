// What stands where there is nothing to show: empty, not loaded yet, failed.
// @ts-check

import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/**
 * Nothing is here, and what to do about it.
 * @param {{icon?: import("./icon.js").IconName, title: string, action?: unknown, children?: unknown}} props
 */
export function Empty({ icon = "search", title, action, children }) {
  return html`<div class="empty">
    <span class="empty-icon"><${Icon} name=${icon} size=${28} /></span>
    <p class="empty-title">${title}</p>
    ${children && html`<div class="muted empty-text">${children}</div>`}
    ${action && html`<div class="row empty-action">${action}</div>`}
  </div>`;
}

/**
 * Something failed: in the server's words, with a way to try again.
 * @param {{problem: import("../lib/api.js").Problem, retry?: () => void, title?: string,
 *   more?: unknown}} props more: further ways out.
 */
export function Failure({ problem, retry, title, more }) {
  const heading = title ?? (problem.status === 0 ? "No connection" : problem.title) ?? "It failed";
  return html`<div class="empty failure" role="alert">
    <span class="empty-icon"><${Icon} name="warning" size=${28} /></span>
    <p class="empty-title">${heading}</p>
    <div class="muted empty-text">${problem.detail}</div>
    <div class="row empty-action">
      ${retry && html`<button type="button" class="button" onClick=${retry}>
        <${Icon} name="refresh" /> Try again</button>`}
      ${more}
    </div>
  </div>`;
}

/**
 * Grey bars in the place of text that is on its way.
 * @param {{lines?: number, label?: string}} props
 */
export function Skeleton({ lines = 3, label = "Loading" }) {
  return html`<div class="skeleton" role="status">
    <span class="unseen">${label}</span>
    ${Array.from({ length: lines }, (_, at) => html`<span key=${at} class="skeleton-line" />`)}
  </div>`;
}
