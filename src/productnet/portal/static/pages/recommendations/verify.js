// The recommendations of one leaf: those above a confidence, answered by exception.
// @ts-check

import { html, useEffect, useMemo, useSignal, useSignalEffect, useState } from "../../vendor/preact.js";
import { getLeaf, listRecommendedProducts } from "../../lib/api.js";
import { count, hour, number, percent } from "../../lib/format.js";
import { keyName, useCommands } from "../../lib/keys.js";
import { Lease } from "../../lib/lease.js";
import { useLoad } from "../../lib/load.js";
import { onAcknowledged } from "../../lib/outbox.js";
import { pageSize, pref } from "../../lib/prefs.js";
import { href } from "../../lib/router.js";
import { session } from "../../lib/session.js";
import { Sheet } from "../../lib/sheet.js";
import { ListPages } from "../../lib/list_pages.js";
import { Crumbs } from "../../parts/beside.js";
import { Empty, Failure } from "../../parts/empty.js";
import { AnswerGrid, WaitingGrid, undo } from "../../parts/grid.js";
import { GuidelineText } from "../../parts/guideline.js";
import { Icon } from "../../parts/icon.js";
import { LeafMeters } from "../../parts/meter.js";
import { Page, useTitle } from "../../parts/page.js";
import { toast } from "../../parts/toast.js";
import { Confidences } from "./confidences.js";

/** @import {Leaf, LeafProgress, RecommendedPage, RecommendedProduct} from "../../lib/types.js" */

/** @typedef {RecommendedProduct & {source: string, reason: string, score: number,
 *   model_version: string | null, behind: number, copies: string[], copy_count: number}} Shown */
/** @typedef {Omit<RecommendedPage, "items"> & {items: Shown[]}} ShownPage */

/** From which confidence on, 0 to 1; it holds for all leaves. */
const threshold = pref("threshold", 0.5);
const STEP = 0.05;
const SETTLE_MS = 250;

/** @param {{id: string}} props */
export function RecommendedFor({ id }) {
  const { data, problem, reload } = useLoad(() => getLeaf(id), [id]);
  useTitle(data ? `Recommended: ${data.name}` : "Recommendations");
  if (problem && !data) {
    return html`<div class="page"><h1 class="unseen">Recommendations</h1><${Failure} problem=${problem} retry=${reload} /></div>`;
  }
  if (!data) {
    return html`<div class="page page-wide verify" role="status"><span class="unseen">Loading the leaf</span>
      <header class="verify-head"><span class="skeleton-box verify-wait-title" /></header><${WaitingGrid} label="Loading products" /></div>`;
  }
  if (!data.progress) {
    return html`<${Page} title=${data.name}><${Empty} icon="lock" title="You are auditing this leaf"
      action=${html`<a class="button button-primary" href=${href("/audit", { leaf: id })}>Back to the audit</a>
        <a class="button" href="/recommendations">Other leaves</a>`}>Nobody labels and audits a leaf at once.<//><//>`;
  }
  return html`<${Workplace} leaf=${data} begun=${data.progress} />`;
}

/** What a decision says of the recommendation it is about: so a no becomes a hard negative marked so. @param {Shown} card */
const describe = (card) => ({ source: card.source, model_version: card.model_version, score: card.score });

/** @param {RecommendedPage} page @returns {ShownPage} */
const shownPage = (page) => ({
  ...page,
  items: page.items.map((one) => ({
    ...one, source: "master", score: one.confidence, model_version: page.model_version,
    reason: `${percent(one.confidence)} sure${one.rank > 1 ? `, choice ${one.rank}` : ""}`,
    behind: 0, copies: [], copy_count: 0,
  })),
});

