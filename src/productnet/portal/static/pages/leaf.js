// The leaf page: say which candidates belong to a leaf, by keyboard, page after page.
// @ts-check

import { html, useCallback, useEffect, useMemo, useSignalEffect, useState } from "../vendor/preact.js";
import { getLeaf } from "../lib/api.js";
import { count, label } from "../lib/format.js";
import { useCommands } from "../lib/keys.js";
import { Lease } from "../lib/lease.js";
import * as live from "../lib/live.js";
import { useLoad } from "../lib/load.js";
import { onAcknowledged } from "../lib/outbox.js";
import { pageSize, pref } from "../lib/prefs.js";
import { href } from "../lib/router.js";
import { can, session } from "../lib/session.js";
import { Sheet } from "../lib/sheet.js";
import { Empty, Failure } from "../parts/empty.js";
import { AnswerGrid, WaitingGrid } from "../parts/grid.js";
import { Icon } from "../parts/icon.js";
import { useTitle } from "../parts/page.js";
import { LeafAside } from "./leaf/aside.js";
import { Done, NextLeaf, isDone } from "./leaf/done.js";
import { CandidatePages } from "./leaf/candidate_pages.js";
import { HeldNotice, LeafHeader } from "./leaf/header.js";
import { Sources, asked as freshAsked, modelKind, wishOf } from "./leaf/sources.js";

/** @import {Candidate, Leaf} from "../lib/types.js" */

// Beside the candidates where there is room; above them, when asked for, where there is not.
const beside = pref("leafAside", true);
const above = pref("leafAsideAbove", false);
const narrow = matchMedia("(max-width: 1000px)");

/** @param {{query: URLSearchParams}} props */
export default function LeafPage({ query }) {
  const id = query.get("id") ?? "";
  const { data, problem, reload } = useLoad(() => getLeaf(id), [id]);
  useTitle(data?.name ?? "Leaf");
  useEffect(() => live.on("guideline", ({ leaf }) => leaf === id && reload()), [id, reload]);
  if (problem && !data) {
    return html`<div class="page"><h1 class="unseen">Leaf</h1><${Failure} problem=${problem} retry=${reload}
      more=${html`<a class="button" href="/">To the leaves</a>`} /></div>`;
  }
  if (!data) return html`<${Waiting} />`;
  if (!data.progress) return html`<${Auditing} leaf=${data} />`;
  return html`<${Workplace} key=${data.id} leaf=${data} begun=${data.progress} />`;
}

/** Nobody labels and audits a leaf at once. @param {{leaf: Leaf}} props */
function Auditing({ leaf }) {
  return html`<div class="page"><h1><bdi>${leaf.name}</bdi></h1>
    <${Empty} icon="lock" title="You are auditing this leaf"
      action=${html`<a class="button button-primary" href=${href("/audit", { leaf: leaf.id })}>Back to the audit</a>
        <a class="button" href="/">Other leaves</a>`}>Its labels stay hidden from you until you leave the audit.<//></div>`;
}

/** The page's own shape until the leaf is there. */
function Waiting() {
  return html`<div class="page page-wide leaf" role="status"><span class="unseen">Loading the leaf</span>
    <header class="leaf-head"><div class="leaf-words"><span class="skeleton-box wait-crumbs" /><span class="skeleton-box wait-title" /></div></header>
    <div class="leaf-body"><${WaitingGrid} label="Loading candidates" /></div></div>`;
}

