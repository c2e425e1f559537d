// Beside the candidates: the guideline, the leaf's products so far, and its siblings.
// @ts-check

import { html, useEffect, useState } from "../../vendor/preact.js";
import { getLeafProducts } from "../../lib/api.js";
import { number } from "../../lib/format.js";
import { useLoad } from "../../lib/load.js";
import { pref } from "../../lib/prefs.js";
import { href } from "../../lib/router.js";
import { Detail } from "../../parts/detail.js";
import { EditGuideline, GuidelineText, isWritten } from "../../parts/guideline.js";
import { Icon } from "../../parts/icon.js";
import { Strip } from "../../parts/picture.js";

/** @import {Leaf, LeafProgress} from "../../lib/types.js" */

const closed = pref("leafClosed", /** @type {string[]} */ ([]));
const SHOWN = 15;

/** @param {{leaf: Leaf, progress: LeafProgress}} props */
export function LeafAside({ leaf, progress }) {
  return html`<aside class="leaf-aside" aria-label="Guideline and examples">
    <${Guideline} leaf=${leaf} />
    <${Examples} leaf=${leaf.id} kind="positives" title="Positives" fresh=${progress.labelled_positive}
      empty="None yet. They appear here as you find them." />
    <${Examples} leaf=${leaf.id} kind="hard_negatives" title="Hard negatives" fresh=${progress.hard_negatives}
      empty="None yet: products that look as if they belonged, and do not." />
    <${Fold} id="siblings" title="Siblings" count=${leaf.siblings.length}>
      ${leaf.siblings.length ? html`<ul class="siblings">${leaf.siblings.map((one) => html`<li key=${one.id}>
          <a class="siblings-link" href=${href("/leaf", { id: one.id })}><span class="clip"><bdi>${one.name}</bdi></span>
            <span class="muted small" title="Gold">${one.gold === null ? "" : number(one.gold)}</span></a></li>`)}</ul>`
        : html`<p class="muted small">It has no siblings.</p>`}
    <//>
  </aside>`;
}

/** A part of the aside that folds, and stays folded. @param {{id: string, title: string, count?: number, children?: unknown}} props */
function Fold({ id, title, count, children }) {
  const open = !closed.value.includes(id);
  return html`<section class="fold">
    <h2><button type="button" class="fold-head" aria-expanded=${open} aria-controls="fold-${id}" onClick=${() => {
      closed.value = open ? [...closed.value, id] : closed.value.filter((one) => one !== id);
    }}><${Icon} name=${open ? "down" : "right"} size=${14} /> ${title}
      ${count != null && html`<span class="muted fold-count">${number(count)}</span>`}</button></h2>
    ${open && html`<div id="fold-${id}" class="fold-body">${children}</div>`}
  </section>`;
}

/** @param {{leaf: Leaf}} props */
function Guideline({ leaf }) {
  return html`<${Fold} id="guideline" title="Guideline">
    <${GuidelineText} guideline=${leaf.guideline} fault=${leaf.guideline_fault} />
    <${EditGuideline} leaf=${leaf.id} written=${isWritten(leaf.guideline) || leaf.guideline_fault !== null} />
  <//>`;
}

/**
 * @param {{leaf: string, kind: "positives" | "hard_negatives", title: string, fresh: number, empty: string}} props
 *   fresh: changes when there may be more.
 */
function Examples({ leaf, kind, title, fresh, empty }) {
  const { data, problem, reload } = useLoad(() => getLeafProducts(leaf, kind, { limit: SHOWN }), [leaf, kind]);
  const [open, setOpen] = useState(/** @type {string | null} */ (null));
  useEffect(() => {
    // Not at every answer: the strip is for looking at, and a new picture every second is noise.
    const timer = setTimeout(reload, 3000);
    return () => clearTimeout(timer);
  }, [fresh]);
  const cards = data?.items ?? [];
  return html`<${Fold} id=${kind} title=${title}>
    ${cards.length ? html`<${Strip} cards=${cards} label=${title} open=${setOpen} />`
      : problem ? html`<p class="muted small">They did not load. <button type="button" class="button button-small" onClick=${reload}>Try again</button></p>`
      : data ? html`<p class="muted small">${empty}</p>`
      : html`<div class="strip" aria-hidden="true">${Array.from({ length: 4 }, (_, at) => html`<span key=${at} class="skeleton-box strip-item strip-wait" />`)}</div>`}
    ${open !== null && html`<${Detail} product=${open} card=${cards.find((one) => one.product === open)} close=${() => setOpen(null)}
      move=${(/** @type {number} */ step) => {
        const to = cards[cards.findIndex((one) => one.product === open) + step];
        if (to) setOpen(to.product);
      }} place="${cards.findIndex((one) => one.product === open) + 1} of ${cards.length}" />`}
  <//>`;
}
