// A box to find a leaf by name in the whole taxonomy.
// @ts-check

import { html, useEffect, useId, useMemo, useState } from "../../vendor/preact.js";
import { getTree } from "../../lib/api.js";
import { useLoad } from "../../lib/load.js";

/** Leaves offered at a time. */
const OFFERED = 40;

/** @typedef {{id: string, name: string}} Choice name: its path, which tells it from others. */

/**
 * @param {{label: string, placeholder?: string, chosen: Choice | null,
 *   choose: (leaf: Choice | null) => void, stacked?: boolean}} props
 */
export function LeafPicker({ label, placeholder = "", chosen, choose, stacked = false }) {
  const id = useId();
  const [text, setText] = useState(chosen?.name ?? "");
  const { data, problem } = useLoad(getTree, []);
  useEffect(() => { if (chosen) setText(chosen.name); }, [chosen]);
  const leaves = useMemo(() => (data ? leavesOf(data) : []), [data]);
  const offered = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    return leaves.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word))).slice(0, OFFERED);
  }, [leaves, text]);
  const typed = (/** @type {string} */ value) => {
    setText(value);
    const exact = leaves.find(({ name }) => name === value);
    if (exact) choose(exact);
    else if (chosen) choose(null);
  };
  const settle = () => {
    const [first] = offered;
    if (text.trim() && !chosen && offered.length === 1 && first) choose(first);
  };
  return html`<div class=${stacked ? "field" : "field field-inline"}>
    <label for=${id}>${label}</label>
    <input id=${id} class="input map-leaf" list="${id}-leaves" value=${text} placeholder=${placeholder}
      autocomplete="off" aria-invalid=${problem ? "true" : undefined} title=${problem?.detail}
      onInput=${(/** @type {any} */ event) => typed(event.currentTarget.value)} onBlur=${settle} />
    <datalist id="${id}-leaves">${offered.map((leaf) => html`<option key=${leaf.id} value=${leaf.name} />`)}</datalist>
  </div>`;
}

/** @param {{id: string[], label: string[], parent: number[], leaf: boolean[]}} tree @returns {Choice[]} */
function leavesOf({ id, label, parent, leaf }) {
  /** @type {string[]} */
  const paths = [];
  id.forEach((_, i) => {
    const above = paths[parent[i] ?? -1];
    paths.push(above ? `${above} › ${label[i]}` : label[i] ?? "");
  });
  return id.flatMap((one, i) => (leaf[i] ? [{ id: one, name: paths[i] ?? one }] : []));
}
