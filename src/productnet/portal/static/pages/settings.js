// Settings of this browser: looks, pace, and every key.
// @ts-check

import { html } from "../vendor/preact.js";
import { Page } from "../parts/page.js";

/** @param {{query: URLSearchParams}} _props */
export default function Settings(_props) {
  return html`<${Page} title="Settings" />`;
}
