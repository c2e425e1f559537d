// When a leaf has what it needs: a moment's rest, and the next leaf.
// @ts-check

import { html } from "../../vendor/preact.js";
import { getQueue } from "../../lib/api.js";
import { count } from "../../lib/format.js";
import { useLoad } from "../../lib/load.js";
import { href } from "../../lib/router.js";
import { session } from "../../lib/session.js";
import { useFloat } from "../../parts/float.js";
import { Icon } from "../../parts/icon.js";

/** @import {Leaf, LeafProgress} from "../../lib/types.js" */

/** Whether the labeler has done their part: enough positives, audited or not, and hard negatives.
 * @param {LeafProgress} progress */
export function isDone(progress) {
  const target = session.value?.targets;
  if (!target || target.positives <= 0) return false;
  const positives = Math.max(progress.gold, progress.labelled_positive);
  return positives >= target.positives && progress.hard_negatives >= target.hard_negatives;
}

/** @param {{leaf: Leaf, progress: LeafProgress, goOn: () => void}} props */
export function Done({ leaf, progress, goOn }) {
  useFloat(true);
  return html`<section class="done panel" role="status">
    <span class="done-mark"><${Icon} name="star" size=${30} /></span>
    <div class="done-words">
      <h2><bdi>${leaf.name}</bdi> has what it needs</h2>
      <p class="muted">${count(progress.gold, "product")} gold${progress.to_audit > 0
        ? `; ${count(progress.to_audit, "answer waits", "answers wait")} for an audit by somebody else` : ""}. Thank you.</p>
    </div>
    <div class="row push">
      <button type="button" class="button" onClick=${goOn}>Go on here</button>
      <${NextLeaf} leaf=${leaf.id} primary />
    </div>
  </section>`;
}

/** A link to the next leaf of one's queue. @param {{leaf: string, primary?: boolean}} props */
export function NextLeaf({ leaf, primary = false }) {
  const { data } = useLoad(() => getQueue("label"), [leaf]);
  const next = data?.items.find((item) => item.leaf !== leaf);
  const look = primary ? "button button-primary" : "button";
  if (!next) return html`<a class=${look} href="/">To the leaves</a>`;
  return html`<a class=${look} href=${href("/leaf", { id: next.leaf })}>Next: <bdi>${next.name}</bdi> <${Icon} name="right" size=${16} /></a>`;
}
