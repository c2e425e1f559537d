// A leaf in one's own hands: taken on entering, renewed while in view, given back on leaving.
// @ts-check

import { signal } from "../vendor/preact.js";
import { releaseLease, takeLease } from "./api.js";
import { asProblem, person } from "./session.js";

/** @import {Lease as Taken, Task} from "./types.js" */

const EVERY_MS = 60_000;

export class Lease {
  /**
   * `mine`; `held` by somebody else; `unknown` until the server answers, or while it is away.
   * @type {import("../vendor/preact.js").Signal<"unknown" | "mine" | "held" | "refused">}
   */
  state = signal("unknown");
  holder = signal(/** @type {{name: string, until: string | null} | null} */ (null));
  /** Why it was not given, in the server's words. */
  reason = signal("");

  /**
   * @param {string} leaf
   * @param {Task} task
   * @param {Taken[]} [known] Who held what when the leaf was loaded.
   */
  constructor(leaf, task, known = []) {
    this.leaf = leaf;
    this.task = task;
    const other = known.find((one) => one.task === task && one.holder !== person.peek()?.name);
    if (other) this.holder.value = { name: other.holder, until: other.expires_at };
  }

  /** Take it and keep it. @returns {() => void} Gives it back. */
  keep() {
    const renew = () => {
      if (document.visibilityState === "visible") void this.take();
    };
    const leave = () => this.#release();
    void this.take();
    const timer = setInterval(renew, EVERY_MS);
    document.addEventListener("visibilitychange", renew);
    addEventListener("pagehide", leave);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", renew);
      removeEventListener("pagehide", leave);
      leave();
    };
  }

  /** Ask for it, or for more time. */
  async take() {
    try {
      const taken = await takeLease(this.leaf, this.task);
      this.holder.value = { name: taken.holder, until: taken.expires_at };
      this.state.value = "mine";
    } catch (error) {
      const problem = asProblem(error);
      // Out of reach: whoever held it goes on; the rules of the log judge each answer anyway.
      if (problem.passing || problem.status === 401 || problem.status < 0) return;
      const { holder, expires_at: until } = problem.extensions;
      if (holder) this.holder.value = { name: holder, until: until ?? null };
      this.reason.value = problem.detail;
      this.state.value = problem.status === 409 ? "held" : "refused";
    }
  }

  #release() {
    if (this.state.peek() !== "mine") return;
    this.state.value = "unknown";
    releaseLease(this.leaf, this.task).catch(() => {
      // It runs out by itself.
    });
  }
}
