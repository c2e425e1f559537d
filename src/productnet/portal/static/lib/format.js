// Numbers, times and names as people read them.
// @ts-check

const whole = new Intl.NumberFormat("en");

/** @param {number} n */
export const number = (n) => whole.format(n);

/** 12 answers, 1 answer. @param {number} n @param {string} one @param {string} [many] */
export const count = (n, one, many = `${one}s`) => `${number(n)} ${n === 1 ? one : many}`;

/** @param {number} share 0 to 1. @param {number} [digits] */
export const percent = (share, digits = 0) => `${(100 * share).toFixed(digits)}%`;

/** A duration in seconds, roughly: 45 s, 12 min, 3.5 h. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  const hours = seconds / 3600;
  return `${hours < 10 ? hours.toFixed(1) : Math.round(hours)} h`;
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric" });

/** 14:05. @param {string | Date} time */
export const hour = (time) => clock.format(new Date(time));
/** 3 Nov 2026. @param {string | Date} time */
export const date = (time) => day.format(new Date(time));

/** Just now, 5 min ago, 14:05, 3 Nov 2026. @param {string | Date} time @param {number} [now] */
export function ago(time, now = Date.now()) {
  const seconds = (now - new Date(time).getTime()) / 1000;
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  if (new Date(now).toDateString() === new Date(time).toDateString()) return hour(time);
  return date(time);
}

/** The name of a source or model kind as a label: "logistic-regression" is Logistic regression.
 * @param {string} name */
export function label(name) {
  if (name === "adhoc") return "Ad hoc";
  if (name === "mlp") return "MLP";
  if (name === "naive-bayes") return "Naive Bayes";
  const words = name.replace(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An answer in a word. @type {Record<import("./types.js").Verdict, string>} */
export const VERDICTS = { positive: "Yes", negative: "No", unsure: "Unsure" };

/** A product's title, or its id where it has none.
 * @param {{title: string | null, product: string}} card */
export const titleOf = (card) => card.title?.trim() || `Product ${card.product}`;

/** Text cut to a length that is quick to lay out. @param {string} text @param {number} [most] */
export const brief = (text, most = 300) => (text.length > most ? `${text.slice(0, most)}…` : text);

/** 14 kB, 2.3 MB. @param {number} bytes */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** 3 Nov 2026, 14:05. @param {string | Date} time */
export const moment = (time) => `${date(time)}, ${hour(time)}`;
