// The category tree in the browser: its shape, progress rolled up from leaves, and search.
// @ts-check

/** @import {Progress, TreeColumns} from "./types.js" */

/**
 * The tree, depth first: node `i` has its descendants at `i + 1` to `end[i] - 1`.
 * @typedef {object} Tree
 * @property {number} size
 * @property {string[]} id
 * @property {string[]} label
 * @property {Int32Array} parent -1 of a root.
 * @property {Uint8Array} depth 0 of a root.
 * @property {Int32Array} end
 * @property {Int32Array} leaves How many are at or below a node.
 * @property {boolean[]} leaf
 * @property {Int32Array} place Its number among its siblings, from 1.
 * @property {Int32Array} among How many those are.
 * @property {string[]} name As it is searched: lower case, without accents.
 * @property {string[]} path The same of the whole path.
 * @property {Map<string, number>} at Id to node.
 */

/** What is asked of a leaf's progress. @typedef {"all" | "unfinished" | "begun" | "to_audit" | "disputed" | "done" | "untouched"} Filter */

/**
 * Counts of every node, of all leaves at or below it.
 * @typedef {object} Totals
 * @property {number} target Gold wanted of a leaf.
 * @property {Int32Array} gold
 * @property {Int32Array} counted Gold, at most the target of each leaf.
 * @property {Int32Array} toAudit
 * @property {Int32Array} disputed
 * @property {Int32Array} begun Leaves that have decisions.
 * @property {Int32Array} done Leaves that have reached their targets.
 * @property {Map<number, string[]>} people Who is at work at or below a node.
 */

/** Marks of a search. */
const HIT = 1;
export const HITS_BELOW = 2;

/** @param {string} text Folded for search. */
export const fold = (text) => text.normalize("NFKD").replace(/\p{M}+/gu, "").toLowerCase();

/** @param {TreeColumns} columns @returns {Tree} */
export function growTree({ id, label, parent: parents, leaf }) {
  const size = id.length;
  const parent = Int32Array.from(parents);
  const depth = new Uint8Array(size);
  const leaves = new Int32Array(size);
  const end = Int32Array.from(id, (_, i) => i + 1);
  const place = new Int32Array(size);
  const children = new Int32Array(size + 1);
  const among = new Int32Array(size);
  const name = label.map(fold);
  /** @type {string[]} */
  const path = new Array(size);
  for (let i = 0; i < size; i++) {
    const above = at(parent, i);
    depth[i] = above < 0 ? 0 : at(depth, above) + 1;
    path[i] = above < 0 ? name[i] ?? "" : `${path[above]} ${name[i]}`;
    // Roots are the children of the last place.
    const counted = above < 0 ? size : above;
    children[counted] = at(children, counted) + 1;
    place[i] = at(children, counted);
  }
  for (let i = size - 1; i >= 0; i--) {
    const above = at(parent, i);
    among[i] = at(children, above < 0 ? size : above);
    if (leaf[i]) leaves[i] = at(leaves, i) + 1;
    if (above < 0) continue;
    end[above] = Math.max(at(end, above), at(end, i));
    leaves[above] = at(leaves, above) + at(leaves, i);
  }
  return { size, id, label, parent, depth, end, leaves, leaf, place, among, name, path,
    at: new Map(id.map((each, i) => [each, i])) };
}

/**
 * Add up what the leaves have; the server names only those begun.
 * @param {Tree} tree
 * @param {Progress} progress
 * @param {number} hardNegatives Wanted of a leaf beside the gold, before it is done.
 * @returns {Totals}
 */
export function rollUp(tree, { leaves, leases, target }, hardNegatives = 0) {
  const column = () => new Int32Array(tree.size);
  const [gold, counted, toAudit, disputed, begun, done] =
    [column(), column(), column(), column(), column(), column()];
  for (const [id, leaf] of Object.entries(leaves)) {
    const i = tree.at.get(id);
    if (i === undefined) continue;
    gold[i] = leaf.gold;
    counted[i] = Math.min(leaf.gold, target);
    toAudit[i] = leaf.to_audit;
    disputed[i] = leaf.disputed;
    begun[i] = 1;
    done[i] = leaf.gold >= target && leaf.hard_negatives >= hardNegatives ? 1 : 0;
  }
  for (let i = tree.size - 1; i >= 0; i--) {
    const above = at(tree.parent, i);
    if (above < 0) continue;
    for (const counts of [gold, counted, toAudit, disputed, begun, done]) {
      counts[above] = at(counts, above) + at(counts, i);
    }
  }
  /** @type {Map<number, string[]>} */
  const people = new Map();
  for (const { leaf, holder } of leases) {
    for (let i = tree.at.get(leaf) ?? -1; i >= 0; i = at(tree.parent, i)) {
      const there = people.get(i) ?? [];
      if (!there.includes(holder)) people.set(i, [...there, holder]);
    }
  }
  return { target, gold, counted, toAudit, disputed, begun, done, people };
}

