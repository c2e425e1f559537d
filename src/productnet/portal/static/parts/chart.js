// Charts drawn as SVG: columns, lines, and a share with its interval. Each can be read by keyboard
// and as a table, and says in words what it shows.
// @ts-check

import { html, useEffect, useId, useRef, useState } from "../vendor/preact.js";
import { number, percent } from "../lib/format.js";
import { Icon } from "./icon.js";

/** Pixels around the drawing. */
const LEFT = 44;
const RIGHT = 8;
const TOP = 10;
const BOTTOM = 24;

/**
 * A series; null where nothing is known.
 * @typedef {{name: string, colour: string, values: (number | null)[]}} Series
 *   colour: a design token, such as "--gold-fill".
 */

/**
 * @param {{title: string, note?: string, kind?: "columns" | "lines", labels: string[], series: Series[],
 *   format?: (value: number) => string, from?: number, to?: number, height?: number, words: string}} props
 *   labels: of the places from left to right; from, to: ends of the scale, from the values where
 *   absent; words: what there is to see, in a sentence.
 */
export function Chart({ title, note, kind = "columns", labels, series, format = number, from = 0, to, height = 190, words }) {
  const id = useId();
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const [width, setWidth] = useState(0);
  const [at, setAt] = useState(/** @type {number | null} */ (null));
  const [asTable, setAsTable] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, [asTable]);
  const known = series.flatMap(({ values }) => values.filter((value) => value !== null));
  const top = to ?? niceTop(Math.max(...known, 0), from);
  const step = (width - LEFT - RIGHT) / Math.max(labels.length, 1);
  const x = (/** @type {number} */ place) => LEFT + step * (place + 0.5);
  const y = (/** @type {number} */ value) => TOP + (height - TOP - BOTTOM) * (1 - (value - from) / (top - from || 1));
  const move = (/** @type {KeyboardEvent} */ event) => {
    const last = labels.length - 1;
    const now = at ?? last + 1;
    /** @type {Record<string, number | null>} */
    const places = { ArrowLeft: Math.max(0, now - 1), ArrowRight: Math.min(last, at === null ? 0 : now + 1), Home: 0, End: last, Escape: null };
    if (!(event.key in places)) return;
    event.preventDefault();
    setAt(places[event.key] ?? null);
  };
  const point = (/** @type {PointerEvent} */ event) => {
    const left = event.clientX - /** @type {HTMLElement} */ (box.current).getBoundingClientRect().left;
    const place = Math.floor((left - LEFT) / step);
    setAt(place >= 0 && place < labels.length ? place : null);
  };
  const read = at === null ? null
    : series.map((one) => ({ ...one, value: one.values[at] ?? null })).filter(({ value }) => value !== null);
  return html`<figure class="chart" aria-labelledby="${id}-title">
    <figcaption class="chart-head">
      <span><b id="${id}-title">${title}</b>${note && html` <span class="muted small">${note}</span>`}</span>
      <button type="button" class="button button-quiet button-small" aria-pressed=${asTable}
        aria-label="${title}: ${asTable ? "as a chart" : "as a table"}" onClick=${() => setAsTable(!asTable)}>${asTable ? "Chart" : "Table"}</button>
    </figcaption>
    ${asTable ? html`<${AsTable} title=${title} labels=${labels} series=${series} format=${format} height=${height} />` : html`
    <div ref=${box} class="chart-box" style=${{ height: `${height}px` }} tabindex="0" role="img" aria-label="${title}. ${words} Arrow keys read each place."
      onKeyDown=${move} onPointerMove=${point} onPointerLeave=${() => setAt(null)} onBlur=${() => setAt(null)}>
      ${width > 0 && html`<svg width=${width} height=${height} aria-hidden="true">
        ${[0, 0.5, 1].map((share) => {
          const value = from + share * (top - from);
          return html`<g key=${share}><line class="chart-rule" x1=${LEFT} x2=${width - RIGHT} y1=${y(value)} y2=${y(value)} />
            <text class="chart-words" x=${LEFT - 8} y=${y(value) + 4} text-anchor="end">${format(value)}</text></g>`;
        })}
        ${placesOf(labels.length, width).map((place) => html`<text key=${place} class="chart-words" x=${Math.min(x(place), width - 20)} y=${height - 6} text-anchor="middle">${labels[place]}</text>`)}
        ${at !== null && html`<rect class="chart-at" x=${LEFT + step * at} y=${TOP} width=${step} height=${height - TOP - BOTTOM} />`}
        ${kind === "columns"
          ? series[0]?.values.map((value, place) => value !== null && value > 0 && html`<rect key=${place} x=${x(place) - barOf(step) / 2} width=${barOf(step)}
              y=${Math.min(y(value), y(from) - 1)} height=${Math.max(y(from) - y(value), 1)} rx=${Math.min(2, step / 4)} style=${{ fill: `var(${series[0]?.colour})` }} />`)
          : series.map((one) => html`<g key=${one.name}>
              <path class="chart-line" d=${pathOf(one.values, x, y)} style=${{ stroke: `var(${one.colour})` }} />
              ${one.values.map((value, place) => value !== null && (labels.length <= 40 || place === at) && html`<circle key=${place} cx=${x(place)} cy=${y(value)} r=${place === at ? 4 : 2.5} style=${{ fill: `var(${one.colour})` }} />`)}
            </g>`)}
      </svg>`}
      ${at !== null && read && html`<div class="chart-tip ${x(at) > width / 2 ? "chart-tip-left" : ""}" style=${x(at) > width / 2 ? { right: `${width - x(at) + 10}px` } : { left: `${x(at) + 10}px` }}>
        <span class="muted">${labels[at]}</span>
        ${read.map((one) => html`<span key=${one.name} class="chart-read"><span class="dot" style=${{ background: `var(${one.colour})` }} />${series.length > 1 ? `${one.name} ` : ""}<b>${format(one.value ?? 0)}</b></span>`)}
        ${!read.length && html`<span>nothing</span>`}
      </div>`}
      <span class="unseen" role="status">${at !== null && read && `${labels[at]}: ${read.map((one) => `${one.name} ${format(one.value ?? 0)}`).join(", ") || "nothing"}`}</span>
    </div>
    ${series.length > 1 && html`<ul class="chart-legend">${series.map((one) => html`<li key=${one.name}><span class="dot" style=${{ background: `var(${one.colour})` }} />${one.name}</li>`)}</ul>`}`}
  </figure>`;
}

