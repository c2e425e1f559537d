// A page of products being answered: cursor, selection, answers and undo, without any drawing.
//
// The leaf page, the audit page and the recommendations share it; they differ in the role of their
// decisions and in what each decision says besides.
// @ts-check

import { batch, computed, signal } from "../vendor/preact.js";
import { VERDICTS, brief, titleOf } from "./format.js";
import * as outbox from "./outbox.js";
import { Stopwatch } from "./stopwatch.js";
import * as undoStack from "./undo.js";

/** @import {Signal} from "../vendor/preact.js" */
/** @import {Card, Decision, Verdict} from "./types.js" */

/**
 * One product on the page.
 * @template {Card} C
 * @typedef {object} Slot
 * @property {C} card
 * @property {Signal<{id: string, verdict: Verdict} | null>} given The answer given here.
 * @property {Signal<string>} note Goes with the answer.
 * @property {Signal<string | null>} refusal Why the server did not take the answer.
 */

/** @param {number} n @param {number} low @param {number} high */
const clamp = (n, low, high) => Math.min(Math.max(n, low), high);

/** @template {Card} C */
export class Sheet {
  slots = signal(/** @type {Slot<C>[]} */ ([]));
  /** Position of the card under the cursor; `slots.length` is the place after the last card. */
  cursor = signal(0);
  /** Where the selection began; null when there is none. */
  anchor = signal(/** @type {number | null} */ (null));
  /** Whether answers are taken now. */
  open = signal(true);
  /** What just happened, for screen readers. */
  said = signal("");

  answered = computed(() => this.slots.value.filter((slot) => slot.given.value).length);
  /** First and last position that an answer applies to. */
  selection = computed(() => {
    const [from, to] = [this.anchor.value ?? this.cursor.value, this.cursor.value];
    return { from: Math.min(from, to), to: Math.max(from, to) };
  });

  /** What is selected; empty while there is no selection but the cursor. */
  chosen = computed(() => {
    const { from, to } = this.selection.value;
    return new Set(this.anchor.value === null ? [] : this.slots.value.slice(from, to + 1));
  });

  #watch = new Stopwatch();

  /**
   * @param {object} options
   * @param {string} options.leaf
   * @param {string} options.leafName
   * @param {"label" | "audit" | "adjudicate"} options.role
   * @param {(card: C) => Partial<Decision>} [options.describe] What each decision says besides.
   */
  constructor({ leaf, leafName, role, describe = () => ({}) }) {
    this.leaf = leaf;
    this.leafName = leafName;
    this.role = role;
    this.describe = describe;
  }

  /** Hear what the server refuses; call it while the page is shown. @returns {() => void} Stops it. */
  listen() {
    return outbox.onAcknowledged(({ results }) => {
      for (const { id, status, detail } of results) {
        if (status !== "refused") continue;
        const slot = this.slots.peek().find((each) => each.given.peek()?.id === id);
        if (slot) slot.refusal.value = detail ?? "No reason was given.";
      }
    });
  }

  /** Show other products; the cursor goes to the first. @param {C[]} cards */
  fill(cards) {
    batch(() => {
      this.slots.value = cards.map(slotOf);
      this.anchor.value = null;
      this.cursor.value = 0;
    });
    this.#watch.restart();
  }

  get current() {
    return this.slots.peek()[this.cursor.peek()] ?? null;
  }

  /** Move the cursor. @param {number} step @param {boolean} [selecting] */
  move(step, selecting = false) {
    const most = this.slots.peek().length - (selecting ? 1 : 0);
    const to = this.cursor.peek() + step;
    // A row up or down from the edge stays, rather than jumping to the first or last card.
    if (Math.abs(step) > 1 && (to < 0 || to >= this.slots.peek().length)) return;
    this.goTo(clamp(to, 0, Math.max(most, 0)), selecting);
  }

  /** @param {number} at @param {boolean} [selecting] The cards up to it are selected. */
  goTo(at, selecting = false) {
    batch(() => {
      if (!selecting) this.anchor.value = null;
      else this.anchor.value ??= this.cursor.peek();
      if (at !== this.cursor.peek()) this.#watch.restart();
      this.cursor.value = at;
    });
  }

  unselect() {
    this.anchor.value = null;
  }

  /** Answer the card under the cursor, or the whole selection, and go on. @param {Verdict} verdict */
  answer(verdict) {
    const { from, to } = this.selection.peek();
    this.#give(this.slots.peek().slice(from, to + 1), verdict);
  }

  /** Answer one card. @param {Slot<C>} slot @param {Verdict} verdict */
  answerSlot(slot, verdict) {
    this.goTo(this.slots.peek().indexOf(slot));
    this.#give([slot], verdict);
  }

