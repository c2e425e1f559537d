// The selected products: a few of their pictures, and the way to label them.
// @ts-check

import { html, useState } from "../../vendor/preact.js";
import { getMapIds, getMapProducts } from "../../lib/api.js";
import { count, number } from "../../lib/format.js";
import { useLoad } from "../../lib/load.js";
import { go, href } from "../../lib/router.js";
import { asProblem, can } from "../../lib/session.js";
import { Detail } from "../../parts/detail.js";
import { Failure, Skeleton } from "../../parts/empty.js";
import { Strip } from "../../parts/picture.js";
import { toast } from "../../parts/toast.js";
import { LeafPicker } from "./leaf_picker.js";

const PICTURES = 24;
/** Candidates a leaf page takes at once: more than anybody decides in a sitting. */
const MOST_OPENED = 2_000;

/** Some of the rows, at equal steps, so that they stand for all. @param {number[]} rows @param {number} most */
const some = (rows, most) => rows.length <= most ? rows
  : Array.from({ length: most }, (_, i) => rows[Math.floor((i * rows.length) / most)] ?? 0);

/** @param {{rows: number[], version: string, clear: () => void}} props */
export function Selection({ rows, version, clear }) {
  const [leaf, setLeaf] = useState(/** @type {{id: string, name: string} | null} */ (null));
  const [open, setOpen] = useState(/** @type {string | null} */ (null));
  const [busy, setBusy] = useState(false);
  const { data, problem, reload } = useLoad(
    async () => (rows.length ? (await getMapProducts(version, some(rows, PICTURES))).items : []), [rows, version]);
  const label = async () => {
    if (!leaf) return;
    setBusy(true);
    try {
      const { ids } = await getMapIds(version, some(rows, MOST_OPENED));
      sessionStorage.setItem("productnet.selection", JSON.stringify(ids));
      go(href("/leaf", { id: leaf.id, from: "selection" }));
    } catch (error) {
      toast(asProblem(error).detail, { tone: "bad" });
      setBusy(false);
    }
  };
  if (!rows.length) {
    return html`<section class="panel map-selection"><h2>Selection</h2>
      <p class="muted small">Draw around products with the lasso (hold Shift and drag), or select a
        group below. ${can("labeler") && "Then open them as candidates of a leaf."}</p></section>`;
  }
  const rest = rows.length - (data?.length ?? 0);
  return html`<section class="panel map-selection">
    <header class="panel-head"><h2>${count(rows.length, "product")} selected</h2>
      <button type="button" class="button button-small" onClick=${clear}>Drop</button></header>
    ${problem ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<${Skeleton} lines=${3} label="Loading products" />`
      : html`<${Strip} cards=${data} label="Some of the selected products" open=${setOpen} />
          ${rest > 0 && html`<p class="muted small">and ${number(rest)} more</p>`}`}
    ${can("labeler") && html`<form class="stack map-open" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); label(); }}>
      <${LeafPicker} stacked label="Open as candidates of" placeholder="Name of a leaf" chosen=${leaf} choose=${setLeaf} />
      <button type="submit" class="button button-primary" disabled=${!leaf || busy}>Label them</button>
      ${rows.length > MOST_OPENED && html`<p class="muted small">${number(MOST_OPENED)} of them, from all over the selection, are opened.</p>`}
    </form>`}
    ${open !== null && html`<${Detail} product=${open} close=${() => setOpen(null)}
      card=${data?.find((card) => card.product === open)} />`}
  </section>`;
}