/** @param {{leaf: Leaf, begun: import("../lib/types.js").LeafProgress}} props */
function Workplace({ leaf, begun }) {
  const sheet = useMemo(() => new Sheet({ leaf: leaf.id, leafName: leaf.name, role: "label", describe }), []);
  const pages = useMemo(() => new CandidatePages(leaf.id, sheet), []);
  const lease = useMemo(() => new Lease(leaf.id, "label", leaf.leases), []);
  const [progress, setProgress] = useState(begun);
  const [asked, setAsked] = useState(freshAsked);
  const [goneOn, setGoneOn] = useState(() => isDone(begun));
  const labeler = can("labeler");

  useEffect(() => (labeler ? lease.keep() : undefined), []);
  useEffect(() => () => pages.stop(), []);
  useEffect(() => onAcknowledged((answer) => {
    const found = answer.progress[leaf.id];
    if (found) setProgress(found);
  }), []);
  useEffect(() => live.on("model", (event) => event.leaf === leaf.id && pages.modelLearnt()), []);
  useEffect(() => live.on("progress", ({ leaves }) => {
    // Somebody else's answers count here too: an auditor's make gold of what was labelled.
    if (leaves?.includes(leaf.id)) refresh();
  }), []);
  const refresh = useCallback(throttled(() => {
    getLeaf(leaf.id).then((found) => found.progress && setProgress(found.progress), () => {});
    pages.modelLearnt();
  }, 3000), []);
  const wish = JSON.stringify(wishOf(asked));
  useEffect(() => pages.want(JSON.parse(wish), pageSize.value), [wish, pageSize.value, modelKind.value]);
  useSignalEffect(() => {
    sheet.open.value = labeler && ["mine", "unknown"].includes(lease.state.value);
  });

  const ask = useCallback((/** @type {any} */ change) => setAsked((was) => ({ ...was, ...change })), []);
  const sources = session.value?.sources ?? [];
  useCommands(["candidates"], Object.fromEntries(sources.map(({ name }, at) => [
    `source-${at + 1}`, () => ask({ source: name }),
  ])));

  const done = isDone(progress) && !goneOn;
  const asideShown = useNarrow() ? above : beside;
  return html`<div class="page page-wide leaf">
    <${LeafHeader} leaf=${leaf} progress=${progress} lease=${lease} pages=${pages} aside=${asideShown.value}
      turnAside=${() => { asideShown.value = !asideShown.value; }} />
    <${HeldNotice} lease=${lease} />
    <div class="leaf-body ${asideShown.value ? "" : "leaf-body-wide"}">
      <div class="leaf-main">
        <${Sources} asked=${asked} ask=${ask} />
        <section id="candidates" role="tabpanel" aria-label="Candidates: ${label(asked.source)}">
          <${UnknownIds} pages=${pages} />
          <${Candidates} sheet=${sheet} pages=${pages} leaf=${leaf} source=${asked.source} />
        </section>
      </div>
      ${asideShown.value && html`<${LeafAside} leaf=${leaf} progress=${progress} />`}
    </div>
    ${done && html`<${Done} leaf=${leaf} progress=${progress} goOn=${() => setGoneOn(true)} />`}
  </div>`;
}

/** At most once in so many milliseconds, and once at the end. @param {() => void} work @param {number} every */
function throttled(work, every) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      work();
    }, every);
  };
}

/** Whether the window has no room beside the candidates. */
function useNarrow() {
  const [is, setIs] = useState(narrow.matches);
  useEffect(() => {
    const change = () => setIs(narrow.matches);
    narrow.addEventListener("change", change);
    return () => narrow.removeEventListener("change", change);
  }, []);
  return is;
}

/** What a decision says of the candidate it is about. @param {Candidate} card */
const describe = (card) => ({ source: card.source ?? null, model_version: card.model_version ?? null, score: card.score ?? null });

/** @param {{pages: CandidatePages}} props */
function UnknownIds({ pages }) {
  const ids = pages.unknown.value;
  if (!ids.length) return null;
  return html`<p class="notice notice-warn" role="status"><${Icon} name="warning" />
    <span>${count(ids.length, "id is", "ids are")} not in the pool: <bdi>${ids.slice(0, 10).join(", ")}</bdi>${ids.length > 10 ? " …" : ""}</span></p>`;
}

/** @param {{sheet: Sheet<Candidate>, pages: CandidatePages, leaf: Leaf, source: string}} props */
function Candidates({ sheet, pages, leaf, source }) {
  const state = pages.state.value;
  const problem = pages.problem.value;
  const back = live.connected.value;
  useEffect(() => {
    if (back && pages.problem.peek()?.passing) void pages.load();
  }, [back]);
  if (state === "failed" && problem) {
    return html`<${Failure} problem=${problem} retry=${() => pages.load()} title=${problem.status === 0 ? "No connection" : "No candidates"} />`;
  }
  if (state === "loading") return html`<${WaitingGrid} label="Loading candidates" />`;
  if (state === "idle") {
    return html`<${Empty} icon="search" title="What are you looking for?">Paste ids, words or an image above: what comes back
      can be answered like any other page.<//>`;
  }
  if (state === "empty") return html`<${NoMore} pages=${pages} leaf=${leaf} source=${source} />`;
  return html`<${AnswerGrid} key=${pages.turn.value} sheet=${sheet} nextPage=${() => pages.next()} />`;
}

/** @param {{pages: CandidatePages, leaf: Leaf, source: string}} props */
function NoMore({ pages, leaf, source }) {
  const skipped = pages.skipped.value.size;
  const others = source === "adhoc" || source === "keyword" ? "Try other words." : "Try another source, or go on with another leaf.";
  return html`<${Empty} icon="yes" title=${skipped ? "Only what you passed over is left" : "No candidate is left here"}
    action=${html`${skipped > 0 && html`<button type="button" class="button button-primary" onClick=${() => pages.showSkipped()}>
        Show the ${skipped} passed over</button>`}
      <${NextLeaf} leaf=${leaf.id} />`}>
    ${skipped ? "Answer them now, or leave them." : `Every product that ${label(source)} finds has an answer. ${others}`}
  <//>`;
}