/** @param {{leaf: Leaf, begun: LeafProgress}} props */
function Workplace({ leaf, begun }) {
  const sheet = useMemo(() => new Sheet({ leaf: leaf.id, leafName: leaf.name, role: "label", describe }), []);
  const lease = useMemo(() => new Lease(leaf.id, "label", leaf.leases), []);
  const asked = useSignal(threshold.peek());
  const pages = useMemo(() => new ListPages(sheet, async (cursor, signal) => shownPage(await listRecommendedProducts(
    { leaf: leaf.id, min: asked.peek(), cursor, limit: pageSize.peek() }, signal))), []);
  const [progress, setProgress] = useState(begun);
  useEffect(() => lease.keep(), []);
  useEffect(() => {
    pages.start();
    return () => pages.stop();
  }, []);
  useEffect(() => onAcknowledged((answer) => {
    const found = answer.progress[leaf.id];
    if (found) setProgress(found);
  }), []);
  useSignalEffect(() => {
    sheet.open.value = ["mine", "unknown"].includes(lease.state.value);
  });
  // The slider moves at once; the page follows when it has come to rest.
  useSignalEffect(() => {
    const wanted = threshold.value;
    if (wanted === asked.peek()) return undefined;
    const timer = setTimeout(() => {
      asked.value = wanted;
      pages.start();
    }, SETTLE_MS);
    return () => clearTimeout(timer);
  });
  useCommands(["recommendations"], {
    "threshold-up": () => { threshold.value = stepped(threshold.peek() + STEP); },
    "threshold-down": () => { threshold.value = stepped(threshold.peek() - STEP); },
  });
  return html`<div class="page page-wide verify">
    <header class="verify-head">
      <div class="verify-words"><${Crumbs} path=${leaf.path} />
        <div class="row"><h1><bdi>${leaf.name}</bdi></h1>
          <a class="small" href="/recommendations">All leaves</a><a class="small" href=${href("/leaf", { id: leaf.id })}>Leaf page</a></div></div>
      <div class="row verify-meters"><${LeafMeters} progress=${progress} target=${session.value?.targets ?? { positives: 0, hard_negatives: 0 }} /></div>
    </header>
    <${Held} lease=${lease} />
    <${Threshold} page=${pages.page.value} />
    <details class="verify-guideline"><summary>Guideline</summary><${GuidelineText} guideline=${leaf.guideline} fault=${leaf.guideline_fault} /></details>
    <section aria-label="Recommended products"><${Products} sheet=${sheet} pages=${pages} leaf=${leaf} /></section>
  </div>`;
}

/** A confidence on the slider's scale. @param {number} value */
const stepped = (value) => Math.min(Math.max(Math.round(value / STEP) / Math.round(1 / STEP), 0), 1 - STEP);

/** @param {{page: ShownPage | null}} props */
function Threshold({ page }) {
  const from = threshold.value;
  const bins = page?.confidences ?? Array.from({ length: 20 }, () => 0);
  const above = bins.slice(Math.round(from * bins.length)).reduce((sum, n) => sum + n, 0);
  return html`<div class="threshold panel">
    <div class="threshold-scale">
      <${Confidences} bins=${bins} from=${from} />
      <input type="range" min="0" max=${1 - STEP} step=${STEP} value=${from} id="threshold"
        aria-label="Show products from this confidence on" aria-valuetext="from ${percent(from)}, ${count(above, "product")}"
        onInput=${(/** @type {any} */ event) => { threshold.value = stepped(Number(event.currentTarget.value)); }} />
    </div>
    <p class="threshold-words"><b>From ${percent(from)}</b>
      <span class="small">${!page ? " " : above ? html`${count(above, "product")} ${above === 1 ? "waits" : "wait"}, of which about ${percent(expected(bins, from))} belong` : "No product waits"}</span>
      <span class="muted small"><kbd class="key">${keyName("threshold-down")}</kbd> <kbd class="key">${keyName("threshold-up")}</kbd> move it</span></p>
  </div>`;
}

/** The mean confidence from a threshold on: it is calibrated, so that is the share that belongs.
 * @param {number[]} bins @param {number} from */
function expected(bins, from) {
  let [sum, all] = [0, 0];
  bins.forEach((n, at) => {
    if (at < Math.round(from * bins.length)) return;
    sum += n * ((at + 0.5) / bins.length);
    all += n;
  });
  return all ? sum / all : 0;
}

/** @param {{lease: Lease}} props */
function Held({ lease }) {
  const state = lease.state.value;
  if (state !== "held" && state !== "refused") return null;
  const holder = lease.holder.value;
  return html`<div class="notice notice-wait verify-held" role="status"><${Icon} name="lock" />
    <span>${state === "held" && holder ? html`<b><bdi>${holder.name}</bdi> is labelling this leaf${holder.until ? ` until ${hour(holder.until)}` : ""}.</b>` : lease.reason.value}
      ${" "}You can look; answers are off.</span>
    <button type="button" class="button button-small push" onClick=${() => lease.take()}>Try again</button>
  </div>`;
}

