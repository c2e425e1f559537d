// The frame of a page: its one heading, a line that says what it is for, its actions.
// @ts-check

import { html, useEffect } from "../vendor/preact.js";
import { session } from "../lib/session.js";

/** The browser tab's title while the component is shown. @param {string} title */
export function useTitle(title) {
  const project = session.value?.project.name;
  useEffect(() => {
    document.title = [title, project ?? "ProductNet"].filter(Boolean).join(" · ");
  }, [title, project]);
}

/**
 * @param {{title: string, lead?: unknown, actions?: unknown, wide?: boolean, children?: unknown}} props
 */
export function Page({ title, lead, actions, wide = false, children }) {
  useTitle(title);
  return html`<div class=${wide ? "page page-wide" : "page"}>
    <header class="page-head">
      <div>
        <h1>${title}</h1>
        ${lead && html`<p class="muted page-lead">${lead}</p>`}
      </div>
      ${actions && html`<div class="row page-actions">${actions}</div>`}
    </header>
    ${children}
  </div>`;
}

/**
 * A box on a page, with or without a heading.
 * @param {{title?: string, note?: unknown, actions?: unknown, class?: string, children?: unknown}} props
 */
export function Panel({ title, note, actions, class: extra = "", children }) {
  return html`<section class="panel ${extra}">
    ${title && html`<header class="panel-head">
      <div><h2>${title}</h2>${note && html`<p class="muted small">${note}</p>`}</div>
      ${actions && html`<div class="row">${actions}</div>`}
    </header>`}
    ${children}
  </section>`;
}
