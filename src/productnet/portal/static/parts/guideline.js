// What belongs in a leaf, in the words of whoever wrote its guideline; and the way to write it.
// @ts-check

import { href } from "../lib/router.js";
import { can } from "../lib/session.js";
import { html } from "../vendor/preact.js";
import { Icon } from "./icon.js";

/** @import {Guideline} from "../lib/types.js" */

/** @param {{guideline: Guideline, fault?: string | null}} props */
export function GuidelineText({ guideline, fault = null }) {
  const { definition, include, exclude, examples } = guideline;
  if (fault) return html`<p class="small">It cannot be read just now: <span class="muted">${fault}</span></p>`;
  if (!isWritten(guideline)) {
    return html`<p class="muted small">Nobody has written one yet. Go by the name and the siblings; where you are torn,
      say unsure and leave a note.</p>`;
  }
  return html`<div class="guideline">
    ${definition && html`<p><bdi>${definition}</bdi></p>`}
    <${Kinds} icon="yes" words="Belongs" items=${include} />
    <${Kinds} icon="no" words="Does not" items=${exclude} />
    ${examples.length > 0 && html`<div><h3>Typical</h3><ul>${examples.map((one, at) => html`<li key=${at}><bdi>${one}</bdi></li>`)}</ul></div>`}
  </div>`;
}

/** For those who may write it. @param {{leaf: string, written: boolean}} props */
export function EditGuideline({ leaf, written }) {
  if (!can("admin")) return null;
  return html`<a class="button button-small guideline-edit" href=${href("/guideline", { id: leaf })}>
    <${Icon} name="note" size=${14} /> ${written ? "Edit" : "Write one"}</a>`;
}

/** Whether anybody has written one. @param {Guideline} guideline */
export function isWritten({ definition, include, exclude, examples }) {
  return Boolean(definition || include.length || exclude.length || examples.length);
}

/** @param {{icon: "yes" | "no", words: string, items: string[]}} props */
function Kinds({ icon, words, items }) {
  if (!items.length) return null;
  return html`<div><h3 class="guideline-${icon}"><${Icon} name=${icon} size=${14} /> ${words}</h3>
    <ul>${items.map((one, at) => html`<li key=${at}><bdi>${one}</bdi></li>`)}</ul></div>`;
}
