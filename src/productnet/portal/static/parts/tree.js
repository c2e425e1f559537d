// The category tree as a list of rows, of which only those in sight are drawn.
// @ts-check

import { html, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { number } from "../lib/format.js";
import { go, href } from "../lib/router.js";
import { HITS_BELOW, fold, pathOf, rowsOf } from "../lib/taxonomy.js";
import { Icon } from "./icon.js";
import { Bar } from "./meter.js";

/** @import {Totals, Tree} from "../lib/taxonomy.js" */

/** Pixels; as --tree-row in home.css. */
const ROW = 36;
/** Rows drawn above and below those in sight. */
const BEYOND = 5;
/** A tree of no more nodes is shown open. */
const SMALL = 60;

/**
 * What stays when one goes to a leaf and comes back.
 * @type {{open: Set<number> | null, top: number, active: number}}
 */
const kept = { open: null, top: 0, active: 0 };

/**
 * The state of a tree on screen, for TreeView and for a search box that steers it.
 * @param {Tree} tree
 * @param {{marks: Uint8Array, found: number, first: number} | null} found What is looked for.
 */
export function useTree(tree, found) {
  const [open, setOpen] = useState(() => kept.open ?? /** @type {Set<number>} */ (new Set(tree.size <= SMALL ? tree.id.keys() : [])));
  // Opened and closed by hand among what was found; forgotten with the next search.
  const [turned, setTurned] = useState({ found, nodes: /** @type {Set<number>} */ (new Set()) });
  const [chosen, setChosen] = useState({ found, node: kept.active });
  const nodes = turned.found === found ? turned.nodes : null;
  const marks = found?.marks ?? null;
  const isOpen = useCallback((/** @type {number} */ i) => {
    if (tree.leaf[i]) return false;
    if (!marks) return open.has(i);
    const wouldBe = Boolean((marks[i] ?? 0) & HITS_BELOW);
    return nodes?.has(i) ? !wouldBe : wouldBe;
  }, [tree, marks, open, nodes]);
  const rows = useMemo(() => rowsOf(tree, marks, isOpen), [tree, marks, isOpen]);
  // The best of what was found is where Enter leads, until one goes elsewhere.
  const active = found && chosen.found !== found && found.first >= 0 ? found.first : chosen.node;
  const shown = rows.includes(active) ? active : rows[0] ?? -1;
  const setActive = (/** @type {number} */ node) => setChosen({ found, node });
  kept.open = open;
  kept.active = shown;

  const turn = (/** @type {number} */ i) => {
    const flip = (/** @type {Set<number>} */ set) => {
      const next = new Set(set);
      if (!next.delete(i)) next.add(i);
      return next;
    };
    if (marks) setTurned({ found, nodes: flip(nodes ?? new Set()) });
    else setOpen(flip(open));
  };
  const enter = (/** @type {number} */ i) => {
    if (tree.leaf[i]) go(href("/leaf", { id: tree.id[i] }));
    else turn(i);
  };
  /** @returns {boolean} Whether the key meant something. @param {string} key @param {number} page */
  const press = (key, page) => {
    const row = rows.indexOf(shown);
    const to = (/** @type {number} */ target) => {
      const node = rows[Math.min(Math.max(target, 0), rows.length - 1)];
      if (node !== undefined) setActive(node);
    };
    const above = tree.parent[shown] ?? -1;
    if (key === "ArrowDown") to(row + 1);
    else if (key === "ArrowUp") to(row - 1);
    else if (key === "PageDown") to(row + page);
    else if (key === "PageUp") to(row - page);
    else if (key === "Home") to(0);
    else if (key === "End") to(rows.length - 1);
    else if (key === "ArrowRight" && isOpen(shown)) to(row + 1);
    else if (key === "ArrowRight" && !tree.leaf[shown]) turn(shown);
    else if (key === "ArrowLeft" && isOpen(shown)) turn(shown);
    else if (key === "ArrowLeft" && above >= 0) setActive(above);
    else if (key === "Enter" || key === "Space") enter(shown);
    else return false;
    return true;
  };
  return { rows, active: shown, setActive, isOpen, turn, enter, press,
    shut: () => setOpen(new Set()), anyOpen: !marks && open.size > 0 };
}

/** Id of a row's element. @param {number} node */
export const rowId = (node) => `tree-row-${node}`;

/**
 * @param {{id: string, tree: Tree, totals: Totals, state: ReturnType<typeof useTree>, query: string}} props
 */
export function TreeView({ id, tree, totals, state, query }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [view, setView] = useState({ top: kept.top, height: 600 });
  const { rows, active, isOpen } = state;
  const row = rows.indexOf(active);
  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (box.current);
    element.scrollTop = kept.top;
    const measure = () => setView((was) => ({ ...was, height: element.clientHeight }));
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const shownFirst = useRef(true);
  useEffect(() => {
    // Coming back, what was in sight stays; after that the active row is kept in sight.
    if (shownFirst.current) {
      shownFirst.current = false;
      return;
    }
    const element = box.current;
    if (!element || row < 0) return;
    if (row * ROW < element.scrollTop) element.scrollTop = row * ROW;
    const below = (row + 1) * ROW - element.clientHeight;
    if (below > element.scrollTop) element.scrollTop = below;
  }, [row, rows]);
  const first = Math.max(0, Math.floor(view.top / ROW) - BEYOND);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW) + BEYOND);
  const drawn = rows.slice(first, last).map((node, at) => ({ node, at: first + at }));
  // The row that the keyboard is on exists wherever it is, since assistive technology is told of it.
  if (row >= 0 && (row < first || row >= last)) drawn.push({ node: active, at: row });
  const words = useMemo(() => fold(query).split(/[\s›>]+/).filter(Boolean), [query]);
  return html`<div ref=${box} id=${id} class="tree" role="tree" aria-label="Categories" tabindex="0"
    aria-activedescendant=${active >= 0 ? rowId(active) : undefined}
    onScroll=${(/** @type {any} */ event) => {
      kept.top = event.currentTarget.scrollTop;
      setView((was) => ({ ...was, top: kept.top }));
    }}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      const key = event.key === " " ? "Space" : event.key;
      if (state.press(key, Math.floor(view.height / ROW) - 1)) event.preventDefault();
    }}>
    <div class="tree-rows" role="presentation" style=${{ height: `${rows.length * ROW}px` }}>
      ${drawn.map(({ node, at }) => html`<${Row} key=${node} node=${node} top=${at * ROW} tree=${tree}
        totals=${totals} open=${isOpen(node)} active=${node === active} state=${state} words=${words} />`)}
    </div>
  </div>`;
}

