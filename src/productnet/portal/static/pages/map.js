// The map page: every product where what is like it is; select some, and label them.
// @ts-check

import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { Problem, getMap, getMapColours, getMapLegend, getMapPoints } from "../lib/api.js";
import { count, number } from "../lib/format.js";
import * as live from "../lib/live.js";
import { useFresh, useLoad } from "../lib/load.js";
import { Plane } from "../lib/plane.js";
import { Scatter } from "../lib/scatter.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Select } from "../parts/field.js";
import { Page } from "../parts/page.js";
import { Chart } from "./map/chart.js";
import { LeafPicker } from "./map/leaf_picker.js";
import { Groups } from "./map/groups.js";
import { Selection } from "./map/selection.js";

/** @import {MapBy, MapLegend, MapState} from "../lib/types.js" */

/** Milliseconds after somebody's answer until colours are asked for again. */
const SETTLED = 15_000;

/** @type {{value: MapBy, label: string}[]} */
const COLOURINGS = [
  { value: "leaf", label: "Gold leaf" },
  { value: "verdict", label: "Verdict" },
  { value: "disagreement", label: "Disagreement" },
];

/** @param {{query: URLSearchParams}} _props */
export default function MapPage(_props) {
  const { data, problem, reload } = useLoad(getMap, []);
  useEffect(() => live.on("activated", reload), []);
  const lead = data?.ready
    ? html`${count(data.count, "product")}, like beside like, by embedding set <b>${data.embedding_set}</b>.${
        data.missing > 0 && html` ${count(data.missing, "product")} came later: <code>productnet embed</code> adds them.`}`
    : "Every product, like beside like.";
  return html`<${Page} title="Map" wide lead=${lead}>
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<${Waiting} />`
      : !data.ready ? html`<${Empty} title="There is no map yet" action=${html`<button type="button"
          class="button" onClick=${reload}>Look again</button>`}>${data.why}<//>`
      : html`<${Loaded} key=${data.version} map=${data} />`}
  <//>`;
}

/** The page's own shape until the map is there. */
function Waiting() {
  return html`<div class="map-page" aria-busy="true">
    <div class="map-tools"></div>
    <div class="map-chart skeleton-box"></div>
    <div class="map-side"><div class="panel"><${Skeleton} lines=${8} label="Loading the map" /></div></div>
  </div>`;
}

/** @param {{map: MapState}} props */
function Loaded({ map }) {
  const { data, problem, reload } = useLoad(async () => new Float32Array(await getMapPoints()), [map.version]);
  if (problem && !data) return html`<${Failure} problem=${problem} retry=${reload} />`;
  if (!data) return html`<${Waiting} />`;
  return html`<${Ready} map=${map} points=${data} />`;
}

/**
 * Colours and what they mean, of one moment.
 * @param {import("../lib/api.js").MapColouring} colouring
 * @returns {Promise<{legend: MapLegend, codes: Uint8Array<ArrayBuffer>}>}
 */
async function coloured(colouring) {
  for (let turn = 0; turn < 3; turn++) {
    const before = await getMapLegend(colouring);
    const codes = new Uint8Array(await getMapColours(colouring));
    const legend = await getMapLegend(colouring);
    // Somebody answered in between: the two may not belong together.
    if (before.version === legend.version) return { legend, codes };
  }
  throw new Problem(0, "The colours change", "People answer faster than colours load. Try again.");
}

/** @param {{map: MapState, points: Float32Array<ArrayBuffer>}} props */
function Ready({ map, points }) {
  const [by, setBy] = useState(/** @type {MapBy} */ ("leaf"));
  const [leaf, setLeaf] = useState(/** @type {{id: string, name: string} | null} */ (null));
  const [only, setOnly] = useState(-1);
  const [rows, setRows] = useState(/** @type {number[]} */ ([]));
  const [target, setTarget] = useState(/** @type {{x: number, y: number} | null} */ (null));
  const plane = useMemo(() => new Plane(points), [points]);
  const possible = useMemo(Scatter.possible, []);
  const of = by === "verdict" ? leaf?.id : undefined;
  const { data, problem, reload } = useLoad(() => coloured({ by, ...(of && { leaf: of }) }), [by, of]);
  useFresh(["progress"], reload, SETTLED);
  useEffect(() => setOnly(-1), [by, of]);
  const groups = data?.legend.groups ?? null;
  const all = (/** @type {number} */ code) => {
    const codes = data?.codes ?? new Uint8Array();
    const found = [];
    for (let i = 0; i < codes.length; i++) if (codes[i] === code) found.push(i);
    return found;
  };
  return html`<div class="map-page">
    <div class="row map-tools">
      <${Select} inline label="Colour by" value=${by} options=${COLOURINGS}
        choose=${(/** @type {MapBy} */ value) => setBy(value)} />
      ${by === "verdict" && html`<${LeafPicker} label="of leaf" placeholder="all leaves" chosen=${leaf} choose=${setLeaf} />`}
      ${by === "leaf" && groups?.length === 1 && html`<span class="muted small">Nothing is gold yet: every point is grey.</span>`}
    </div>
    ${possible
      ? html`<${Chart} points=${points} plane=${plane} version=${map.version} codes=${data?.codes ?? null}
          groups=${groups} only=${only} rows=${rows} choose=${setRows} target=${target} />`
      : html`<div class="map-chart map-none"><${Empty} icon="warning" title="The map cannot be drawn here">
          This browser has no WebGL 2, or it is switched off. The table beside holds the same groups:
          select the products of one, and label them.<//></div>`}
    <div class="map-side stack">
      <${Selection} rows=${rows} version=${map.version} clear=${() => setRows([])} />
      ${problem && !groups ? html`<div class="panel"><${Failure} problem=${problem} retry=${reload} /></div>`
        : !groups ? html`<div class="panel"><${Skeleton} lines=${8} label="Loading the colours" /></div>`
        : html`<${Groups} groups=${groups} total=${map.count} only=${only}
            isolate=${(/** @type {number} */ code) => setOnly(code === only ? -1 : code)}
            select=${(/** @type {number} */ code) => setRows(all(code))}
            show=${possible ? (/** @type {{x: number, y: number}} */ place) => setTarget({ ...place }) : null} />`}
    </div>
    <p class="unseen" role="status">${rows.length ? `${number(rows.length)} products selected` : ""}</p>
  </div>`;
}
