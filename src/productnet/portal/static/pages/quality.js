// Data quality: what the last inspection found, with advice, and the way to where it is mended.
// @ts-check

import { html, useEffect, useState } from "../vendor/preact.js";
import { listFlaws, startInspection } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { ago, count, number, titleOf } from "../lib/format.js";
import { on } from "../lib/live.js";
import { useLoad } from "../lib/load.js";
import { href } from "../lib/router.js";
import { can } from "../lib/session.js";
import { Detail } from "../parts/detail.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { JobView } from "../parts/job.js";
import { Page, Panel } from "../parts/page.js";
import { Strip } from "../parts/picture.js";
import { Tabs } from "../parts/tabs.js";

/** @import {Flaw, FlawGroup, Flaws, Severity} from "../lib/types.js" */

const LEAD = "What looks wrong in labels, leaves and products, and what to do about it. Nothing is changed by itself.";

/** What each inspection is called here. @type {Record<string, string>} */
const TITLES = {
  copies: "Near-duplicates answered differently",
  labels: "Suspected label errors",
  siblings: "Leaves taken for one another",
  thin: "Leaves with little gold",
  narrow: "Leaves with sides nobody has seen",
  wide: "Leaves that look like two",
  missing: "Empty fields",
  misplaced: "Texts out of place",
  pictures: "Pictures",
  brands: "Brands in several spellings",
};

/** @type {Record<Severity, {tone: string, words: string, many: string}>} */
const SEVERITIES = {
  error: { tone: "tag-bad", words: "Error", many: "Errors" },
  warning: { tone: "tag-warn", words: "Warning", many: "Warnings" },
  note: { tone: "", words: "Note", many: "Notes" },
};

// Flaws of a kind shown before "show all".
const SHOWN = 5;

/** @param {{query: URLSearchParams}} _props */
export default function Quality(_props) {
  const { data, problem, reload } = useLoad(listFlaws, []);
  const [only, setOnly] = useState("all");
  const job = data?.jobs[0];
  useEffect(() => on("job", (told) => told.kind === "inspection" && told.id !== job?.id && reload()), [job?.id]);
  const running = job?.state === "running";
  const { act, busy, problem: refused } = useAct();
  const start = can("admin") && html`<button type="button" class="button button-primary" disabled=${!data || running || busy}
    onClick=${() => act(startInspection, reload)}><${Icon} name="refresh" size=${16} /> ${data?.at ? "Inspect again" : "Inspect now"}</button>`;
  return html`<${Page} title="Data quality" lead=${LEAD} actions=${data?.at ? start : null}>
    ${refused && html`<p class="refused" role="alert">${refused.detail}</p>`}
    ${problem && !data ? html`<${Panel}><${Failure} problem=${problem} retry=${reload} /><//>`
      : !data ? html`<${Panel}><${Skeleton} lines=${8} label="Loading what was found" /><//>`
      : html`<div class="stack">
          ${job && job.state !== "done" && html`<${JobView} key=${job.id} job=${job} title="Inspection" ended=${reload} />`}
          <${Elsewhere} flaws=${data} />
          ${data.at ? html`<${Found} flaws=${data} only=${only} choose=${setOnly} />`
            : !running && html`<${Panel}><${Empty} icon="search" title="Nothing was inspected yet" action=${start}>
                ${can("admin") ? "It reads every product and judges all gold; that takes seconds to minutes." : "An admin starts it here, or with `productnet inspect`."}<//><//>`}
        </div>`}
  <//>`;
}

/** What is answered on pages of its own. @param {{flaws: Flaws}} props */
function Elsewhere({ flaws }) {
  return html`<nav class="elsewhere-links" aria-label="To be answered">
    <a class="panel elsewhere-link" href="/duplicates"><${Icon} name="copies" /><span><b>Near-duplicates</b>
      <span class="muted small">${flaws.to_review ? `${count(flaws.to_review, "group")} to look at side by side` : "none waits for a review"}</span></span><${Icon} name="right" size=${16} /></a>
    ${can("adjudicator") && html`<a class="panel elsewhere-link" href="/suspects"><${Icon} name="warning" /><span><b>Suspected errors</b>
      <span class="muted small">answers that models do not believe, one by one</span></span><${Icon} name="right" size=${16} /></a>`}
  </nav>`;
}