/** @param {{sheet: Sheet<Shown>, pages: ListPages<Shown, ShownPage>, leaf: Leaf}} props */
function Products({ sheet, pages, leaf }) {
  const state = pages.state.value;
  const problem = pages.problem.value;
  if (state === "failed" && problem) return html`<${Failure} problem=${problem} retry=${() => pages.retry()} />`;
  if (state === "loading") return html`<${WaitingGrid} label="Loading products" />`;
  const end = state === "ready" ? html`<${Accept} sheet=${sheet} pages=${pages} />` : html`<${End} pages=${pages} leaf=${leaf} />`;
  return html`<${AnswerGrid} key=${pages.turn.value} sheet=${sheet} nextPage=${() => pages.next()} end=${end} />`;
}

/** What is left on the page is right: say so at one stroke. @param {{sheet: Sheet<Shown>, pages: ListPages<Shown, ShownPage>}} props */
function Accept({ sheet, pages }) {
  const total = sheet.slots.value.length;
  const answered = sheet.answered.value;
  const rejected = sheet.slots.value.filter((slot) => slot.given.value?.verdict === "negative").length;
  const left = total - answered;
  const accept = () => {
    const done = sheet.answerRest("positive");
    if (done) toast(`${count(done, "product")} answered yes.`, { action: { label: `Undo (${keyName("undo")})`, run: () => undo(sheet) } });
  };
  return html`<div class="page-end verify-end ${left ? "" : "page-end-done"}" data-end tabindex="-1">
    <span class="page-end-words">${left ? html`${number(rejected)} marked no, ${number(answered - rejected)} otherwise answered, ${number(left)} open`
      : html`<${Icon} name="yes" /> All ${total} answered, ${number(rejected)} of them no`}</span>
    <span class="push" />
    ${left > 0 && html`<button type="button" class="button button-primary" disabled=${!sheet.open.value} onClick=${accept}>
      Accept the ${left === total ? "" : "other "}${number(left)} <kbd class="tab-key">${keyName("rest-yes")}</kbd></button>`}
    <button type="button" class="button ${left ? "" : "button-primary"}" onClick=${() => pages.next()}>Next page <kbd class="tab-key">${keyName("next-page")}</kbd></button>
  </div>`;
}

/** @param {{pages: ListPages<Shown, ShownPage>, leaf: Leaf}} props */
function End({ pages, leaf }) {
  const passed = pages.passed.value;
  const page = pages.page.value;
  if (page && page.round === null) {
    return html`<${Empty} icon="star" title="No round has been activated yet" action=${html`<a class="button button-primary" data-end href="/rounds">To the rounds</a>`}>
      A round learns from the gold of all leaves, and then recommends products for each of them.<//>`;
  }
  const below = page ? page.confidences.reduce((sum, n) => sum + n, 0) : 0;
  const lower = below > 0 && threshold.value > 0;
  return html`<${Empty} icon=${passed ? "unsure" : "yes"} title=${passed ? "Only what you passed over is left" : `Nothing is left from ${percent(threshold.value)} on`}
    action=${html`${passed > 0 && html`<button type="button" class="button button-primary" data-end onClick=${() => pages.start()}>Show the ${count(passed, "product")} passed over</button>`}
      ${!passed && lower && html`<button type="button" class="button button-primary" data-end onClick=${() => { threshold.value = stepped(threshold.value - 2 * STEP); }}>
        Go down to ${percent(stepped(threshold.value - 2 * STEP))}</button>`}
      <a class="button" data-end href="/recommendations">Other leaves</a>
      <a class="button" href=${href("/leaf", { id: leaf.id })}>Find more on the leaf page</a>`}>
    ${pages.given.value ? `${count(pages.given.value, "product")} verified in this sitting. ` : ""}${lower && !passed
      ? `${count(below, "product")} less sure ${below === 1 ? "waits" : "wait"}.` : ""}<//>`;
}
