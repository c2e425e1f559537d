// The drawn map: move and zoom, see what a point is, draw a lasso.
// @ts-check

import { html, useCallback, useEffect, useRef, useState } from "../../vendor/preact.js";
import { getMapProducts } from "../../lib/api.js";
import { titleOf } from "../../lib/format.js";
import { keyName, useCommands } from "../../lib/keys.js";
import { theme } from "../../lib/prefs.js";
import { Scatter } from "../../lib/scatter.js";
import { Icon } from "../../parts/icon.js";
import { Picture } from "../../parts/picture.js";
import { Tabs } from "../../parts/tabs.js";
import { hueOf } from "./groups.js";

/** @import {Card, MapGroup} from "../../lib/types.js" */
/** @import {Plane} from "../../lib/plane.js" */

/** Pixels from the pointer to a point that is meant. */
const REACH = 9;
/** Milliseconds the pointer rests before a product is asked for. */
const REST = 90;
const WHOLE = { x: 0, y: 0, half: 1.08 };
const CLOSEST = 0.002;

/** Colours as the style sheet has them now, in either theme. @param {HTMLElement} box @param {MapGroup[]} groups */
function palette(box, groups) {
  const context = /** @type {CanvasRenderingContext2D} */ (
    Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true }));
  const colours = new Float32Array(32 * 3);
  const put = (/** @type {number} */ at, /** @type {string} */ name) => {
    // A new element each time: one that changes its colour may be on its way to it.
    const probe = Object.assign(document.createElement("span"), { className: name });
    box.append(probe);
    context.fillStyle = getComputedStyle(probe).backgroundColor;
    probe.remove();
    context.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0] = context.getImageData(0, 0, 1, 1).data;
    colours.set([r / 255, g / 255, b / 255], at * 3);
  };
  for (const group of groups) put(group.code, hueOf(group));
  put(31, "map-hue map-hue-chosen");
  return colours;
}

/**
 * @param {{points: Float32Array<ArrayBuffer>, plane: Plane, version: string, codes: Uint8Array<ArrayBuffer> | null,
 *   groups: MapGroup[] | null, only: number, rows: number[], choose: (rows: number[]) => void,
 *   target: {x: number, y: number} | null}} props
 */
