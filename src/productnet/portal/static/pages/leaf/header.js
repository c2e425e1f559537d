// The head of the leaf page: where the leaf is, how far it has come, in whose hands it is.
// @ts-check

import { html } from "../../vendor/preact.js";
import { duration, hour, number } from "../../lib/format.js";
import { session } from "../../lib/session.js";
import { Icon } from "../../parts/icon.js";
import { LeafMeters } from "../../parts/meter.js";

/** @import {Leaf, LeafProgress} from "../../lib/types.js" */

/**
 * @param {{leaf: Leaf, progress: LeafProgress | null, lease: import("../../lib/lease.js").Lease,
 *   aside: boolean, turnAside: () => void}} props
 */
export function LeafHeader({ leaf, progress, lease, aside, turnAside }) {
  const left = secondsLeft(leaf, progress);
  return html`<header class="leaf-head">
    <div class="leaf-words">
      <nav class="crumbs small" aria-label="Path"><ol class="crumbs-list">
        ${leaf.path.slice(0, -1).map((name, at) => html`<li key=${at}><bdi>${name}</bdi></li>`)}
      </ol></nav>
      <div class="leaf-title">
        <h1><bdi>${leaf.name}</bdi></h1>
        <${LeaseTag} lease=${lease} />
      </div>
    </div>
    <div class="leaf-meters">
      <${LeafMeters} progress=${progress} target=${leaf.target} />
      <dl class="leaf-counts">
        <div title="Labelled, and to be answered again by somebody else"><dt>To audit</dt><dd>${number(progress?.to_audit ?? 0)}</dd></div>
        <div title="Answers of labeler and auditor differ"><dt>Disputed</dt><dd>${number(progress?.disputed ?? 0)}</dd></div>
        ${left > 0 && html`<div title="At the usual pace, until the positives are there"><dt>To go</dt><dd>${duration(left)}</dd></div>`}
      </dl>
      <button type="button" class="button button-quiet button-icon" aria-pressed=${aside} onClick=${turnAside}
        title=${aside ? "Hide the guideline and examples" : "Show the guideline and examples"}
        aria-label="Guideline and examples"><${Icon} name="panel" /></button>
    </div>
  </header>`;
}

/** Labelling time until the target is labelled. @param {Leaf} leaf @param {LeafProgress | null} progress */
function secondsLeft(leaf, progress) {
  const done = Math.max((progress?.gold ?? 0) + (progress?.to_audit ?? 0), progress?.labelled_positive ?? 0);
  const left = Math.max(leaf.target.positives - done, 0);
  const decisions = progress?.decisions ?? 0;
  // With enough answers the leaf's own pace, else the usual one.
  const pace = decisions >= 30 && progress?.seconds ? progress.seconds / decisions : session.value?.verdict_seconds.label ?? 2;
  const share = decisions >= 30 ? Math.max(progress?.labelled_positive ?? 0, 1) / decisions : 0.5;
  return (left * pace) / Math.max(Math.min(share, 1), 0.05);
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
    <span>${holder ? html`<b><bdi>${holder.name}</bdi> is labelling this leaf${holder.until ? ` until ${hour(holder.until)}` : ""}.</b>
      ${" "}You can look; answers are off, so that nobody's work is done twice.` : lease.reason.value}</span>
    <button type="button" class="button button-small push" onClick=${() => lease.take()}>Try again</button>
    <a class="button button-small" href="/">Other leaves</a>
  </div>`;
}
