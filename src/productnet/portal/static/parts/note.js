// A note to an answer: written before it, sent with it.
// @ts-check

import { html, useRef } from "../vendor/preact.js";
import { brief, titleOf } from "../lib/format.js";
import { ANSWERS } from "./card.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";

/** @import {Card, Verdict} from "../lib/types.js" */

const LONGEST = 2000;

/** @param {{sheet: import("../lib/sheet.js").Sheet<any>, close: () => void}} props */
export function NoteDialog({ sheet, close }) {
  const slot = useRef(sheet.current).current;
  if (!slot) return null;
  const given = slot.given.value?.verdict;
  const keep = (/** @type {string} */ text) => {
    slot.note.value = text;
    // With an answer given already, the note goes with that answer, given again.
    if (given && text.trim()) sheet.answerSlot(slot, given);
  };
  const answer = (/** @type {Verdict} */ verdict, /** @type {string} */ text) => {
    slot.note.value = text;
    sheet.answerSlot(slot, verdict);
    close();
  };
  return html`<${NoteBox} about=${slot.card} value=${slot.note.value} keep=${keep} close=${close} hint="It is sent with your answer."
    placeholder="What made you hesitate? The auditor's and your answers are judged apart; an adjudicator reads the notes.">
    ${(/** @type {() => string} */ text) => ANSWERS.map(({ verdict, icon, words }) => html`<button key=${verdict} type="button" class="button"
      disabled=${!sheet.open.value} onClick=${() => answer(verdict, text())}><${Icon} name=${icon} size=${16} /> ${words}</button>`)}
  <//>`;
}

/**
 * The dialog that a note is written in.
 * @param {{about: Card, value: string, keep: (text: string) => void, close: () => void,
 *   placeholder: string, hint: string, children?: (text: () => string) => unknown}} props
 *   hint: what becomes of it; children: gives further buttons, from what gives the text.
 */
export function NoteBox({ about, value, keep, close, placeholder, hint, children }) {
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const text = () => box.current?.value.slice(0, LONGEST) ?? "";
  const done = () => {
    keep(text());
    close();
  };
  return html`<${Dialog} title="Note" size="small" close=${close} footer=${html`${children?.(text)}
      <button type="button" class="button button-primary push" onClick=${done}>Keep the note</button>`}>
    <p class="small"><bdi>${brief(titleOf(about), 160)}</bdi></p>
    <textarea ref=${box} data-focus class="input" rows="4" maxlength=${LONGEST} aria-label="Note"
      defaultValue=${value} placeholder=${placeholder}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) done();
      }} />
    <p class="muted small">${hint} Ctrl + Enter keeps it.</p>
  <//>`;
}
