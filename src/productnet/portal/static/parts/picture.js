// A product's picture in a box of fixed shape, so that nothing moves when it arrives.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { titleOf } from "../lib/format.js";
import { Icon } from "./icon.js";

/**
 * @param {{card: Pick<import("../lib/types.js").Card, "product" | "title" | "thumbnail">,
 *   eager?: boolean, described?: boolean}} props
 *   described: its words are beside it already, so that the picture itself is silent.
 */
export function Picture({ card, eager = false, described = true }) {
  const [broken, setBroken] = useState(false);
  const words = described ? "" : titleOf(card).slice(0, 200);
  if (!card.thumbnail || broken) {
    return html`<span class="picture picture-none" role=${described ? undefined : "img"}
      aria-label=${described ? undefined : words}>
      <${Icon} name="image" size=${24} /><span class="picture-words">${
        broken ? "The picture did not load" : "No picture"}</span>
    </span>`;
  }
  return html`<span class="picture">
    <img src=${card.thumbnail} alt=${words} width="256" height="256" loading=${eager ? "eager" : "lazy"}
      decoding="async" draggable=${false} onError=${() => setBroken(true)} />
  </span>`;
}

/**
 * A strip of small pictures; each opens its product.
 * @param {{cards: import("../lib/types.js").Card[], open: (product: string) => void, label: string}} props
 */
export function Strip({ cards, open, label }) {
  return html`<ul class="strip" aria-label=${label}>
    ${cards.map((card) => html`<li key=${card.product}>
      <button type="button" class="strip-item" title=${titleOf(card).slice(0, 200)}
        aria-label=${titleOf(card).slice(0, 200)} onClick=${() => open(card.product)}>
        <${Picture} card=${card} />
      </button>
    </li>`)}
  </ul>`;
}
