// A product in full: every field, every image, and the answers within reach.
// @ts-check

import { html, useEffect, useState } from "../vendor/preact.js";
import { getProduct } from "../lib/api.js";
import { brief, label, number, titleOf } from "../lib/format.js";
import { keyName } from "../lib/keys.js";
import { useLoad } from "../lib/load.js";
import { ANSWERS } from "./card.js";
import { Dialog } from "./dialog.js";
import { Failure, Skeleton } from "./empty.js";
import { Icon } from "./icon.js";

/** @import {Card, Product, Verdict} from "../lib/types.js" */

// Text shown before "show all": a description may be a whole page.
const SHOWN = 1200;

/** Products seen lately, so that going back and forth is immediate. @type {Map<string, Promise<Product>>} */
const seen = new Map();

/** @param {string} id @returns {Promise<Product>} */
export function product(id) {
  const found = seen.get(id) ?? getProduct(id);
  seen.delete(id);
  seen.set(id, found);
  found.catch(() => seen.delete(id));
  if (seen.size > 50) seen.delete(/** @type {string} */ (seen.keys().next().value));
  return found;
}

/**
 * @param {{product: string, card?: Card, close: () => void, place?: string,
 *   move?: (step: number) => void, answer?: (verdict: Verdict) => void, undo?: () => void,
 *   given?: Verdict | null}} props
 *   card: what is known already, shown until the rest is there; move, answer, undo: absent where
 *   the product is only to be looked at.
 */
export function Detail({ product: id, card, close, place, move, answer, undo, given }) {
  const { data, problem, reload } = useLoad(() => product(id), [id]);
  const [shown, setShown] = useState(0);
  useEffect(() => setShown(0), [id]);
  const images = data?.images ?? [];
  const turn = (/** @type {number} */ step) =>
    setShown((was) => (images.length ? (was + step + images.length) % images.length : 0));
  /** @type {Record<string, () => void>} */
  const commands = {
    "detail-close": close,
    "detail-next-image": () => turn(1),
    "detail-previous-image": () => turn(-1),
    ...(move && { "detail-next": () => move(1), "detail-previous": () => move(-1) }),
    ...(answer && {
      "detail-yes": () => answer("positive"),
      "detail-no": () => answer("negative"),
      "detail-unsure": () => answer("unsure"),
    }),
    ...(undo && { "detail-undo": undo }),
  };
  const title = data ?? card;
  return html`<${Dialog} size="large" still class="detail" close=${close} scopes=${["detail"]} commands=${commands}
    title=${html`<bdi>${title ? brief(titleOf(title), 200) : id}</bdi>`}
    footer=${(move || answer) && html`
      ${move && html`<button type="button" class="button button-icon" aria-label="Previous product"
          title="Previous product (${keyName("detail-previous")})" onClick=${() => move(-1)}><${Icon} name="left" /></button>
        <span class="muted small">${place}</span>
        <button type="button" class="button button-icon" aria-label="Next product"
          title="Next product (${keyName("detail-next")})" onClick=${() => move(1)}><${Icon} name="right" /></button>`}
      <span class="push" />
      ${answer && ANSWERS.map(({ verdict, command, icon, words }) => html`<button key=${verdict} type="button"
        class="button detail-answer detail-answer-${verdict}" aria-pressed=${given === verdict} onClick=${() => answer(verdict)}>
        <${Icon} name=${icon} size=${16} /> ${words} <kbd class="tab-key">${keyName(`detail-${command}`)}</kbd></button>`)}`}>
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : html`<div class="detail-body">
        <${Gallery} images=${images} shown=${shown} show=${setShown} thumb=${(data ?? card)?.thumbnail ?? null} ready=${data !== null} fault=${data?.image_error ?? null} />
        ${data ? html`<${Fields} key=${id} data=${data} card=${card} />` : html`<${Skeleton} lines=${8} />`}
      </div>`}
  <//>`;
}

/** @param {{images: Product["images"], shown: number, show: (n: number) => void,
 *   thumb: string | null, ready: boolean, fault: string | null}} props */
export function Gallery({ images, shown, show, thumb, ready, fault }) {
  const image = images[shown];
  return html`<div class="gallery">
    <div class="gallery-main">
      ${image ? html`<img key=${image.url} src=${image.url} alt="Image ${shown + 1} of ${images.length}"
          width=${image.width} height=${image.height} decoding="async" />`
        : thumb && !ready ? html`<img src=${thumb} alt="" />`
        : html`<span class="picture picture-none"><${Icon} name="image" size=${28} /><span class="picture-words">${fault || "No picture"}</span></span>`}
    </div>
    ${images.length > 1 && html`<div class="gallery-strip" role="group" aria-label="Images">
      ${images.map((each, at) => html`<button key=${each.url} type="button" class="gallery-thumb" aria-pressed=${at === shown}
        aria-label="Image ${at + 1} of ${images.length}" onClick=${() => show(at)}>
        <img src=${each.url} alt="" loading="lazy" decoding="async" width=${each.width} height=${each.height} /></button>`)}
    </div>`}
  </div>`;
}

/** @param {{data: Product, card?: any}} props */
export function Fields({ data, card }) {
  return html`<dl class="fields" tabindex="0" aria-label="Fields">
    ${Object.entries(data.fields).filter(([, text]) => text).map(([name, text]) => html`<div key=${name} class="fields-line">
      <dt>${label(name)}</dt><dd><${LongText} text=${text} /></dd></div>`)}
    <div class="fields-line"><dt>Id</dt><dd><code><bdi>${data.product}</bdi></code></dd></div>
    ${card?.source && html`<div class="fields-line"><dt>Why it is here</dt><dd><span class="dot dot-${card.source}" /> ${label(card.source)}:
      ${" "}<bdi>${card.reason}</bdi>${card.score != null && html`<span class="muted">, score ${card.score.toFixed(2)}</span>`}
      ${card.model_version && html`<br /><span class="muted small">Model ${card.model_version}${card.behind > 0 && `, ${card.behind} answers behind`}</span>`}</dd></div>`}
    ${card?.copy_count > 0 && html`<div class="fields-line"><dt>Copies</dt><dd>${number(card.copy_count)} near-duplicates:
      ${" "}<span class="muted small"><bdi>${card.copies.join(", ")}</bdi>${card.copy_count > card.copies.length ? " …" : ""}</span></dd></div>`}
  </dl>`;
}

/** @param {{text: string}} props */
function LongText({ text }) {
  const [whole, setWhole] = useState(false);
  if (text.length <= SHOWN || whole) return html`<bdi class="fields-text">${text}</bdi>`;
  return html`<bdi class="fields-text">${brief(text, SHOWN)}</bdi>
    <button type="button" class="button button-small" onClick=${() => setWhole(true)}>Show all ${number(text.length)} characters</button>`;
}