export function Chart({ points, plane, version, codes, groups, only, rows, choose, target }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const scatter = useRef(/** @type {Scatter | null} */ (null));
  const [tool, setTool] = useState("move");
  const [outline, setOutline] = useState(/** @type {[number, number][]} */ ([]));
  const [under, setUnder] = useState(-1);
  const [failed, setFailed] = useState("");
  const [, again] = useState(0);
  const drag = useRef(/** @type {{x: number, y: number, lasso: [number, number][] | null} | null} */ (null));
  const visible = useCallback((/** @type {number} */ row) => only < 0 || codes?.[row] === only, [only, codes]);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    let made;
    try {
      made = new Scatter(element, points, () => { element.dataset.drawn = String(Number(element.dataset.drawn ?? 0) + 1); });
    } catch (error) {
      setFailed(String(error instanceof Error ? error.message : error));
      return undefined;
    }
    scatter.current = made;
    const resized = new ResizeObserver(() => made.draw());
    resized.observe(element);
    return () => { resized.disconnect(); made.close(); scatter.current = null; };
  }, [points]);

  useEffect(() => {
    if (!codes || !groups || !box.current) return undefined;
    const paint = () => box.current && scatter.current?.paint(codes, palette(box.current, groups));
    paint();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", paint);
    const stop = theme.subscribe(() => queueMicrotask(paint));
    return () => { dark.removeEventListener("change", paint); stop(); };
  }, [codes, groups]);

  useEffect(() => scatter.current?.isolate(only), [only]);
  useEffect(() => {
    const chosen = new Uint8Array(points.length / 2);
    for (const row of rows) chosen[row] = 1;
    scatter.current?.choose(chosen);
  }, [rows, points]);

  const look = (/** @type {Partial<import("../../lib/scatter.js").View>} */ change, moving = true) => {
    const drawn = scatter.current;
    if (!drawn) return;
    const view = { ...drawn.view, ...change };
    const [x, y] = [Math.max(-1.2, Math.min(1.2, view.x)), Math.max(-1.2, Math.min(1.2, view.y))];
    drawn.look({ x, y, half: Math.max(CLOSEST, Math.min(1.6, view.half)) }, moving);
    setUnder(-1);
  };
  /** Zoom, keeping the place at a pixel where it is; in the middle if none is given. */
  const zoom = (/** @type {number} */ factor, /** @type {[number, number] | null} */ pixel = null) => {
    const drawn = scatter.current;
    if (!drawn) return;
    const { view } = drawn;
    const half = Math.max(CLOSEST, Math.min(1.6, view.half * factor));
    const [x, y] = pixel ? drawn.at(...pixel) : [view.x, view.y];
    const kept = half / view.half;
    look({ x: x + (view.x - x) * kept, y: y + (view.y - y) * kept, half });
  };
  const step = (/** @type {number} */ dx, /** @type {number} */ dy) => {
    const view = scatter.current?.view ?? WHOLE;
    look({ x: view.x + dx * view.half * 0.2, y: view.y + dy * view.half * 0.2 });
  };
  const inSight = () => {
    const drawn = scatter.current;
    if (!drawn) return;
    const { clientWidth: width, clientHeight: height } = drawn.canvas;
    choose(plane.inside([drawn.at(0, 0), drawn.at(width, 0), drawn.at(width, height), drawn.at(0, height)], visible));
  };
  useEffect(() => { if (target) look({ ...target, half: Math.min(scatter.current?.view.half ?? 1, 0.3) }); }, [target]);

  useCommands(["map"], {
    "map-in": () => zoom(0.8),
    "map-out": () => zoom(1.25),
    "map-left": () => step(-1, 0),
    "map-right": () => step(1, 0),
    "map-up": () => step(0, 1),
    "map-down": () => step(0, -1),
    "map-all": () => look(WHOLE),
    "map-lasso": () => setTool((was) => (was === "lasso" ? "move" : "lasso")),
    "map-select": inSight,
    "map-unselect": () => choose([]),
  });

  const pixel = (/** @type {PointerEvent | WheelEvent} */ event) => {
    const { left, top } = /** @type {HTMLCanvasElement} */ (canvas.current).getBoundingClientRect();
    return /** @type {[number, number]} */ ([event.clientX - left, event.clientY - top]);
  };
  useEffect(() => {
    const element = canvas.current;
    // Preact's listeners would be passive in some browsers, and the page would scroll as well.
    const wheel = (/** @type {WheelEvent} */ event) => {
      event.preventDefault();
      zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 400))), pixel(event));
    };
    element?.addEventListener("wheel", wheel, { passive: false });
    return () => element?.removeEventListener("wheel", wheel);
  }, [points]);

  const press = (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    const [x, y] = pixel(event);
    const lasso = (tool === "lasso") !== event.shiftKey;
    drag.current = { x, y, lasso: lasso ? [[x, y]] : null };
    canvas.current?.setPointerCapture(event.pointerId);
    setUnder(-1);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    const drawn = scatter.current;
    if (!drawn) return;
    const [x, y] = pixel(event);
    const held = drag.current;
    if (held?.lasso) {
      held.lasso.push([x, y]);
      setOutline([...held.lasso]);
    } else if (held) {
      const scale = (2 * drawn.view.half) / drawn.canvas.clientHeight;
      look({ x: drawn.view.x - (x - held.x) * scale, y: drawn.view.y + (y - held.y) * scale });
      [held.x, held.y] = [x, y];
    } else {
      const scale = (2 * drawn.view.half) / drawn.canvas.clientHeight;
      setUnder(plane.nearest(...drawn.at(x, y), REACH * scale, visible));
    }
  };
  const release = () => {
    const lasso = drag.current?.lasso;
    drag.current = null;
    setOutline([]);
    if (!lasso || lasso.length < 3 || !scatter.current) return;
    const drawn = scatter.current;
    choose(plane.inside(lasso.map(([x, y]) => drawn.at(x, y)), visible));
  };

  const place = under >= 0 && scatter.current
    ? scatter.current.pixel(points[2 * under] ?? 0, points[2 * under + 1] ?? 0) : null;
  return html`<div class="map-chart" ref=${box}>
    <canvas ref=${canvas} class="map-canvas map-${tool}" tabindex="0" role="img"
      aria-label="Map of ${points.length / 2} products. Arrow keys move it, ${keyName("map-in")} and ${
        keyName("map-out")} zoom, ${keyName("map-select")} selects what is in sight. The table of groups says the same in words."
      onPointerDown=${press} onPointerMove=${move} onPointerUp=${release} onPointerCancel=${release}
      onPointerLeave=${() => !drag.current && setUnder(-1)} onDblClick=${(/** @type {any} */ event) => zoom(0.5, pixel(event))} />
    ${failed && html`<p class="notice notice-warn map-failed" role="alert">${failed}
      <button type="button" class="button button-small" onClick=${() => again((turn) => turn + 1)}>Hide</button></p>`}
    ${outline.length > 1 && html`<svg class="map-outline" aria-hidden="true">
      <polygon points=${outline.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ")} /></svg>`}
    ${place && html`<${Hover} key=${under} row=${under} version=${version} place=${place}
      size=${[canvas.current?.clientWidth ?? 0, canvas.current?.clientHeight ?? 0]}
      group=${groups?.find((group) => group.code === codes?.[under])} />`}
    <div class="map-controls">
      <${Tabs} small label="What dragging does" chosen=${tool} choose=${setTool}
        tabs=${[{ id: "move", label: "Move" }, { id: "lasso", label: "Lasso", help: `Or hold Shift and drag (${keyName("map-lasso")})` }]} />
      <button type="button" class="button button-small" title="Select what is in sight (${keyName("map-select")})" onClick=${inSight}>Select view</button>
      <span class="map-zoom">
        <button type="button" class="button button-small" aria-label="Closer" title="Closer (${keyName("map-in")})" onClick=${() => zoom(0.6)}><${Icon} name="plus" size=${14} /></button>
        <button type="button" class="button button-small" aria-label="Farther" title="Farther (${keyName("map-out")})" onClick=${() => zoom(1 / 0.6)}>−</button>
        <button type="button" class="button button-small" title="Show the whole map (${keyName("map-all")})" onClick=${() => look(WHOLE)}>Whole</button>
      </span>
    </div>
  </div>`;
}

/** Cards seen, so that going back over them asks nobody. @type {Map<string, Card>} */
const seen = new Map();

/**
 * @param {{row: number, version: string, place: [number, number], size: [number, number],
 *   group: MapGroup | undefined}} props
 */
function Hover({ row, version, place: [x, y], size: [width, height], group }) {
  const key = `${version} ${row}`;
  const [card, setCard] = useState(/** @type {Card | null} */ (seen.get(key) ?? null));
  useEffect(() => {
    if (card) return undefined;
    const stop = new AbortController();
    const timer = setTimeout(() => {
      getMapProducts(version, [row], stop.signal).then(({ items }) => {
        if (seen.size > 500) seen.clear();
        if (items[0]) seen.set(key, items[0]);
        setCard(items[0] ?? null);
      }, () => {}); // the next point asks again
    }, REST);
    return () => { clearTimeout(timer); stop.abort(); };
  }, []);
  const left = x > width - 220 ? x - 200 : x + 14;
  const top = Math.max(4, Math.min(y - 60, height - 260));
  return html`
    <span class="map-ring" style=${{ transform: `translate(${x}px, ${y}px)` }} />
    ${card && html`<div class="map-card" style=${{ transform: `translate(${left}px, ${top}px)` }}>
      <${Picture} card=${card} eager />
      <p class="map-card-title"><bdi>${titleOf(card)}</bdi></p>
      ${group && html`<p class="muted small map-card-group"><span class=${hueOf(group)} /> <bdi class="clip">${group.label}</bdi></p>`}
    </div>`}`;
}
