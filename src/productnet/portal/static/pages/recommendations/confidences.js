// How sure a model is of many products: a small bar chart over confidence.
// @ts-check

import { html } from "../../vendor/preact.js";
import { count, number, percent } from "../../lib/format.js";

/**
 * @param {{bins: number[], from?: number, small?: boolean}} props
 *   bins: how many in each equal part of 0 to 1; from: parts from here on are drawn in colour.
 */
export function Confidences({ bins, from = 0, small = false }) {
  const most = Math.max(...bins, 1);
  const sure = bins.slice(Math.floor(bins.length / 2)).reduce((sum, n) => sum + n, 0);
  const all = bins.reduce((sum, n) => sum + n, 0);
  return html`<span class="confidences ${small ? "confidences-small" : ""}" role="img"
    aria-label=${`${count(all, "product")}, ${number(sure)} of them at least 50 % sure`}>
    ${bins.map((n, at) => html`<span key=${at} class="confidences-bin ${(at + 1) / bins.length > from ? "confidences-in" : ""}"
      title="${percent(at / bins.length)} to ${percent((at + 1) / bins.length)}: ${count(n, "product")}">
      <span style=${{ height: n ? `${Math.max(6, (100 * n) / most)}%` : "0" }} /></span>`)}
  </span>`;
}
