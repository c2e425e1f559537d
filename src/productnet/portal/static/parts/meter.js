// A measure against its target: a number, a thin bar, a name.
// @ts-check

import { html } from "../vendor/preact.js";
import { number } from "../lib/format.js";

/** @typedef {{value: number, kind: "gold" | "audit" | "hard" | "accent"}} Part */

/**
 * @param {{label: string, parts: Part[], target?: number | null, note?: string}} props
 *   parts: drawn one after another; the first is the number shown.
 */
function Meter({ label, parts, target, note }) {
  const value = parts[0]?.value ?? 0;
  return html`<div class="meter">
    <div class="meter-words">
      <span class="meter-label">${label}</span>
      <span class="meter-value"><b>${number(value)}</b>${
        target ? html`<span class="muted"> of ${number(target)}</span>` : ""}</span>
    </div>
    ${target ? html`<${Bar} parts=${parts} target=${target} label=${label} />` : ""}
    ${note && html`<div class="meter-note muted">${note}</div>`}
  </div>`;
}

/**
 * The bar alone.
 * @param {{parts: Part[], target: number, label: string}} props
 */
export function Bar({ parts, target, label }) {
  const whole = Math.max(target, parts.reduce((sum, part) => sum + part.value, 0), 1);
  const value = Math.min(parts[0]?.value ?? 0, target);
  return html`<div class="meter-track" role="progressbar" aria-label=${label}
    aria-valuemin="0" aria-valuemax=${target} aria-valuenow=${value}>
    ${parts.map((part) => html`<span key=${part.kind} class="meter-part meter-${part.kind}"
      style=${{ width: `${(100 * part.value) / whole}%` }} />`)}
  </div>`;
}

/**
 * The two meters of a leaf: gold (with what awaits its audit) and hard negatives.
 * @param {{progress: import("../lib/types.js").LeafProgress | null,
 *   target: import("../lib/types.js").Targets}} props
 */
export function LeafMeters({ progress, target }) {
  const gold = progress?.gold ?? 0;
  const audit = Math.max(progress?.to_audit ?? 0, 0);
  return html`<${Meter} label="Gold" target=${target.positives}
      parts=${[{ value: gold, kind: "gold" }, { value: audit, kind: "audit" }]} />
    <${Meter} label="Hard negatives" target=${target.hard_negatives}
      parts=${[{ value: progress?.hard_negatives ?? 0, kind: "hard" }]} />`;
}
