// Icons drawn as lines on a 20-pixel square, in the colour of the text beside them.
// @ts-check

import { html } from "../vendor/preact.js";

const SHAPES = {
  yes: "M4.5 10.5 8.5 14.5 15.5 6",
  no: "M5.5 5.5 14.5 14.5M14.5 5.5 5.5 14.5",
  unsure: "M7.2 7.2a2.9 2.9 0 1 1 4.3 2.9c-1 .5-1.5 1.1-1.5 2.1M10 15.2v.1",
  undo: "M7.5 5 4 8.5 7.5 12M4 8.5h7.5a4 4 0 0 1 0 8H8",
  zoom: "M8.7 13.4a4.7 4.7 0 1 0 0-9.4 4.7 4.7 0 0 0 0 9.4ZM12.2 12.2 16 16",
  note: "M4.5 15.5l.8-3.2L13 4.6l2.4 2.4-7.7 7.7-3.2.8Z",
  close: "M5.5 5.5 14.5 14.5M14.5 5.5 5.5 14.5",
  right: "M8 5l5 5-5 5",
  left: "M12 5l-5 5 5 5",
  down: "M5 8l5 5 5-5",
  plus: "M10 4.5v11M4.5 10h11",
  search: "M8.7 13.4a4.7 4.7 0 1 0 0-9.4 4.7 4.7 0 0 0 0 9.4ZM12.2 12.2 16 16",
  person: "M10 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM4.5 16.5c.5-3 2.7-4.5 5.5-4.5s5 1.5 5.5 4.5",
  sun: "M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM10 2.8v1.4M10 15.8v1.4M2.8 10h1.4M15.8 10h1.4M4.9 4.9l1 1M14.1 14.1l1 1M15.1 4.9l-1 1M5.9 14.1l-1 1",
  moon: "M15.5 11.8A6.3 6.3 0 0 1 8.2 4.5a6.3 6.3 0 1 0 7.3 7.3Z",
  system: "M3.5 4.5h13v8.5h-13ZM7.5 16h5M10 13v3",
  keys: "M3 6h14v8.5H3ZM6 9h.1M9 9h.1M12 9h.1M14.5 9h.1M7 12h6",
  gear: "M10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM10 3v2M10 15v2M3 10h2M15 10h2M5.1 5.1l1.4 1.4M13.5 13.5l1.4 1.4M14.9 5.1l-1.4 1.4M6.5 13.5l-1.4 1.4",
  leave: "M8 4H4.5v12H8M12.5 6.5 16 10l-3.5 3.5M16 10H8",
  saved: "M6 14.5a3.5 3.5 0 0 1 .2-7A4.5 4.5 0 0 1 15 9a2.8 2.8 0 0 1-.5 5.5ZM8 11l1.7 1.7L13 9.5",
  waiting: "M6 14.5a3.5 3.5 0 0 1 .2-7A4.5 4.5 0 0 1 15 9a2.8 2.8 0 0 1-.5 5.5ZM10 13V9.5M8.3 11 10 9.3l1.7 1.7",
  warning: "M10 4 17 16H3ZM10 8.5v3.5M10 14v.1",
  image: "M3.5 4.5h13v11h-13ZM3.5 13l3.5-3.5 3 3 2.5-2 4 3.5M12.8 7.8v.1",
  lock: "M5.5 9h9v7h-9ZM7.5 9V6.7a2.5 2.5 0 0 1 5 0V9",
  refresh: "M15.5 7A6 6 0 1 0 16 11.5M15.8 3.8V7.2h-3.4",
  copies: "M7 7h9v9H7ZM4 13V4h9",
  panel: "M3.5 4.5h13v11h-13ZM12.5 4.5v11",
  download: "M10 4v8.5M6.5 9.5 10 13l3.5-3.5M4 16.5h12",
  star: "M10 3.5l2 4.3 4.7.6-3.5 3.2.9 4.7L10 14l-4.1 2.3.9-4.7L3.3 8.4 8 7.8Z",
};

/** @typedef {keyof typeof SHAPES} IconName */

/**
 * Decoration: the control that holds it carries the words.
 * @param {{name: IconName, size?: number}} props
 */
export function Icon({ name, size = 18 }) {
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 20 20" fill="none"
    stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"
    aria-hidden="true" focusable="false"><path d=${SHAPES[name]} /></svg>`;
}