  /**
   * Answer every card of the page that has no answer yet.
   * @param {Verdict} verdict
   * @returns {number} How many those were.
   */
  answerRest(verdict) {
    const left = this.slots.peek().filter((slot) => !slot.given.peek());
    this.unselect();
    this.#give(left, verdict);
    return left.length;
  }

  /** @param {Slot<C>[]} slots @param {Verdict} verdict */
  #give(slots, verdict) {
    if (!this.open.peek() || !slots.length) return;
    const seconds = this.#watch.take() / slots.length;
    /** @type {outbox.Given[]} */
    const given = [];
    /** @type {undoStack.Gesture["items"]} */
    const items = [];
    batch(() => {
      for (const slot of slots) {
        const before = slot.given.peek();
        const note = slot.note.peek().trim();
        if (before?.verdict === verdict && !slot.refusal.peek() && !note) continue;
        if (before) given.push(this.#undoing(before.id, slot.card));
        const decision = outbox.decide({
          ...this.describe(slot.card),
          product: slot.card.product, leaf: this.leaf, role: this.role, verdict,
          seconds: Math.round(seconds * 100) / 100,
          ...(note && { note }),
        });
        given.push(this.#given(decision, slot.card));
        items.push({ id: decision.id, card: kept(slot.card) });
        slot.given.value = { id: decision.id, verdict };
        slot.refusal.value = null;
        slot.note.value = "";
        if (before) undoStack.forget(before.id);
      }
      this.anchor.value = null;
      this.#goOn(this.slots.peek().indexOf(/** @type {Slot<C>} */ (slots.at(-1))));
      this.said.value = this.#words(slots, verdict);
    });
    undoStack.push({ leaf: this.leaf, leafName: this.leafName, role: this.role, items });
    if (given.length) void outbox.give(given);
  }

  /** To the next card without an answer: after the position, else from the start, else the end. @param {number} after */
  #goOn(after) {
    const slots = this.slots.peek();
    const free = (/** @type {Slot<C>} */ slot) => !slot.given.peek();
    const ahead = slots.findIndex((slot, at) => at > after && free(slot));
    const any = ahead >= 0 ? ahead : slots.findIndex(free);
    this.cursor.value = any >= 0 ? any : slots.length;
  }

  /** @param {Slot<C>[]} slots @param {Verdict} verdict */
  #words(slots, verdict) {
    const what = slots.length === 1 && slots[0] ? brief(titleOf(slots[0].card), 80) : `${slots.length} products`;
    return `${VERDICTS[verdict]}: ${what}. ${this.answered.peek()} of ${this.slots.peek().length} answered.`;
  }

  /**
   * Take the last gesture back, wherever it was made.
   * @returns {undoStack.Gesture | null} What was taken back; null when nothing is left.
   */
  undo() {
    const gesture = undoStack.takeBack();
    if (!gesture) return null;
    const here = gesture.leaf === this.leaf && gesture.role === this.role;
    batch(() => {
      if (here) this.#bringBack(gesture);
      this.said.value = `Undone: ${gesture.items.length === 1 && gesture.items[0]
        ? brief(titleOf(gesture.items[0].card), 80) : `${gesture.items.length} answers`}.`;
    });
    this.#watch.restart();
    return gesture;
  }

  /** The cards of a gesture stand without an answer again; those of an earlier page come back.
   * @param {undoStack.Gesture} gesture */
  #bringBack(gesture) {
    const slots = this.slots.peek();
    /** @type {Slot<C>[]} */
    const missing = [];
    let first = slots.length;
    for (const { id, card } of gesture.items) {
      const at = slots.findIndex((slot) => slot.card.product === card.product);
      if (at < 0) {
        missing.push(slotOf(/** @type {C} */ (card)));
      } else if (slots[at]?.given.peek()?.id === id) {
        slots[at].given.value = null;
        slots[at].refusal.value = null;
        first = Math.min(first, at);
      }
    }
    this.anchor.value = null;
    if (missing.length) this.slots.value = [...missing, ...slots];
    this.cursor.value = missing.length ? 0 : first < slots.length ? first : this.cursor.peek();
  }

  /** @param {string} id @param {C} card @returns {outbox.Given} */
  #undoing(id, card) {
    return this.#given(
      outbox.decide({ product: card.product, leaf: this.leaf, role: "undo", undoes: id }), card);
  }

  /** @param {Decision} decision @param {C} card @returns {outbox.Given} */
  #given(decision, card) {
    return { decision, title: brief(titleOf(card)), leafName: this.leafName };
  }
}

/** @template {Card} C @param {C} card @returns {Slot<C>} */
const slotOf = (card) => ({ card, given: signal(null), note: signal(""), refusal: signal(null) });

/** The card as the undo stack keeps it: a title may be of any length. @template {Card} C @param {C} card */
const kept = (card) => ({ ...card, title: card.title && brief(card.title) });
