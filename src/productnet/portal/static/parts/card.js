// A product as a card to be answered: picture, title, brand, why it is here, and the three answers.
// @ts-check

import { html, useComputed } from "../vendor/preact.js";
import { brief, count, label, titleOf } from "../lib/format.js";
import { keyName } from "../lib/keys.js";
import { Icon } from "./icon.js";
import { Picture } from "./picture.js";

/** @import {Verdict} from "../lib/types.js" */

/** @type {{verdict: Verdict, command: string, icon: import("./icon.js").IconName, words: string}[]} */
export const ANSWERS = [
  { verdict: "positive", command: "yes", icon: "yes", words: "Yes" },
  { verdict: "negative", command: "no", icon: "no", words: "No" },
  { verdict: "unsure", command: "unsure", icon: "unsure", words: "Unsure" },
];

/** @param {Verdict} verdict */
const answerOf = (verdict) =>
  /** @type {typeof ANSWERS[number]} */ (ANSWERS.find((one) => one.verdict === verdict));

/**
 * One card of a sheet. It draws itself anew only when its own answer, cursor or selection changes.
 * @param {{sheet: import("../lib/sheet.js").Sheet<any>, slot: import("../lib/sheet.js").Slot<any>,
 *   at: number, zoom: () => void}} props
 */
export function AnswerCard({ sheet, slot, at, zoom }) {
  // By the slot, not by its position, which changes when an undo brings cards back before it.
  const current = useComputed(() => sheet.slots.value[sheet.cursor.value] === slot).value;
  const chosen = useComputed(() => sheet.chosen.value.has(slot)).value;
  const { card } = slot;
  const given = slot.given.value;
  const refusal = slot.refusal.value;
  const open = sheet.open.value;
  const said = given && answerOf(given.verdict);
  const state = refusal ? "refused" : given?.verdict ?? "open";
  return html`<li class="card card-${state} ${current ? "card-current" : ""} ${chosen ? "card-chosen" : ""}"
    data-product=${card.product} data-at=${at} tabindex=${current ? 0 : -1}
    aria-current=${current ? "true" : undefined}
    aria-label=${`${brief(titleOf(card), 150)}${said ? `. Answered ${said.words}` : ""}${chosen ? ". Selected" : ""}`}
    onMouseDown=${(/** @type {MouseEvent} */ event) => {
      if (event.shiftKey) event.preventDefault();
      if (!(event.target instanceof Element && event.target.closest("button"))) sheet.goTo(at, event.shiftKey);
    }}
    onDblClick=${(/** @type {MouseEvent} */ event) => {
      if (!(event.target instanceof Element && event.target.closest(".card-answers"))) zoom();
    }}>
    <div class="card-picture">
      <${Picture} card=${card} eager=${at < 12} />
      ${said && html`<span class="card-answer"><${Icon} name=${refusal ? "warning" : said.icon} size=${16} />
        ${refusal ? "Not recorded" : said.words}</span>`}
      ${card.copy_count > 0 && html`<span class="card-copies" title="Near-duplicates that this card stands for">
        <${Icon} name="copies" size=${14} />${count(card.copy_count, "copy", "copies")}</span>`}
      <button type="button" class="card-zoom" tabindex=${current ? 0 : -1} aria-label="Show in full"
        title="Show in full (${keyName("zoom")})" onClick=${zoom}><${Icon} name="zoom" size=${16} /></button>
    </div>
    <div class="card-words">
      <p class="card-title"><bdi>${brief(titleOf(card))}</bdi></p>
      ${refusal ? html`<p class="card-refusal" title=${refusal}>${refusal}</p>`
        : html`<p class="card-brand muted clip"><bdi>${card.brand ? brief(card.brand, 80) : " "}</bdi></p>
          <${Reason} card=${card} note=${slot.note.value} />`}
    </div>
    <div class="card-answers" role="group" aria-label="Answer">
      ${ANSWERS.map(({ verdict, command, icon, words }) => html`<button key=${verdict} type="button"
        class="card-button card-button-${verdict}" disabled=${!open} tabindex=${current ? 0 : -1}
        aria-pressed=${given?.verdict === verdict} title="${words} (${keyName(command)})" aria-label=${words}
        onClick=${() => sheet.answerSlot(slot, verdict)}><${Icon} name=${icon} size=${16} /></button>`)}
    </div>
  </li>`;
}

/** The note that goes with the answer, or else why the card is here. @param {{card: any, note: string}} props */
function Reason({ card, note }) {
  if (note) return html`<p class="card-reason"><${Icon} name="note" size=${14} /><bdi class="clip">${note}</bdi></p>`;
  if (!card.source) return null;
  return html`<p class="card-reason muted" title=${why(card)}>
    <span class="dot dot-${card.source}" /><span class="clip"><bdi>${card.reason}</bdi></span></p>`;
}

/** @param {any} card A candidate. */
function why(card) {
  const model = card.model_version
    ? `; model ${card.model_version}${card.behind ? `, which has not seen the last ${card.behind} answers` : ""}` : "";
  return `${label(card.source)}: ${card.reason}${card.score == null ? "" : ` (score ${card.score.toFixed(2)})`}${model}`;
}
