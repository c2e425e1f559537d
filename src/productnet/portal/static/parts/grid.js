// A page of cards answered by keyboard: moves, selects, answers, undoes, opens a product in full.
// @ts-check

import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { count } from "../lib/format.js";
import { keyName, useCommands } from "../lib/keys.js";
import { pageSize, pictureSize } from "../lib/prefs.js";
import { go, href } from "../lib/router.js";
import { AnswerCard } from "./card.js";
import { Detail } from "./detail.js";
import { Icon } from "./icon.js";
import { NoteDialog } from "./note.js";
import { dropToasts, toast } from "./toast.js";

/** @import {Verdict} from "../lib/types.js" */

/**
 * @param {{sheet: import("../lib/sheet.js").Sheet<any>, nextPage: () => unknown,
 *   end?: unknown}} props nextPage: may give a promise for the next page being there. end: what
 *   stands after the last card instead of the button to the next page.
 */
export function AnswerGrid({ sheet, nextPage, end }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const [zoomed, setZoomed] = useState(false);
  const [noting, setNoting] = useState(false);
  const slots = sheet.slots.value;
  useEffect(() => sheet.listen(), [sheet]);
  // A notice about the page before is done with; its undo still works by key.
  useEffect(() => dropToasts, []);
  // The list is not gone through again when something beside it changes: an answer draws two cards.
  const cards = useMemo(() => slots.map((slot, at) => html`<${AnswerCard} key=${slot.card.product} sheet=${sheet}
    slot=${slot} at=${at} zoom=${() => {
      sheet.goTo(sheet.slots.peek().indexOf(slot));
      setZoomed(true);
    }} />`), [sheet, slots]);

  const columns = () => {
    const style = list.current && getComputedStyle(list.current).gridTemplateColumns;
    return style ? style.split(" ").length : 1;
  };
  const rest = (/** @type {Verdict} */ verdict) => {
    const done = sheet.answerRest(verdict);
    if (done) tellRest(done, verdict, () => undo(sheet));
  };
  const answer = (/** @type {Verdict} */ verdict) => (/** @type {KeyboardEvent} */ event) => {
    sheet.answer(verdict);
    measure("answer", event);
  };
  useCommands(["grid"], {
    yes: answer("positive"),
    no: answer("negative"),
    unsure: answer("unsure"),
    undo: () => undo(sheet),
    note: () => sheet.current && setNoting(true),
    zoom: () => sheet.current && setZoomed(true),
    next: () => sheet.move(1),
    previous: () => sheet.move(-1),
    below: () => sheet.move(columns()),
    above: () => sheet.move(-columns()),
    "select-next": () => sheet.move(1, true),
    "select-previous": () => sheet.move(-1, true),
    "select-below": () => sheet.move(columns(), true),
    "select-above": () => sheet.move(-columns(), true),
    unselect: () => sheet.unselect(),
    "rest-yes": () => rest("positive"),
    "rest-no": () => rest("negative"),
    "next-page": async (event) => {
      await nextPage();
      measure("next-page", event);
    },
  });

  return html`
    <ol ref=${list} class="grid grid-${pictureSize.value}" aria-label="Products to answer">
      ${cards}
    </ol>
    <${CursorFocus} sheet=${sheet} list=${list} />
    <p class="unseen" aria-live="polite">${sheet.said}</p>
    ${end ?? html`<${PageEnd} sheet=${sheet} nextPage=${nextPage} rest=${rest} />`}
    ${zoomed && sheet.current && html`<${SheetDetail} sheet=${sheet} close=${() => setZoomed(false)} />`}
    ${noting && sheet.current && html`<${NoteDialog} sheet=${sheet} close=${() => setNoting(false)} />`}`;
}

/** The shape of a page of cards until they are there. @param {{label: string}} props */
export function WaitingGrid({ label }) {
  return html`<div class="grid grid-${pictureSize.value}" role="status"><span class="unseen">${label}</span>
    ${Array.from({ length: Math.min(pageSize.value, 20) }, (_, at) => html`<div key=${at} class="card card-wait" aria-hidden="true">
      <div class="card-picture skeleton-box" /><div class="card-words"><span class="skeleton-line skeleton-box" /></div><div class="card-answers" /></div>`)}
  </div>`;
}

/** Whether the whole page is answered, and the way on. @param {{sheet: import("../lib/sheet.js").Sheet<any>,
 *   nextPage: () => unknown, rest: (verdict: Verdict) => void}} props */
