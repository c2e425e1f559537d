// Pages of a list on the server, by cursor: one on screen, the next fetched while it is answered.
//
// The list does not move while it is gone through: what is answered leaves it, the rest keeps its
// place. What was passed over comes again at the end, if it is wanted.
// @ts-check

import { batch, computed, signal } from "../vendor/preact.js";
import { waiting } from "./outbox.js";
import { asProblem } from "./session.js";

/** @import {Card} from "./types.js" */

/** @template {Card} C @typedef {{items: C[], next_cursor: string | null}} Stretch */

/**
 * @template {Card} C
 * @template {Stretch<C>} P
 */
export class ListPages {
  /** `end`: the list is through, and something was passed over. `empty`: nothing is left.
   * @type {import("../vendor/preact.js").Signal<"loading" | "ready" | "end" | "empty" | "failed">} */
  state = signal("loading");
  problem = signal(/** @type {import("./api.js").Problem | null} */ (null));
  /** What the server said last. */
  page = signal(/** @type {P | null} */ (null));
  /** Products on pages gone by that got no answer. */
  passed = signal(0);
  turn = signal(0);
  /** Answers given since the list was opened, less those taken back. */
  given = computed(() => this.#before.value + this.#onScreen.value);

  /** @type {AbortController | null} */
  #loading = null;
  /** @type {Promise<P | null> | null} */
  #ahead = null;
  #cursor = "";
  /** How many cards of the list are on screen; an undo may have brought others back beside them. */
  #shown = signal(0);
  #before = signal(0);
  #onScreen = computed(() =>
    this.sheet.answered.value - (this.sheet.slots.value.length - this.#shown.value));
  /** Products answered on pages gone by: the server may not know it yet. @type {Set<string>} */
  #answered = new Set();

  /**
   * @param {import("./sheet.js").Sheet<C>} sheet
   * @param {(cursor: string, signal: AbortSignal) => Promise<P>} ask
   */
  constructor(sheet, ask) {
    this.sheet = sheet;
    this.ask = ask;
  }

  /** Show the list from its beginning. */
  start() {
    this.passed.value = 0;
    void this.#load("");
  }

  /** Try again what failed. */
  retry() {
    void this.#load(this.#cursor);
  }

  /** Go to the next page. */
  async next() {
    if (this.state.peek() !== "ready") return;
    const page = this.page.peek();
    this.#leave();
    if (page?.next_cursor == null) {
      if (this.passed.peek()) this.state.value = "end";
      else void this.#load("");
      return;
    }
    const ahead = this.#ahead;
    this.state.value = "loading";
    const found = await ahead;
    if (ahead !== this.#ahead) return;
    if (found) this.#show(found, page.next_cursor);
    else void this.#load(page.next_cursor);
  }

  stop() {
    this.#loading?.abort();
    this.#ahead = null;
  }

  /** Count what the page on screen came to. */
  #leave() {
    const slots = this.sheet.slots.peek();
    for (const { card, given, refusal } of slots) {
      if (given.peek() && !refusal.peek()) this.#answered.add(card.product);
      else this.#answered.delete(card.product);
    }
    batch(() => {
      this.#before.value += this.#onScreen.peek();
      this.passed.value += slots.length - this.sheet.answered.peek();
      this.#shown.value = 0;
      this.sheet.fill([]);
    });
  }

  /** @param {string} cursor */
  async #load(cursor) {
    this.stop();
    const stop = new AbortController();
    this.#loading = stop;
    this.#cursor = cursor;
    this.state.value = "loading";
    this.problem.value = null;
    try {
      const page = await this.ask(cursor, stop.signal);
      if (!stop.signal.aborted) this.#show(page, cursor);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.problem.value = asProblem(error);
      this.state.value = "failed";
    }
  }

  /** @param {P} page @param {string} cursor */
  #show(page, cursor) {
    if (this.sheet.slots.peek().length) this.#leave();
    const pending = new Set(waiting.peek().filter((one) => one.decision.leaf === this.sheet.leaf)
      .map((one) => one.decision.product));
    const items = page.items.filter((one) => !pending.has(one.product) && !this.#answered.has(one.product));
    if (!items.length && page.next_cursor !== null) return void this.#load(page.next_cursor);
    this.#cursor = cursor;
    batch(() => {
      this.page.value = page;
      this.sheet.fill(items);
      this.#shown.value = items.length;
      this.turn.value++;
      this.state.value = items.length ? "ready" : this.passed.peek() ? "end" : "empty";
    });
    this.#ahead = items.length && page.next_cursor !== null ? this.#fetchAhead(page.next_cursor) : null;
  }

  /** @param {string} cursor @returns {Promise<P | null>} */
  #fetchAhead(cursor) {
    const stop = new AbortController();
    this.#loading = stop;
    return this.ask(cursor, stop.signal).then(
      (page) => {
        for (const { thumbnail } of page.items) if (thumbnail) new Image().src = thumbnail;
        return page;
      },
      // It is asked for again when it is needed, and what is wrong is told then.
      () => null,
    );
  }
}
