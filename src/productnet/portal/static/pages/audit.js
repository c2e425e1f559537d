// The audit page: answer again what somebody else labelled, without learning what they said.
//
// Nothing here depends on the labeler's answers: no number moves with them, and what is shown
// beside the products was settled before.
// @ts-check

import { html, useEffect, useMemo, useRef, useSignalEffect } from "../vendor/preact.js";
import { getAudit, getLeaf, getLeafProducts, getQueue } from "../lib/api.js";
import { count, number } from "../lib/format.js";
import { Lease } from "../lib/lease.js";
import { useLoad } from "../lib/load.js";
import { pageSize } from "../lib/prefs.js";
import { href } from "../lib/router.js";
import { person } from "../lib/session.js";
import { Sheet } from "../lib/sheet.js";
import { ListPages } from "../lib/list_pages.js";
import { Crumbs, References } from "../parts/beside.js";
import { Empty, Failure } from "../parts/empty.js";
import { AnswerGrid, WaitingGrid } from "../parts/grid.js";
import { EditGuideline, GuidelineText, isWritten } from "../parts/guideline.js";
import { Icon } from "../parts/icon.js";
import { Bar } from "../parts/meter.js";
import { Page, useTitle } from "../parts/page.js";
import { Queue } from "../parts/queue.js";

/** @import {AuditPage, Card, Leaf} from "../lib/types.js" */

const SHOWN = 24;

/** @param {{query: URLSearchParams}} props */
export default function Audit({ query }) {
  const leaf = query.get("leaf");
  if (leaf) return html`<${AuditOf} key=${leaf} id=${leaf} />`;
  return html`<${Page} title="Audit" lead="Two people have to agree before a product is gold. You answer without
    knowing what the first one said; leaves that you labelled yourself are not offered.">
    <${Queue} task="audit" most=${50} />
  <//>`;
}

/** @param {{id: string}} props */
function AuditOf({ id }) {
  const lease = useMemo(() => new Lease(id, "audit"), []);
  // The lease first: the server then keeps from this person what would tell of the labels.
  const { data, problem, reload } = useLoad(async () => {
    await lease.take();
    return getLeaf(id);
  }, [id]);
  useEffect(() => lease.keep(), []);
  useTitle(data ? `Audit: ${data.name}` : "Audit");
  if (problem && !data) {
    return html`<div class="page"><h1 class="unseen">Audit</h1><${Failure} problem=${problem} retry=${reload} /></div>`;
  }
  if (!data) return html`<${Waiting} />`;
  const state = lease.state.value;
  if (state === "held" || state === "refused") return html`<${Held} leaf=${data} lease=${lease} retry=${reload} />`;
  return html`<${Workplace} key=${id} leaf=${data} lease=${lease} />`;
}

/** The page's own shape until the leaf is there. */
function Waiting() {
  return html`<div class="page page-wide audit" role="status"><span class="unseen">Loading the audit</span>
    <header class="audit-head"><span class="skeleton-box audit-wait-title" /></header>
    <div class="audit-body"><${WaitingGrid} label="Loading products" /></div></div>`;
}

/** @param {{leaf: Leaf, lease: Lease, retry: () => void}} props */
function Held({ leaf, lease, retry }) {
  const other = leaf.leases.find((one) => one.task === "audit" && one.holder !== person.value?.name);
  return html`<${Page} title="Audit: ${leaf.name}">
    <${Empty} icon="lock" title=${other ? `${other.holder} is at work on this leaf` : "This leaf is not yours to audit now"}
      action=${html`<button type="button" class="button" onClick=${retry}>Try again</button>
        <a class="button button-primary" href="/audit">Other leaves</a>`}>
      ${lease.reason.value}
    <//>
  <//>`;
}

