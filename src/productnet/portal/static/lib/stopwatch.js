// How long somebody looks at something: time runs while the tab is in view, up to a cap.
// @ts-check

// Longer than this, somebody was away from the desk and the figure would tell nothing.
const CAP_SECONDS = 120;

export class Stopwatch {
  #since = performance.now();
  #kept = 0;
  #hidden = document.visibilityState === "hidden";

  constructor() {
    document.addEventListener("visibilitychange", () => {
      const now = performance.now();
      if (document.visibilityState === "hidden") this.#kept += now - this.#since;
      this.#since = now;
      this.#hidden = document.visibilityState === "hidden";
    });
  }

  /** Begin anew. */
  restart() {
    this.#since = performance.now();
    this.#kept = 0;
  }

  /** Seconds since it began, rounded to hundredths; and begin anew. */
  take() {
    const running = this.#hidden ? 0 : performance.now() - this.#since;
    const seconds = Math.min((this.#kept + running) / 1000, CAP_SECONDS);
    this.restart();
    return Math.round(seconds * 100) / 100;
  }
}