/**
 * @param {{node: number, top: number, tree: Tree, totals: Totals, open: boolean, active: boolean,
 *   state: ReturnType<typeof useTree>, words: string[]}} props
 */
function Row({ node, top, tree, totals, open, active, state, words }) {
  const leaf = tree.leaf[node];
  const name = tree.label[node] ?? "";
  const leaves = tree.leaves[node] ?? 0;
  const wanted = totals.target * leaves;
  const counted = totals.counted[node] ?? 0;
  const disputed = totals.disputed[node] ?? 0;
  const toAudit = totals.toAudit[node] ?? 0;
  const people = totals.people.get(node) ?? [];
  const act = (/** @type {MouseEvent} */ event) => {
    state.setActive(node);
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    state.enter(node);
  };
  return html`<div id=${rowId(node)} class=${active ? "tree-row tree-active" : "tree-row"} role="treeitem"
    aria-level=${(tree.depth[node] ?? 0) + 1} aria-setsize=${tree.among[node]}
    aria-posinset=${tree.place[node]} aria-expanded=${leaf ? undefined : open} aria-selected=${active}
    style=${{ top: `${top}px`, paddingLeft: `${8 + 20 * (tree.depth[node] ?? 0)}px` }}
    title=${words.length ? pathOf(tree, node).join(" › ") : undefined} onClick=${act}>
    <span class=${open ? "tree-turn tree-open" : "tree-turn"}>${!leaf && html`<${Icon} name="right" size=${16} />`}</span>
    ${leaf
      ? html`<a class="tree-name clip" tabindex="-1" href=${href("/leaf", { id: tree.id[node] })}><bdi>${marked(name, words)}</bdi></a>`
      : html`<span class="tree-name tree-branch clip"><bdi>${marked(name, words)}</bdi></span>`}
    <span class="tree-tags">
      ${people.length > 0 && html`<span class="tag tag-accent tree-people" title=${people.join(", ")}><${Icon} name="person" size=${12} />${
        people.length === 1 ? html`<bdi>${people[0]}</bdi>` : number(people.length)}<span class="unseen"> at work</span></span>`}
      ${disputed > 0 && html`<span class="tag tag-bad">${number(disputed)} disputed</span>`}
      ${toAudit > 0 && html`<span class="tag tag-warn tree-audit">${number(toAudit)} to audit</span>`}
    </span>
    <span class="tree-far">
      <span class="tree-words small">${!leaf
        ? html`${number(totals.done[node] ?? 0)} <span class="muted">of ${number(leaves)} leaves</span><span class="unseen"> done</span>`
        : totals.begun[node]
          ? html`${number(totals.gold[node] ?? 0)} <span class="muted">of ${number(totals.target)}</span><span class="unseen"> gold</span>`
          : html`<span class="muted" aria-hidden="true">–</span><span class="unseen">not begun</span>`}</span>
      <span aria-hidden="true"><${Bar} label="Gold" target=${wanted || 1}
        parts=${[{ value: counted, kind: "gold" }, { value: Math.min(toAudit, wanted - counted), kind: "audit" }]} /></span>
    </span>
  </div>`;
}

/** A name with what was typed marked. @param {string} name @param {string[]} words */
function marked(name, words) {
  const folded = fold(name);
  const word = words.filter((each) => folded.includes(each)).sort((a, b) => b.length - a.length)[0];
  // Accents that folding took away would shift the place.
  if (!word || folded.length !== name.length) return name;
  const from = folded.indexOf(word);
  return html`${name.slice(0, from)}<mark>${name.slice(from, from + word.length)}</mark>${name.slice(from + word.length)}`;
}
