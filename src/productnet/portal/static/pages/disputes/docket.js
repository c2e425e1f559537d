// The disputes that wait for this person, one after another, and what they answered here.
// @ts-check

import { batch, computed, signal } from "../../vendor/preact.js";
import { listDisputes } from "../../lib/api.js";
import { VERDICTS, brief, titleOf } from "../../lib/format.js";
import * as outbox from "../../lib/outbox.js";
import { asProblem } from "../../lib/session.js";
import { Stopwatch } from "../../lib/stopwatch.js";
import * as undoStack from "../../lib/undo.js";

/** @import {BesideDispute, Dispute, Verdict} from "../../lib/types.js" */

/**
 * One dispute on the docket.
 * @typedef {object} Case
 * @property {Dispute} dispute
 * @property {import("../../vendor/preact.js").Signal<Given | null>} given What was answered here.
 * @property {import("../../vendor/preact.js").Signal<string>} note Goes with the answer.
 * @property {import("../../vendor/preact.js").Signal<string | null>} refusal Why the server did
 *   not take the answer.
 *
 * @typedef {{ids: string[], verdict: Verdict, leaf: string | null}} Given
 *   leaf: of two leaves the one chosen; null for neither, and for a dispute of one leaf.
 */

const PAGE = 20;

export class Docket {
  /** @type {import("../../vendor/preact.js").Signal<"loading" | "ready" | "failed">} */
  state = signal("loading");
  problem = signal(/** @type {import("../../lib/api.js").Problem | null} */ (null));
  cases = signal(/** @type {Case[]} */ ([]));
  at = signal(0);
  /** @type {import("../../vendor/preact.js").Signal<Record<string, BesideDispute>>} */
  leaves = signal({});
  total = signal(0);
  /** What just happened, for screen readers. */
  said = signal("");

  current = computed(() => this.cases.value[this.at.value] ?? null);
  open = computed(() => this.cases.value.filter((one) => !one.given.value).length);
  settled = computed(() => this.cases.value.length - this.open.value);

  /** @type {string | null} */
  #cursor = null;
  #loading = false;
  #watch = new Stopwatch();

  /** @param {string | null} leaf Only this leaf's. */
  constructor(leaf) {
    this.leaf = leaf;
  }

  /** Hear what the server refuses, while the page is shown. @returns {() => void} Stops it. */
  listen() {
    return outbox.onAcknowledged(({ results }) => {
      for (const { id, status, detail } of results) {
        if (status !== "refused") continue;
        const found = this.cases.peek().find((one) => one.given.peek()?.ids.includes(id));
        if (found) found.refusal.value = detail ?? "No reason was given.";
      }
    });
  }

  /** Load the docket from its beginning. */
  async start() {
    this.state.value = "loading";
    this.cases.value = [];
    this.at.value = 0;
    this.#cursor = "";
    await this.#more();
  }

