// A note to an answer: written before it, sent with it.
// @ts-check

import { html, useRef } from "../vendor/preact.js";
import { brief, titleOf } from "../lib/format.js";
import { ANSWERS } from "./card.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";

/** @import {Verdict} from "../lib/types.js" */

const LONGEST = 2000;

/** @param {{sheet: import("../lib/sheet.js").Sheet<any>, close: () => void}} props */
export function NoteDialog({ sheet, close }) {
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const slot = useRef(sheet.current).current;
  if (!slot) return null;
  const given = slot.given.value?.verdict;
  const keep = () => {
    slot.note.value = box.current?.value.slice(0, LONGEST) ?? "";
    // With an answer given already, the note goes with that answer, given again.
    if (given && slot.note.value.trim()) sheet.answerSlot(slot, given);
    close();
  };
  const answer = (/** @type {Verdict} */ verdict) => {
    slot.note.value = box.current?.value.slice(0, LONGEST) ?? "";
    sheet.answerSlot(slot, verdict);
    close();
  };
  return html`<${Dialog} title="Note" size="small" close=${close} footer=${html`
      ${ANSWERS.map(({ verdict, icon, words }) => html`<button key=${verdict} type="button" class="button"
        disabled=${!sheet.open.value} onClick=${() => answer(verdict)}><${Icon} name=${icon} size=${16} /> ${words}</button>`)}
      <button type="button" class="button button-primary push" onClick=${keep}>Keep the note</button>`}>
    <p class="small"><bdi>${brief(titleOf(slot.card), 160)}</bdi></p>
    <textarea ref=${box} data-focus class="input" rows="4" maxlength=${LONGEST} aria-label="Note"
      defaultValue=${slot.note.value} placeholder="What made you hesitate? The auditor's and your answers are judged apart; an adjudicator reads the notes."
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep();
      }} />
    <p class="muted small">It is sent with your answer. Ctrl + Enter keeps it.</p>
  <//>`;
}