/** @type {Record<Filter, (totals: Totals, i: number) => boolean>} */
const FILTERS = {
  all: () => true,
  unfinished: (totals, i) => at(totals.begun, i) > at(totals.done, i),
  begun: (totals, i) => at(totals.begun, i) > 0,
  to_audit: (totals, i) => at(totals.toAudit, i) > 0,
  disputed: (totals, i) => at(totals.disputed, i) > 0,
  done: (totals, i) => at(totals.done, i) > 0,
  untouched: (totals, i) => at(totals.begun, i) === 0,
};

/** How many leaves a filter lets through. @param {Tree} tree @param {Totals} totals @param {Filter} filter */
export function countOf(tree, totals, filter) {
  let found = 0;
  for (let i = 0; i < tree.size; i++) if (tree.leaf[i] && FILTERS[filter](totals, i)) found++;
  return found;
}

/**
 * Which nodes are looked for: their path has every word, their own name at least one, and with a
 * filter it is a leaf that passes.
 * @param {Tree} tree
 * @param {Totals} totals
 * @param {string} query
 * @param {Filter} filter
 * @returns {{marks: Uint8Array, found: number, first: number} | null} Null where all are.
 */
export function search(tree, totals, query, filter) {
  const words = fold(query).split(/[\s›>]+/).filter(Boolean);
  if (!words.length && filter === "all") return null;
  const marks = new Uint8Array(tree.size);
  let found = 0;
  let first = -1;
  let best = 0;
  for (let i = 0; i < tree.size; i++) {
    if (filter !== "all" && !(tree.leaf[i] && FILTERS[filter](totals, i))) continue;
    const name = tree.name[i] ?? "";
    if (words.length && !matches(name, tree.path[i] ?? "", words)) continue;
    marks[i] = HIT;
    found++;
    const fits = fit(name, words) + (tree.leaf[i] ? 0.5 : 0);
    if (fits > best) [first, best] = [i, fits];
  }
  for (let i = tree.size - 1; i > 0; i--) {
    const above = at(tree.parent, i);
    if (marks[i] && above >= 0) marks[above] = at(marks, above) | HITS_BELOW;
  }
  return { marks, found, first };
}

/** @param {string} name @param {string} path @param {string[]} words */
const matches = (name, path, words) =>
  words.some((word) => name.includes(word)) && words.every((word) => path.includes(word));

/** How well a name fits what was typed: as a whole, from its start, or somewhere. @param {string} name @param {string[]} words */
function fit(name, words) {
  const typed = words.join(" ");
  if (name === typed) return 4;
  if (name.startsWith(typed)) return 3;
  return words.some((word) => name.startsWith(word)) ? 2 : 1;
}

/**
 * The nodes on screen, from the top.
 * @param {Tree} tree
 * @param {Uint8Array | null} marks
 * @param {(i: number) => boolean} isOpen
 * @returns {number[]}
 */
export function rowsOf(tree, marks, isOpen) {
  const rows = [];
  for (let i = 0; i < tree.size;) {
    const above = at(tree.parent, i);
    // What lies below a hit that was opened by hand is shown whether it is a hit or not.
    const shown = !marks || marks[i] || (above >= 0 && !(at(marks, above) & HITS_BELOW));
    if (shown) rows.push(i);
    i = shown && isOpen(i) ? i + 1 : at(tree.end, i);
  }
  return rows;
}

/** The names from the root down to a node. @param {Tree} tree @param {number} node */
export function pathOf(tree, node) {
  const names = [];
  for (let i = node; i >= 0; i = at(tree.parent, i)) names.unshift(tree.label[i] ?? "");
  return names;
}

/** @param {ArrayLike<number>} column @param {number} i */
const at = (column, i) => column[i] ?? 0;
