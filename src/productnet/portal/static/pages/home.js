// The start page: what there is to do for the person signed in.
// @ts-check

import { html } from "../vendor/preact.js";
import { number } from "../lib/format.js";
import { can, person, session } from "../lib/session.js";
import { Page } from "../parts/page.js";
import { Queue } from "../parts/queue.js";

/** @param {{query: URLSearchParams}} _props */
export default function Home(_props) {
  const project = session.value?.project;
  return html`<${Page} title="Hello, ${person.value?.display_name || person.value?.name}"
    lead=${project && html`${number(project.products)} products, ${number(project.leaves)} leaves of ${project.taxonomy}${
      project.round ? html`, round ${project.round}` : ""}`}>
    <div class="stack">
      ${can("labeler") && html`<${Queue} task="label" />`}
      ${can("auditor") && html`<${Queue} task="audit" />`}
      ${can("adjudicator") && html`<${Queue} task="adjudicate" />`}
    </div>
  <//>`;
}