/** @param {{flaws: Flaws, only: string, choose: (id: string) => void}} props */
function Found({ flaws, only, choose }) {
  const total = Object.values(flaws.severities).reduce((sum, n) => sum + n, 0);
  const behind = [flaws.behind && `${count(flaws.behind, "decision")} since`, flaws.pool_changed && "products were imported since"].filter(Boolean);
  const tabs = [
    { id: "all", label: `All ${number(total)}` },
    ...Object.entries(SEVERITIES).map(([id, { many }]) => ({ id, label: `${many} ${number(flaws.severities[/** @type {Severity} */ (id)] ?? 0)}` })),
  ];
  const groups = flaws.groups
    .map((group) => ({ ...group, flaws: group.flaws.filter((flaw) => only === "all" || flaw.severity === only) }))
    .filter((group) => group.flaws.length || (group.skipped && only === "all"));
  return html`<div class="row flaws-head">
      <${Tabs} small label="Severity" tabs=${tabs} chosen=${only} choose=${choose} panel="flaws" />
      <p class="muted small push" role="status">Inspected ${ago(/** @type {string} */ (flaws.at))}${behind.length ? `, ${behind.join(", ")}` : ""}</p>
    </div>
    <div id="flaws" class="stack" role="tabpanel">
      ${groups.map((group) => html`<${Group} key=${`${group.inspection} ${only}`} group=${group} whole=${only === "all"} />`)}
      ${!groups.length && html`<${Panel}><${Empty} icon="yes" title=${total ? "None of these" : "Nothing looks wrong"}>
        ${total ? "Other severities have some." : "Labels agree, leaves have what they need, fields are filled."}<//><//>`}
    </div>`;
}

/** @param {{group: FlawGroup, whole: boolean}} props */
function Group({ group, whole }) {
  const [all, setAll] = useState(false);
  const shown = all ? group.flaws : group.flaws.slice(0, SHOWN);
  const more = group.flaws.length - shown.length;
  const kept = whole && group.total > group.flaws.length;
  return html`<${Panel} title=${TITLES[group.inspection] ?? group.help} note=${whole ? count(group.total, "flaw") : count(group.flaws.length, "flaw")} class="flaws">
    ${group.skipped && html`<p class="notice">Not looked at: ${group.skipped}</p>`}
    <ul>${shown.map((flaw, at) => html`<${Row} key=${at} flaw=${flaw} />`)}</ul>
    ${more > 0 && html`<button type="button" class="button button-small flaws-more" onClick=${() => setAll(true)}>Show ${number(more)} more</button>`}
    ${more <= 0 && kept && html`<p class="muted small flaws-more">The rest is in the file that <code>productnet inspect --out</code> writes.</p>`}
  <//>`;
}

/** @param {{flaw: Flaw}} props */
function Row({ flaw }) {
  const [open, setOpen] = useState(/** @type {string | null} */ (null));
  const { tone, words } = SEVERITIES[flaw.severity];
  const at = flaw.products.findIndex((one) => one.product === open);
  const shown = flaw.products[at];
  const way = wayOf(flaw);
  return html`<li class="flaw">
    <span class="tag ${tone}">${words}</span>
    <div class="flaw-words"><p class="flaw-seen"><bdi>${flaw.seen}</bdi></p>
      <p class="muted small"><bdi>${flaw.advice}</bdi></p>
      <p class="small flaw-ways">${flaw.leaves.map((one) => html`<a key=${one.leaf} href=${href("/leaf", { id: one.leaf })}><bdi>${one.name}</bdi></a>`)}
        ${flaw.more_leaves > 0 && html`<span class="muted">and ${number(flaw.more_leaves)} more</span>`}
        ${way && html`<a href=${way.to}>${way.words}</a>`}</p></div>
    ${flaw.products.length > 0 && html`<div class="flaw-products"><${Strip} cards=${flaw.products} open=${setOpen} label="Some of them" />
      ${flaw.count > flaw.products.length && html`<span class="muted small">of ${number(flaw.count)}</span>`}</div>`}
    ${shown && html`<${Detail} product=${shown.product} card=${shown} close=${() => setOpen(null)}
      move=${(/** @type {number} */ step) => {
        const to = flaw.products[at + step];
        if (to) setOpen(to.product);
      }} place="${at + 1} of ${flaw.products.length}: ${titleOf(shown).slice(0, 60)}" />`}
  </li>`;
}

/** Where a flaw is mended, beside the leaves themselves. @param {Flaw} flaw */
function wayOf(flaw) {
  const [leaf] = flaw.leaves;
  const [product] = flaw.products;
  if (flaw.inspection === "copies" && product) return { to: href("/duplicates", { product: product.product }), words: "Side by side" };
  if (flaw.inspection === "labels" && can("adjudicator")) return { to: "/suspects", words: "Suspected errors" };
  if (flaw.action === "clarify guideline" && leaf && can("admin")) return { to: href("/guideline", { id: leaf.leaf }), words: `Guideline of ${leaf.name}` };
  return null;
}
