// Groups of near-duplicates as they are reviewed: what is shown, what was said, what can be undone.
//
// A review counts on screen at once and is sent behind it; one that the server did not take brings
// its group back.
// @ts-check

import { batch, computed, signal } from "../../vendor/preact.js";
import { listDuplicates, reviewDuplicates, takeBackReview } from "../../lib/api.js";
import { uuid } from "../../lib/outbox.js";
import { asProblem } from "../../lib/session.js";
import { toast } from "../../parts/toast.js";

/** @import {LikeProducts} from "../../lib/types.js" */
/** @typedef {{id: string, group: LikeProducts, sent: Promise<boolean>}} Said */

const PAGE = 30;
// A server that restarts is back within seconds.
const WAITS_MS = [500, 2000, 5000];

export class Reviews {
  /** @type {import("../../vendor/preact.js").Signal<"loading" | "ready" | "failed">} */
  state = signal("loading");
  problem = signal(/** @type {import("../../lib/api.js").Problem | null} */ (null));
  total = signal(0);
  /** Reviews given, less those taken back. */
  given = signal(0);
  skipped = signal(0);
  told = signal("");
  #groups = signal(/** @type {LikeProducts[]} */ ([]));
  now = computed(() => this.#groups.value[0] ?? null);
  /** @type {Said[]} */
  #stack = [];
  /** The first product of each group that was passed over. @type {Set<string>} */
  #passed = new Set();

  /** @param {string | null} product Its group comes first. */
  constructor(product) {
    this.product = product;
  }

  /** Show groups from the beginning, those left for later again. */
  async start() {
    this.#passed.clear();
    this.skipped.value = 0;
    this.state.value = "loading";
    await this.#load();
  }

  /** Say of the group in sight which products are another each. @param {string[]} apart */
  say(apart) {
    const group = this.now.peek();
    if (!group) return;
    const id = uuid();
    const products = group.products.map((one) => one.product);
    const sent = this.#send({ id, products, apart }, group);
    this.#stack.push({ id, group, sent });
    this.given.value++;
    this.total.value = Math.max(0, this.total.peek() - 1);
    this.told.value = apart.length ? "Told apart." : "One product.";
    this.#leave();
  }

  /** Leave the group in sight for later. */
  skip() {
    const group = this.now.peek();
    if (!group) return;
    this.#passed.add(first(group));
    this.skipped.value++;
    this.told.value = "Left for later.";
    this.#leave();
  }

  /** Take the last review back. @returns {Promise<boolean>} Whether there was one. */
  async undo() {
    const last = this.#stack.pop();
    if (!last) return false;
    this.given.value--;
    this.total.value++;
    this.#groups.value = [last.group, ...this.#groups.peek().filter((one) => first(one) !== first(last.group))];
    this.told.value = "Taken back.";
    if (await last.sent) {
      await patiently(() => takeBackReview({ id: uuid(), review: last.id })).catch((error) => {
        toast(asProblem(error).detail, { tone: "bad" });
      });
    }
    return true;
  }

  #leave() {
    const rest = this.#groups.peek().slice(1);
    this.#groups.value = rest;
    for (const one of rest[0]?.products ?? []) if (one.thumbnail) new Image().src = one.thumbnail;
    if (!rest.length) void this.#more();
  }

  /** The next groups, once what was said has arrived: the server lists what nobody has reviewed. */
  async #more() {
    this.state.value = "loading";
    await Promise.all(this.#stack.map((one) => one.sent));
    await this.#load();
  }

  async #load() {
    try {
      const limit = Math.min(50, PAGE + this.#passed.size);
      const found = await listDuplicates({ limit, ...(this.product && { product: this.product }) });
      batch(() => {
        this.#groups.value = found.items.filter((one) => !this.#passed.has(first(one)));
        this.total.value = found.total;
        this.problem.value = null;
        this.state.value = "ready";
      });
    } catch (error) {
      this.problem.value = asProblem(error);
      this.state.value = "failed";
    }
  }

  /** @param {{id: string, products: string[], apart: string[]}} review @param {LikeProducts} group */
  async #send(review, group) {
    try {
      await patiently(() => reviewDuplicates(review));
      return true;
    } catch (error) {
      this.#stack = this.#stack.filter((one) => one.id !== review.id);
      this.given.value--;
      this.total.value++;
      this.#groups.value = [...this.#groups.peek(), group];
      this.state.value = "ready";
      toast(`Not recorded: ${asProblem(error).detail}`, { tone: "bad" });
      return false;
    }
  }
}

/** @param {LikeProducts} group */
const first = (group) => group.products[0]?.product ?? "";

/** Try again while the server is away. @template R @param {() => Promise<R>} work @returns {Promise<R>} */
async function patiently(work) {
  for (const wait of WAITS_MS) {
    try {
      return await work();
    } catch (error) {
      if (!asProblem(error).passing) throw error;
      await new Promise((go) => setTimeout(go, wait));
    }
  }
  return work();
}
