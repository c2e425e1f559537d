// What the colours mean, as a table: for eyes a legend, for everybody the map in words.
// @ts-check

import { html } from "../../vendor/preact.js";
import { number, percent } from "../../lib/format.js";
import { Icon } from "../../parts/icon.js";

/** @import {MapGroup} from "../../lib/types.js" */

/** The class of a group's colour; the canvas reads its colour from there. @param {MapGroup} group */
export const hueOf = (group) =>
  `map-hue map-hue-${group.kind === "leaf" ? `leaf-${group.code}` : group.kind}`;

/**
 * @param {{groups: MapGroup[], total: number, only: number, isolate: (code: number) => void,
 *   select: (code: number) => void, show: ((place: {x: number, y: number}) => void) | null}} props
 *   show: brings a place into sight; null where nothing is drawn.
 */
export function Groups({ groups, total, only, isolate, select, show }) {
  const shown = [...groups].sort((a, b) => Number(a.kind === "none") - Number(b.kind === "none"));
  return html`<section class="panel map-groups">
    <h2>Groups</h2>
    <div class="scroll"><table class="table">
      <caption class="unseen">Products on the map by colour</caption>
      <thead><tr><th scope="col">Colour</th><th scope="col" class="number">Products</th>
        <th scope="col"><span class="unseen">What to do</span></th></tr></thead>
      <tbody>${shown.map((group) => html`<tr key=${group.code} class=${only >= 0 && only !== group.code ? "map-aside" : ""}>
        <th scope="row"><button type="button" class="map-name" aria-pressed=${only === group.code}
          title=${only === group.code ? "Show all again" : "Show these alone"} onClick=${() => isolate(group.code)}>
          <span class=${hueOf(group)} aria-hidden="true" /><bdi class="clip" title=${group.label}>${group.label}</bdi></button></th>
        <td class="number" title=${percent(group.count / Math.max(1, total), 1)}>${number(group.count)}</td>
        <td><span class="map-row-actions">
          ${show && group.kind !== "none" && html`<button type="button" class="button button-quiet button-small" disabled=${!group.count}
            title="Go to it on the map" aria-label="Go to ${group.label}" onClick=${() => show(group)}><${Icon} name="zoom" size=${16} /></button>`}
          <button type="button" class="button button-quiet button-small" disabled=${!group.count}
            aria-label="Select ${group.label}" onClick=${() => select(group.code)}>Select</button>
        </span></td>
      </tr>`)}</tbody>
    </table></div>
  </section>`;
}
