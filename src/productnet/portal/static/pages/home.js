// The start page: what there is to do for the person signed in, beside the whole tree.
// @ts-check

import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { getProgress, getTree } from "../lib/api.js";
import { count, number, percent } from "../lib/format.js";
import { keyName } from "../lib/keys.js";
import { useFresh, useLoad } from "../lib/load.js";
import { can, person, session } from "../lib/session.js";
import { countOf, growTree, rollUp, search } from "../lib/taxonomy.js";
import { Empty, Failure } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Page, Panel } from "../parts/page.js";
import { Queue } from "../parts/queue.js";
import { Tabs } from "../parts/tabs.js";
import { TreeView, rowId, useTree } from "../parts/tree.js";

/** @import {Filter, Totals, Tree} from "../lib/taxonomy.js" */
/** @import {Task} from "../lib/types.js" */

/** Milliseconds between two looks at the progress, however much is answered meanwhile. */
const CALM = 2500;
/** Who is at work changes without anybody answering. */
const LOOK_AGAIN = 45_000;

/** @type {{id: Filter, label: string, help: string}[]} */
const FILTERS = [
  { id: "all", label: "All", help: "Every leaf" },
  { id: "unfinished", label: "In progress", help: "Begun, and short of the target" },
  { id: "to_audit", label: "To audit", help: "With positives that nobody has audited" },
  { id: "disputed", label: "Disputed", help: "With open disputes" },
  { id: "done", label: "Done", help: "With all the gold and hard negatives that are wanted" },
  { id: "untouched", label: "Not begun", help: "Without any answer" },
];

/** The tree does not change while the page is open. @type {Tree | null} */
let grown = null;

/** @param {{query: URLSearchParams}} _props */
export default function Home(_props) {
  const project = session.value?.project;
  /** @type {Task[]} */
  const tasks = [];
  if (can("labeler")) tasks.push("label");
  if (can("auditor")) tasks.push("audit");
  if (can("adjudicator")) tasks.push("adjudicate");
  return html`<${Page} title="Hello, ${person.value?.display_name || person.value?.name}" wide
    lead=${project && html`${number(project.products)} products, ${number(project.leaves)} leaves of ${project.taxonomy}${
      project.round ? html`, round ${project.round}` : ""}`}>
    <div class=${tasks.length ? "home" : ""}>
      ${tasks.length > 0 && html`<div class="home-queue stack">
        ${tasks.map((task) => html`<${Queue} key=${task} task=${task} most=${tasks.length > 1 ? 4 : 10} />`)}
      </div>`}
      <${Leaves} />
    </div>
  <//>`;
}

/** @returns {Promise<Tree>} */
async function loadTree() {
  grown ??= growTree(await getTree());
  return grown;
}

function Leaves() {
  const tree = useLoad(loadTree, []);
  const progress = useLoad(getProgress, []);
  useFresh(["progress", "activated"], progress.reload, CALM);
  useEffect(() => {
    const clock = setInterval(() => document.visibilityState === "visible" && progress.reload(), LOOK_AGAIN);
    return () => clearInterval(clock);
  }, []);
  const hard = session.value?.targets.hard_negatives;
  const totals = useMemo(
    () => tree.data && progress.data && rollUp(tree.data, progress.data, hard), [tree.data, progress.data, hard]);
  const problem = (!tree.data && tree.problem) || (!progress.data && progress.problem);
  const retry = () => {
    tree.reload();
    progress.reload();
  };
  return html`<${Panel} class="home-tree">
    ${problem ? html`<${Failure} problem=${problem} retry=${retry} />`
      : !tree.data || !totals ? html`<${TreeSkeleton} />`
      : !tree.data.size ? html`<${Empty} title="The taxonomy is empty">Import one with <code>productnet taxonomy FILE</code>.<//>`
      : html`<${Explorer} tree=${tree.data} totals=${totals} />`}
  <//>`;
}