function PageEnd({ sheet, nextPage, rest }) {
  const total = sheet.slots.value.length;
  const answered = sheet.answered.value;
  const done = answered === total;
  return html`<div class="page-end ${done ? "page-end-done" : ""}" data-end tabindex="-1">
    <span class="page-end-words">${done ? html`<${Icon} name="yes" /> All ${total} answered` : `${answered} of ${total} answered`}</span>
    ${!done && sheet.open.value && html`
      <button type="button" class="button button-small" onClick=${() => rest("positive")}>Rest yes <kbd class="tab-key">${keyName("rest-yes")}</kbd></button>
      <button type="button" class="button button-small" onClick=${() => rest("negative")}>Rest no <kbd class="tab-key">${keyName("rest-no")}</kbd></button>`}
    <button type="button" class="button push ${done ? "button-primary" : ""}" onClick=${nextPage}>
      Next page <kbd class="tab-key">${keyName("next-page")}</kbd></button>
  </div>`;
}

/** @param {{sheet: import("../lib/sheet.js").Sheet<any>, close: () => void}} props */
function SheetDetail({ sheet, close }) {
  const slot = sheet.slots.value[sheet.cursor.value];
  useEffect(() => {
    if (!slot) close();
  }, [slot]);
  if (!slot) return null;
  return html`<${Detail} product=${slot.card.product} card=${slot.card} close=${close}
    move=${(/** @type {number} */ step) => {
      const to = sheet.cursor.peek() + step;
      if (to >= 0 && to < sheet.slots.peek().length) sheet.goTo(to);
    }}
    answer=${sheet.open.value ? (/** @type {Verdict} */ verdict) => sheet.answerSlot(slot, verdict) : undefined}
    undo=${() => undo(sheet)} given=${slot.given.value?.verdict ?? null}
    place="${sheet.cursor.value + 1} of ${sheet.slots.value.length}" />`;
}

/** @param {import("../lib/sheet.js").Sheet<any>} sheet */
export function undo(sheet) {
  const gesture = sheet.undo();
  if (!gesture) {
    toast("Nothing is left to undo in this session.");
  } else if (gesture.leaf !== sheet.leaf || gesture.role !== sheet.role) {
    tellUndone(gesture);
  }
}

/** Say what was undone on another page, and how to get there. @param {import("../lib/undo.js").Gesture} gesture */
export function tellUndone({ leaf, leafName, role, items }) {
  const page = role === "audit" ? href("/audit", { leaf }) : href("/leaf", { id: leaf });
  toast(`Undone in ${leafName}: ${count(items.length, "answer")}.`, {
    action: { label: "Go there", run: () => go(page) },
  });
}

/** @param {number} done @param {Verdict} verdict @param {() => void} back */
function tellRest(done, verdict, back) {
  const said = verdict === "positive" ? "yes" : "no";
  toast(`${count(done, "product")} answered ${said}.`, {
    action: { label: `Undo (${keyName("undo")})`, run: back },
  });
}

/** The browser's focus follows the cursor, unless it is in a text box or a dialog.
 * @param {{sheet: import("../lib/sheet.js").Sheet<any>, list: {current: HTMLElement | null}}} props */
function CursorFocus({ sheet, list }) {
  const at = sheet.cursor.value;
  const slots = sheet.slots.value;
  useLayoutEffect(() => {
    const active = document.activeElement;
    const elsewhere = active instanceof HTMLElement && active !== document.body && active.id !== "main" &&
      !list.current?.parentElement?.contains(active);
    if (elsewhere || active?.closest("dialog")) return;
    const target = list.current?.children[at] ?? document.querySelector("[data-end]");
    if (!(target instanceof HTMLElement)) return;
    target.focus({ preventScroll: true });
    // Within the first screenful the page's head is shown as well.
    const fromTop = target.getBoundingClientRect().bottom + scrollY;
    if (fromTop <= innerHeight) scrollTo(0, 0);
    else target.scrollIntoView({ block: "nearest" });
  }, [at, slots]);
  return null;
}

/** From key press until the next product is drawn, for the browser's performance timeline.
 * @param {"answer" | "next-page"} name @param {KeyboardEvent} event */
function measure(name, event) {
  requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => performance.measure(name, { start: event.timeStamp, end: performance.now() });
    port2.postMessage(null);
  });
}
