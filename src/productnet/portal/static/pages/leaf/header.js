// The head of the leaf page: where the leaf is, how far it has come, in whose hands it is.
// @ts-check

import { html } from "../../vendor/preact.js";
import { duration, hour, number } from "../../lib/format.js";
import { session } from "../../lib/session.js";
import { Icon } from "../../parts/icon.js";
import { LeafMeters } from "../../parts/meter.js";
import { isDone } from "./done.js";

/** @import {Leaf, LeafProgress} from "../../lib/types.js" */

/**
 * @param {{leaf: Leaf, progress: LeafProgress, lease: import("../../lib/lease.js").Lease,
 *   pages: import("./candidate_pages.js").CandidatePages,
 *   aside: boolean, turnAside: () => void}} props
 */
export function LeafHeader({ leaf, progress, lease, pages, aside, turnAside }) {
  const left = secondsLeft(progress);
  return html`<header class="leaf-head">
    <div class="leaf-words">
      <nav class="crumbs small" aria-label="Path"><ol class="crumbs-list">
        ${leaf.path.slice(0, -1).map((name, at) => html`<li key=${at}><bdi>${name}</bdi></li>`)}
      </ol></nav>
      <div class="leaf-title">
        <h1><bdi>${leaf.name}</bdi></h1>
        <${LeaseTag} lease=${lease} />
        ${isDone(progress) && html`<span class="tag tag-gold"><${Icon} name="star" size=${12} /> Has what it needs</span>`}
      </div>
    </div>
    <div class="leaf-meters">
      <${LeafMeters} progress=${progress} target=${targets()} />
      <dl class="leaf-counts">
        <div title="Labelled, and to be answered again by somebody else"><dt>To audit</dt><dd>${number(progress.to_audit)}</dd></div>
        <div title="Answers of labeler and auditor differ"><dt>Disputed</dt><dd>${number(progress.disputed)}</dd></div>
        ${left > 0 && html`<div title="At the usual pace, until the positives are there"><dt>To go</dt><dd>${duration(left)}</dd></div>`}
        <${ModelCount} pages=${pages} />
      </dl>
      <button type="button" class="button button-quiet button-icon" aria-pressed=${aside} onClick=${turnAside}
        title=${aside ? "Hide the guideline and examples" : "Show the guideline and examples"}
        aria-label="Guideline and examples"><${Icon} name="panel" /></button>
    </div>
  </header>`;
}

/** How many answers the local model behind this page had not seen. @param {{pages: import("./candidate_pages.js").CandidatePages}} props */
function ModelCount({ pages }) {
  const model = pages.model.value;
  const words = !model?.version ? "not asked" : model.behind > 0 ? `${number(model.behind)} behind` : "up to date";
  const help = !model?.version ? "No product of this page comes from the local model"
    : `Model ${model.version}. ${model.behind > 0 ? "It had not seen the last answers when this page was made; the next page knows more" : "It has seen every answer"}`;
  return html`<div title=${help}><dt>Local model</dt><dd>${words}</dd></div>`;
}

const targets = () => session.value?.targets ?? { positives: 0, hard_negatives: 0 };

// Seconds of a decision, and the share of positives among them, until the leaf's own are known.
const USUAL = { seconds: 2.5, share: 0.5, known: 30 };

/** Labelling time until enough positives are labelled. @param {LeafProgress} progress */
function secondsLeft({ gold, labelled_positive: positives, decisions, seconds }) {
  const left = Math.max(targets().positives - Math.max(gold, positives), 0);
  const known = decisions >= USUAL.known;
  const pace = known && seconds > 0 ? seconds / decisions : USUAL.seconds;
  const share = known ? Math.max(positives / decisions, 0.05) : USUAL.share;
  return (left * pace) / share;
}

/** @param {{lease: import("../../lib/lease.js").Lease}} props */
function LeaseTag({ lease }) {
  const state = lease.state.value;
  const holder = lease.holder.value;
  if (state === "mine") return html`<span class="tag tag-good" title="Nobody else labels this leaf while you are here">In your hands</span>`;
  if (state === "held") {
    return html`<span class="tag tag-warn"><${Icon} name="lock" size=${12} /> ${holder?.name ?? "Somebody else"}${
      holder?.until ? ` until ${hour(holder.until)}` : ""}</span>`;
  }
  return null;
}

/** Shown in place of the answers while somebody else works here. @param {{lease: import("../../lib/lease.js").Lease}} props */
export function HeldNotice({ lease }) {
  const state = lease.state.value;
  if (state !== "held" && state !== "refused") return null;
  const holder = lease.holder.value;
  return html`<div class="notice notice-wait leaf-held" role="status"><${Icon} name="lock" />
    <span>${holder ? html`<b><bdi>${holder.name}</bdi> is labelling this leaf${holder.until ? ` until ${hour(holder.until)}` : ""}.</b>` : lease.reason.value}
      ${" "}You can look; answers are off, so that nobody's work is done twice.</span>
    <button type="button" class="button button-small push" onClick=${() => lease.take()}>Try again</button>
    <a class="button button-small" href="/">Other leaves</a>
  </div>`;
}