/** @param {{tree: Tree, totals: Totals}} props */
function Explorer({ tree, totals }) {
  const [query, setQuery] = useState("");
  const [filter, setFilter] = useState(/** @type {Filter} */ ("all"));
  const found = useMemo(() => search(tree, totals, query, filter), [tree, totals, query, filter]);
  const state = useTree(tree, found);
  const counts = useMemo(() => FILTERS.map(({ id }) => countOf(tree, totals, id)), [tree, totals]);
  const steer = (/** @type {any} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    if (event.key === "Escape" && query) setQuery("");
    else if (!["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Enter"].includes(event.key) ||
      !state.press(event.key, 10)) return;
    event.preventDefault();
  };
  return html`<div class="explorer">
    <${Glance} tree=${tree} totals=${totals} />
    ${can("auditor") && !can("adjudicator") && html`<p class="muted small explorer-blind">Of what you audited, counts stay as they were before, so that audits stay blind.</p>`}
    <div class="explorer-head">
      <div class="search">
        <${Icon} name="search" size=${16} />
        <input class="input" type="search" role="combobox" data-search aria-label="Find a leaf by name or path"
          placeholder="Find a leaf" autocomplete="off" spellcheck=${false} value=${query}
          aria-expanded="true" aria-haspopup="tree" aria-controls="leaves" aria-autocomplete="none"
          aria-activedescendant=${state.active >= 0 ? rowId(state.active) : undefined}
          onInput=${(/** @type {any} */ event) => setQuery(event.currentTarget.value)} onKeyDown=${steer} />
        ${keyName("search") && html`<kbd class="key" aria-hidden="true">${keyName("search")}</kbd>`}
      </div>
      <${Tabs} small label="Which leaves" panel="leaves" chosen=${filter}
        choose=${(/** @type {string} */ id) => setFilter(/** @type {Filter} */ (id))}
        tabs=${FILTERS.map((each, at) => ({ ...each, label: html`${each.label} <span class="muted">${number(counts[at] ?? 0)}</span>` }))} />
      <span class="push small muted explorer-found" role="status">${found && count(found.found, "match", "matches")}</span>
      ${state.anyOpen && tree.size > 60 && html`<button type="button" class="button button-quiet button-small" onClick=${state.shut}>Close all</button>`}
    </div>
    ${state.rows.length
      ? html`<${TreeView} id="leaves" tree=${tree} totals=${totals} state=${state} query=${query} />`
      : html`<div id="leaves" class="tree tree-none"><${Empty} title="No leaf is like that"
          action=${html`<button type="button" class="button" onClick=${() => { setQuery(""); setFilter("all"); }}>Show all leaves</button>`}>
          ${query ? html`Nothing is named <b><bdi>${query}</bdi></b>${filter === "all" ? "" : " among the leaves chosen"}. Fewer or other words may find it.`
            : "No leaf is in this state now."}<//></div>`}
  </div>`;
}

/** The whole project in one line. @param {{tree: Tree, totals: Totals}} props */
function Glance({ tree, totals }) {
  const roots = [...tree.parent.keys()].filter((i) => tree.parent[i] === -1);
  const sum = (/** @type {Int32Array} */ column) => roots.reduce((all, i) => all + (column[i] ?? 0), 0);
  const leaves = sum(tree.leaves);
  const people = new Set(roots.flatMap((i) => totals.people.get(i) ?? []));
  const share = sum(totals.counted) / Math.max(leaves * totals.target, 1);
  return html`<dl class="glance">
    <div><dt>Leaves done</dt><dd><b>${number(sum(totals.done))}</b> <span class="muted">of ${number(leaves)}</span></dd></div>
    <div><dt>Begun</dt><dd><b>${number(sum(totals.begun))}</b></dd></div>
    <div><dt>Gold</dt><dd><b>${number(sum(totals.gold))}</b> <span class="muted">${share > 0 && share < 0.001 ? "under 0.1%" : percent(share, share < 0.1 ? 1 : 0)} of the target</span></dd></div>
    <div><dt>To audit</dt><dd><b>${number(sum(totals.toAudit))}</b></dd></div>
    <div><dt>Disputed</dt><dd><b>${number(sum(totals.disputed))}</b></dd></div>
    <div><dt>At work now</dt><dd><b>${number(people.size)}</b> <span class="muted">${people.size === 1 ? "person" : "people"}</span></dd></div>
  </dl>`;
}

function TreeSkeleton() {
  return html`<div class="explorer" role="status">
    <span class="unseen">Loading the leaves</span>
    <div class="glance skeleton-glance"><span class="skeleton-box" /></div>
    <div class="explorer-head"><span class="skeleton-box skeleton-search" /></div>
    <div class="tree">${Array.from({ length: 14 }, (_, at) => html`<div key=${at} class="tree-row skeleton-row" style=${{ top: `${at * 36}px` }}>
      <span class="skeleton-line" style=${{ width: `${[34, 22, 28, 40][at % 4]}%` }} /></div>`)}</div>
  </div>`;
}