  async #more() {
    if (this.#cursor === null || this.#loading) return;
    this.#loading = true;
    try {
      const page = await listDisputes({ limit: PAGE, cursor: this.#cursor, ...(this.leaf && { leaf: this.leaf }) });
      const known = new Set([
        ...this.cases.peek().map((one) => keyOf(one.dispute)),
        ...outbox.waiting.peek().filter((one) => one.decision.role === "adjudicate")
          .map((one) => `${one.decision.product}\n${one.decision.leaf}`),
      ]);
      const fresh = page.items.filter((dispute) => !known.has(keyOf(dispute)));
      batch(() => {
        this.#cursor = page.next_cursor;
        this.total.value = page.total;
        this.leaves.value = { ...this.leaves.peek(), ...page.leaves };
        this.cases.value = [...this.cases.peek(), ...fresh.map((dispute) => ({
          dispute, given: signal(null), note: signal(""), refusal: signal(null),
        }))];
        this.state.value = "ready";
        this.problem.value = null;
      });
      this.#watch.restart();
    } catch (error) {
      this.problem.value = asProblem(error);
      if (!this.cases.peek().length) this.state.value = "failed";
    } finally {
      this.#loading = false;
    }
  }

  /** @param {number} at */
  goTo(at) {
    const to = Math.min(Math.max(at, 0), Math.max(this.cases.peek().length - 1, 0));
    if (to !== this.at.peek()) this.#watch.restart();
    this.at.value = to;
    if (to >= this.cases.peek().length - 3) void this.#more();
  }

  /** Settle the current dispute of one leaf; of two leaves, a no is neither. @param {Verdict} verdict */
  answer(verdict) {
    const now = this.current.peek();
    if (!now) return;
    if (now.dispute.kind !== "two_leaves") {
      this.#give(now, verdict, null, [{ role: "adjudicate", leaf: now.dispute.leaf, verdict }]);
    } else if (verdict === "negative") {
      this.#give(now, verdict, null, neither(now.dispute.leaves));
    }
  }

  /** Settle the current product for one of the leaves that claim it. @param {number} which From 0. */
  choose(which) {
    const now = this.current.peek();
    const leaf = now?.dispute.kind === "two_leaves" && now.dispute.leaves[which];
    if (now && leaf) this.#give(now, "positive", leaf, [{ role: "adjudicate", leaf, verdict: "positive" }]);
  }

  /**
   * @param {Case} now
   * @param {Verdict} verdict
   * @param {string | null} leaf
   * @param {{role: "adjudicate" | "challenge", leaf: string, verdict: Verdict}[]} answers
   */
  #give(now, verdict, leaf, answers) {
    const { product } = now.dispute;
    const before = now.given.peek();
    if (before && before.verdict === verdict && before.leaf === leaf && !now.refusal.peek()) return this.#goOn();
    const seconds = this.#watch.take();
    const note = now.note.peek().trim();
    const decisions = answers.map((one) => outbox.decide({
      ...one, product: product.product, ...(note && { note }),
      ...(one.role === "adjudicate" && { seconds }),
    }));
    const title = brief(titleOf(product));
    const taken = before ? this.#undoing(now.dispute, before) : [];
    for (const id of before?.ids ?? []) undoStack.forget(id);
    batch(() => {
      now.given.value = { ids: decisions.map((one) => one.id), verdict, leaf };
      now.refusal.value = null;
      this.said.value = `${this.#words(verdict, leaf)}: ${brief(title, 80)}.`;
      this.#goOn();
    });
    undoStack.push({
      leaf: now.dispute.leaf, leafName: this.#nameOf(now.dispute.leaf), role: "adjudicate",
      // What was built on is taken back last.
      items: decisions.toReversed().map((one) => ({ id: one.id, card: product, leaf: one.leaf })),
    });
    void outbox.give([
      ...taken,
      ...decisions.map((decision) => ({ decision, title, leafName: this.#nameOf(decision.leaf) })),
    ]);
  }

  /** The decisions that take an answer back. @param {Dispute} dispute @param {Given} given @returns {outbox.Given[]} */
  #undoing(dispute, given) {
    const leaves = given.ids.length === 1 ? [given.leaf ?? dispute.leaf] : neither(dispute.leaves).map((one) => one.leaf);
    return given.ids.map((id, n) => ({
      decision: outbox.decide({ product: dispute.product.product, leaf: leaves[n] ?? dispute.leaf, role: "undo", undoes: id }),
      title: brief(titleOf(dispute.product)), leafName: this.#nameOf(leaves[n] ?? dispute.leaf),
    })).reverse();
  }

  /** @param {Verdict} verdict @param {string | null} leaf */
  #words(verdict, leaf) {
    if (leaf) return `It belongs to ${this.#nameOf(leaf)}`;
    return VERDICTS[verdict];
  }

  /** @param {string} leaf */
  #nameOf(leaf) {
    return this.leaves.peek()[leaf]?.name ?? leaf;
  }

  /** To the next dispute without an answer; where none is left, stay. */
  #goOn() {
    const cases = this.cases.peek();
    const free = (/** @type {Case} */ one) => !one.given.peek();
    const ahead = cases.findIndex((one, at) => at > this.at.peek() && free(one));
    const any = ahead >= 0 ? ahead : cases.findIndex(free);
    if (any >= 0) this.goTo(any);
    else this.at.value = cases.length;
    if (any < 0 || any >= cases.length - 3) void this.#more();
  }

  /** Take the last answer back, wherever it was given.
   * @returns {undoStack.Gesture | null} What was taken back; null when nothing is left. */
  undo() {
    const gesture = undoStack.takeBack((leaf) => this.#nameOf(leaf));
    if (!gesture) return null;
    const ids = gesture.items.map((one) => one.id);
    const at = this.cases.peek().findIndex((one) => one.given.peek()?.ids.some((id) => ids.includes(id)));
    const found = this.cases.peek()[at];
    batch(() => {
      if (found) {
        found.given.value = null;
        found.refusal.value = null;
        this.at.value = at;
      }
      this.said.value = `Undone: ${gesture.items[0] ? brief(titleOf(gesture.items[0].card), 80) : ""}.`;
    });
    this.#watch.restart();
    return gesture;
  }
}

/** @param {Dispute} dispute */
const keyOf = (dispute) => `${dispute.product.product}\n${dispute.leaf}`;

/**
 * A product that belongs to none of the leaves that claim it: a no in each. Once one claim is left
 * nothing contests it any more, so that it is challenged before it is settled.
 * @param {string[]} leaves
 * @returns {{role: "adjudicate" | "challenge", leaf: string, verdict: Verdict}[]}
 */
function neither(leaves) {
  const last = leaves.at(-1) ?? "";
  return [
    ...leaves.slice(0, -1).map((leaf) => ({ role: /** @type {const} */ ("adjudicate"), leaf, verdict: /** @type {const} */ ("negative") })),
    { role: "challenge", leaf: last, verdict: "negative" },
    { role: "adjudicate", leaf: last, verdict: "negative" },
  ];
}
