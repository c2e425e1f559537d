// Pages of candidates: the one on screen, and the next one, fetched while that is answered.
//
// Unlike pages of a list (lib/list_pages.js) they have no order to go through: each is asked for
// anew, less what was shown. The local model learns meanwhile; what it learnt enters with the next
// page only, so that nothing ever changes under the cursor.
// @ts-check

import { signal } from "../../vendor/preact.js";
import { getCandidates } from "../../lib/api.js";
import { waiting } from "../../lib/outbox.js";
import { asProblem } from "../../lib/session.js";

/** @import {Candidate, CandidatesPage, CandidatesRequest} from "../../lib/types.js" */

/** What is asked for, but for the count and what to leave out.
 * @typedef {Omit<CandidatesRequest, "leaf" | "count" | "exclude">} Wish */

/** A page on its way or there already.
 * @typedef {{page: Promise<CandidatesPage | null>, ready: CandidatesPage | null, stop: AbortController}} Ahead */

// Ids to leave out that are sent at most; older ones are left to the server, which knows answers.
const MOST_EXCLUDED = 1000;
// A page is fetched again at most this often as the model learns.
const REFRESH_MS = 2500;

export class CandidatePages {
  /** @type {import("../../vendor/preact.js").Signal<"idle" | "loading" | "ready" | "empty" | "failed">} */
  state = signal("idle");
  problem = signal(/** @type {import("../../lib/api.js").Problem | null} */ (null));
  /** Version of the local model behind the page on screen, and how many answers it had not seen. */
  model = signal(/** @type {{version: string | null, behind: number} | null} */ (null));
  /** Products passed over without an answer, left out of the pages to come. */
  skipped = signal(/** @type {ReadonlySet<string>} */ (new Set()));
  /** Ids asked for that are not in the pool. */
  unknown = signal(/** @type {string[]} */ ([]));
  /** Pages shown since the wish was made. */
  turn = signal(0);

  /** @type {Wish | null} */
  #wish = null;
  #count = 20;
  /** @type {AbortController | null} */
  #loading = null;
  /** @type {Ahead | null} */
  #ahead = null;
  #refreshed = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {string} leaf
   * @param {import("../../lib/sheet.js").Sheet<Candidate>} sheet
   */
  constructor(leaf, sheet) {
    this.leaf = leaf;
    this.sheet = sheet;
  }

  /** Ask for something else; null: wait, because what to ask for is not complete.
   * @param {Wish | null} wish @param {number} count */
  want(wish, count) {
    this.#wish = wish;
    this.#count = count;
    this.turn.value = 0;
    this.unknown.value = [];
    this.#dropAhead();
    this.#loading?.abort();
    if (wish) {
      void this.load();
    } else {
      this.sheet.fill([]);
      this.state.value = "idle";
    }
  }

  /** Fetch a page and show it. */
  async load() {
    const wish = this.#wish;
    if (!wish) return;
    this.#loading?.abort();
    const stop = new AbortController();
    this.#loading = stop;
    this.state.value = "loading";
    this.problem.value = null;
    try {
      const page = await getCandidates(this.#request(wish), stop.signal);
      if (!stop.signal.aborted) this.#show(page);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.problem.value = asProblem(error);
      this.state.value = "failed";
    }
  }

  /** Go to the next page: the one fetched ahead, where it is there. */
  async next() {
    if (this.state.peek() === "loading") return;
    const passed = this.sheet.slots.peek().filter((slot) => !slot.given.peek());
    if (passed.length) {
      this.skipped.value = new Set([...this.skipped.peek(), ...passed.map((slot) => slot.card.product)]);
    }
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead?.ready) {
      this.#show(this.#fresh(ahead.ready));
      return;
    }
    if (!ahead) return void this.load();
    this.state.value = "loading";
    const page = await ahead.page;
    if (ahead.stop.signal.aborted) return;
    if (page) this.#show(this.#fresh(page));
    else void this.load();
  }

  /** Let what was passed over come again. */
  showSkipped() {
    this.skipped.value = new Set();
    void this.load();
  }

  /** The local model has learnt: fetch the next page again, unless that was just done. */
  modelLearnt() {
    if (!this.#ahead || !["mixed", "active"].includes(this.#wish?.source ?? "")) return;
    clearTimeout(this.#timer);
    const wait = this.#refreshed + REFRESH_MS - performance.now();
    this.#timer = setTimeout(() => this.#refresh(), Math.max(wait, 0));
  }

  /** Stop all that is under way. */
  stop() {
    clearTimeout(this.#timer);
    this.#loading?.abort();
    this.#dropAhead();
  }

  /** @param {CandidatesPage} page */
  #show(page) {
    this.model.value = { version: page.model_version, behind: page.behind };
    this.unknown.value = page.unknown_ids;
    this.sheet.fill(page.candidates);
    this.turn.value++;
    this.state.value = page.candidates.length ? "ready" : "empty";
    if (page.candidates.length) this.#ahead = this.#fetchAhead();
  }

  /** A page fetched ahead, less what was answered since, as by an undo or in another tab.
   * @param {CandidatesPage} page */
  #fresh(page) {
    const shown = new Set([...this.sheet.slots.peek().map((slot) => slot.card.product), ...this.#pending()]);
    return { ...page, candidates: page.candidates.filter((one) => !shown.has(one.product)) };
  }

  #refresh() {
    const wish = this.#wish;
    if (!wish || !this.#ahead) return;
    this.#refreshed = performance.now();
    const before = this.#ahead;
    const fresh = this.#fetchAhead();
    // Until the newer page is there the older one stands.
    void fresh.page.then((page) => {
      if (this.#ahead === before && page) {
        before.stop.abort();
        this.#ahead = fresh;
      }
    });
  }

  #fetchAhead() {
    const stop = new AbortController();
    const wish = /** @type {Wish} */ (this.#wish);
    /** @type {Ahead} */
    const ahead = { stop, ready: null, page: Promise.resolve(null) };
    ahead.page = getCandidates(this.#request(wish), stop.signal).then(
      (page) => {
        ahead.ready = page;
        for (const { thumbnail } of page.candidates) if (thumbnail) new Image().src = thumbnail;
        return page;
      },
      // It is asked for again when it is needed, and what is wrong is told then.
      () => null,
    );
    return ahead;
  }

  #dropAhead() {
    this.#ahead?.stop.abort();
    this.#ahead = null;
  }

  #pending() {
    return waiting.peek().filter((one) => one.decision.leaf === this.leaf).map((one) => one.decision.product);
  }

  /** @param {Wish} wish @returns {CandidatesRequest} */
  #request(wish) {
    const here = this.sheet.slots.peek().map((slot) => slot.card.product);
    const exclude = [...new Set([...here, ...this.#pending(), ...[...this.skipped.peek()].reverse()])];
    return { ...wish, leaf: this.leaf, count: this.#count, exclude: exclude.slice(0, MOST_EXCLUDED) };
  }
}