/** @param {{title: string, labels: string[], series: Series[], format: (value: number) => string, height: number}} props */
function AsTable({ title, labels, series, format, height }) {
  return html`<div class="scroll chart-table" tabindex="0" role="region" aria-label=${title} style=${{ height: `${height}px` }}><table class="table">
    <thead><tr><th></th>${series.map((one) => html`<th key=${one.name} class="number">${one.name}</th>`)}</tr></thead>
    <tbody>${labels.map((label, place) => html`<tr key=${place}><th scope="row">${label}</th>
      ${series.map((one) => html`<td key=${one.name} class="number">${one.values[place] == null ? "–" : format(one.values[place] ?? 0)}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** The least round number at or above a value. @param {number} value @param {number} from */
function niceTop(value, from) {
  if (value <= from) return from + 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((times) => times * power >= value) ?? 10) * power;
}

/** @param {number} step */
const barOf = (step) => Math.max(1, Math.min(28, step * 0.7));

/** Which places have their label written. @param {number} places @param {number} width */
function placesOf(places, width) {
  const most = Math.max(1, Math.floor((width - LEFT) / 76));
  const every = Math.max(1, Math.ceil(places / most));
  return Array.from({ length: Math.ceil(places / every) }, (_, n) => places - 1 - n * every).filter((place) => place >= 0);
}

/** @param {(number | null)[]} values @param {(place: number) => number} x @param {(value: number) => number} y */
function pathOf(values, x, y) {
  let drawn = "";
  let up = true;
  values.forEach((value, place) => {
    if (value === null) return;
    drawn += `${up ? "M" : "L"}${x(place).toFixed(1)} ${y(value).toFixed(1)}`;
    up = false;
  });
  return drawn;
}

/**
 * A share with its 95% interval, as words and as a small drawing.
 * @param {{share: import("../lib/types.js").Proportion, digits?: number, alarm?: boolean}} props
 */
export function Interval({ share, digits = 0, alarm = false }) {
  if (share.share === null) return html`<span class="muted">–</span>`;
  const words = `${percent(share.share, digits)}, between ${percent(share.low, digits)} and ${percent(share.high, digits)}, of ${number(share.of)}`;
  return html`<span class="interval ${alarm ? "interval-alarm" : ""}" title=${words}>
    <span aria-hidden="true" class="interval-words"><b>${percent(share.share, digits)}</b> <span class="muted">${percent(share.low, 0)}–${percent(share.high, 0)}</span></span>
    <span class="interval-track" aria-hidden="true">
      <span class="interval-band" style=${{ left: `${100 * share.low}%`, width: `${100 * (share.high - share.low)}%` }} />
      <span class="interval-mark" style=${{ left: `${100 * share.share}%` }} />
    </span>
    <span class="unseen">${words}</span>
  </span>`;
}

/**
 * One number, large, with what it is made of.
 * @param {{label: string, value: unknown, note?: unknown, help?: string, icon?: import("./icon.js").IconName}} props
 */
export function Figure({ label, value, note, help, icon }) {
  return html`<div class="figure" title=${help}>
    <dt>${icon && html`<${Icon} name=${icon} size=${14} />`}${label}</dt>
    <dd><b>${value}</b>${note && html`<span class="muted small">${note}</span>`}</dd>
  </div>`;
}
