// The leaf page.
// @ts-check

import { html } from "../vendor/preact.js";
import { Page } from "../parts/page.js";

/** @param {{query: URLSearchParams}} props */
export default function Leaf({ query }) {
  return html`<${Page} title=${query.get("id") ?? ""} />`;
}