/** @param {{leaf: Leaf, lease: Lease}} props */
function Workplace({ leaf, lease }) {
  const sheet = useMemo(() => new Sheet({ leaf: leaf.id, leafName: leaf.name, role: "audit" }), []);
  const pages = useMemo(() => new ListPages(sheet, (cursor, signal) =>
    getAudit({ leaf: leaf.id, count: pageSize.peek(), cursor }, signal)), []);
  useEffect(() => {
    pages.start();
    return () => pages.stop();
  }, []);
  useSignalEffect(() => {
    sheet.open.value = ["mine", "unknown"].includes(lease.state.value);
  });
  return html`<div class="page page-wide audit">
    <header class="audit-head">
      <div class="audit-words">
        <${Crumbs} path=${leaf.path} />
        <div class="row"><h1><bdi>${leaf.name}</bdi></h1>
          <span class="tag tag-accent" title="What was answered before is kept from you, so that your answer is your own">Blind audit</span></div>
      </div>
      <${Progress} pages=${pages} />
    </header>
    <div class="audit-body">
      <section class="audit-main" aria-label="Products to audit">
        <p class="audit-question">Does it belong to <b><bdi>${leaf.name}</bdi></b>?</p>
        <${Products} sheet=${sheet} pages=${pages} leaf=${leaf} />
      </section>
      <aside class="beside audit-aside" aria-label="Guideline and reference products">
        <section class="beside-part"><h2>Guideline</h2><${GuidelineText} guideline=${leaf.guideline} fault=${leaf.guideline_fault} />
          <${EditGuideline} leaf=${leaf.id} written=${isWritten(leaf.guideline) || leaf.guideline_fault !== null} /></section>
        <${Settled} leaf=${leaf.id} />
      </aside>
    </div>
  </div>`;
}

/** How much of the leaf this person has done. @param {{pages: ListPages<Card, AuditPage>}} props */
function Progress({ pages }) {
  const first = useRef(/** @type {AuditPage | null} */ (null));
  first.current ??= pages.page.value;
  const total = first.current ? first.current.answered + first.current.left : 0;
  if (!first.current || !total) return html`<div class="audit-progress" />`;
  const done = Math.min(first.current.answered + pages.given.value, total);
  return html`<div class="audit-progress meter">
    <div class="meter-words"><span class="meter-label">Answered by you</span>
      <span class="meter-value"><b>${number(done)}</b><span class="muted"> of ${number(total)}</span></span></div>
    <${Bar} label="Answered by you" target=${Math.max(total, 1)} parts=${[{ value: done, kind: "accent" }]} />
  </div>`;
}

/** @param {{sheet: Sheet<Card>, pages: ListPages<Card, AuditPage>, leaf: Leaf}} props */
function Products({ sheet, pages, leaf }) {
  const state = pages.state.value;
  const problem = pages.problem.value;
  if (state === "failed" && problem) return html`<${Failure} problem=${problem} retry=${() => pages.retry()} />`;
  if (state === "loading") return html`<${WaitingGrid} label="Loading products" />`;
  const end = state === "ready" ? undefined : html`<${End} pages=${pages} leaf=${leaf} />`;
  return html`<${AnswerGrid} key=${pages.turn.value} sheet=${sheet} nextPage=${() => pages.next()} end=${end} />`;
}

/** @param {{pages: ListPages<Card, AuditPage>, leaf: Leaf}} props */
function End({ pages, leaf }) {
  const passed = pages.passed.value;
  const given = pages.given.value;
  if (pages.state.value === "end") {
    return html`<${Empty} icon="unsure" title="Only what you passed over is left"
      action=${html`<button type="button" class="button button-primary" data-end onClick=${() => pages.start()}>
        Show the ${count(passed, "product")} passed over</button><${NextLeaf} leaf=${leaf.id} />`}>
      Answer them now; unsure is an answer too.<//>`;
  }
  return html`<${Empty} icon="yes" title=${given ? "You are through with this leaf" : "Nothing waits for you here"}
    action=${html`<${NextLeaf} leaf=${leaf.id} primary />`}>
    ${given ? `${count(given, "product")} audited in this sitting. Thank you. Where your answer and the first one agree the product is settled; where they differ a third person decides.`
      : "What is labelled in this leaf has been audited, or you labelled it yourself."}<//>`;
}

/** A link to the next leaf of one's audits. @param {{leaf: string, primary?: boolean}} props */
function NextLeaf({ leaf, primary = false }) {
  const { data } = useLoad(() => getQueue("audit"), [leaf]);
  const next = data?.items.find((item) => item.leaf !== leaf);
  const look = primary ? "button button-primary" : "button";
  if (!next) return html`<a class=${look} data-end href="/audit">To the audit queue</a>`;
  return html`<a class=${look} data-end href=${href("/audit", { leaf: next.leaf })}>Next: <bdi>${next.name}</bdi> <${Icon} name="right" size=${16} /></a>`;
}

/** The leaf's gold as it was when the page was opened; it does not follow the answers given here.
 * @param {{leaf: string}} props */
function Settled({ leaf }) {
  const { data, problem, reload } = useLoad(() => getLeafProducts(leaf, "positives", { limit: SHOWN }), [leaf]);
  const gold = data?.items.filter((one) => one.stage === "confirmed" || one.stage === "settled") ?? null;
  return html`<${References} title="Settled products of the leaf" cards=${gold} failed=${problem && !data ? reload : undefined}
    empty="None yet: go by the guideline." />`;
}
