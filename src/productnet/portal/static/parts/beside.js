// Beside what is judged: where the leaf is, and products of it that are settled.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { Detail } from "./detail.js";
import { Strip } from "./picture.js";

/** @import {Card} from "../lib/types.js" */

/** Names from the root down to the leaf, less the leaf itself. @param {{path: string[]}} props */
export function Crumbs({ path }) {
  return html`<nav class="crumbs small" aria-label="Path of ${path.at(-1)}"><ol class="crumbs-list">
    ${path.slice(0, -1).map((name, at) => html`<li key=${at}><bdi>${name}</bdi></li>`)}
  </ol></nav>`;
}

/**
 * Small pictures of products to compare with; each opens in full, to be looked at only.
 * @param {{title: string, cards: Card[] | null, empty: string, failed?: () => void}} props
 *   cards: null while they load; failed: loads them again, where they could not be loaded.
 */
export function References({ title, cards, empty, failed }) {
  const [open, setOpen] = useState(/** @type {string | null} */ (null));
  const at = cards?.findIndex((one) => one.product === open) ?? -1;
  return html`<section class="beside-part"><h2>${title}</h2>
    ${failed ? html`<p class="muted small">They did not load. <button type="button" class="button button-small" onClick=${failed}>Try again</button></p>`
      : !cards ? html`<div class="strip" aria-hidden="true">${Array.from({ length: 4 }, (_, n) => html`<span key=${n} class="skeleton-box strip-item strip-wait" />`)}</div>`
      : cards.length ? html`<${Strip} cards=${cards} label=${title} open=${setOpen} />`
      : html`<p class="muted small">${empty}</p>`}
    ${open !== null && at >= 0 && html`<${Detail} product=${open} card=${cards?.[at]} close=${() => setOpen(null)}
      move=${(/** @type {number} */ step) => {
        const to = cards?.[at + step];
        if (to) setOpen(to.product);
      }} place="${at + 1} of ${cards?.length}" />`}
  </section>`;
}
