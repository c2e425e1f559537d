// The adjudication page: one dispute at a time, with all that was said and products to compare with.
// @ts-check

import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { VERDICTS, ago, brief, count, date, hour, percent, titleOf } from "../lib/format.js";
import { keyName, useCommands } from "../lib/keys.js";
import { useLoad } from "../lib/load.js";
import { href } from "../lib/router.js";
import { ANSWERS } from "../parts/card.js";
import { Crumbs, References } from "../parts/beside.js";
import { Fields, Gallery, product as productInFull } from "../parts/detail.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { tellUndone } from "../parts/grid.js";
import { GuidelineText } from "../parts/guideline.js";
import { Icon } from "../parts/icon.js";
import { NoteBox } from "../parts/note.js";
import { Page, useTitle } from "../parts/page.js";
import { Picture } from "../parts/picture.js";
import { toast } from "../parts/toast.js";
import { Docket } from "./disputes/docket.js";

/** @import {BesideDispute, Said, Verdict} from "../lib/types.js" */
/** @import {Case} from "./disputes/docket.js" */

const KINDS = {
  differ: { tag: "Answers differ", words: "Labeler and auditor answered differently." },
  two_leaves: { tag: "In two leaves", words: "It is confirmed in more than one leaf, and can be gold in one only." },
  challenged: { tag: "Challenged", words: "It was settled, and somebody or a model doubts it." },
};
const LEAD = "You decide, seeing everything that was said. Disputes that you took part in are left to others.";

/** @param {{query: URLSearchParams}} props */
export default function Disputes({ query }) {
  const leaf = query.get("leaf");
  const docket = useMemo(() => new Docket(leaf), [leaf]);
  useEffect(() => {
    void docket.start();
    return docket.listen();
  }, [docket]);
  useTitle("Disputes");
  const state = docket.state.value;
  const problem = docket.problem.value;
  if (state === "failed" && problem) {
    return html`<${Page} title="Disputes" lead=${LEAD}><${Failure} problem=${problem} retry=${() => docket.start()} /><//>`;
  }
  if (state === "loading") {
    return html`<${Page} wide title="Disputes" lead=${LEAD}><div class="dispute-body">
      <div class="panel"><${Skeleton} lines=${8} label="Loading disputes" /></div></div><//>`;
  }
  if (!docket.cases.value.length) {
    return html`<${Page} title="Disputes" lead=${LEAD}>
      <${Empty} icon="yes" title=${leaf ? "No dispute of this leaf waits for you" : "No dispute waits for you"}
        action=${html`${leaf && html`<a class="button" href="/disputes">All leaves</a>`}
          <a class="button button-primary" href="/suspects">Look at suspected errors</a>`}>
        They come when a labeler and an auditor answer differently, or when a product is confirmed in two leaves.<//>
    <//>`;
  }
  return html`<${Bench} docket=${docket} leaf=${leaf} />`;
}

/** @param {{docket: Docket, leaf: string | null}} props */
function Bench({ docket, leaf }) {
  const [noting, setNoting] = useState(false);
  const [shown, setShown] = useState(0);
  const now = docket.current.value;
  const at = docket.at.value;
  const images = useRef(0);
  useEffect(() => setShown(0), [now]);
  const turn = (/** @type {number} */ step) =>
    setShown((/** @type {number} */ was) => (images.current ? (was + step + images.current) % images.current : 0));
  useCommands(["dispute"], {
    "dispute-yes": () => docket.answer("positive"),
    "dispute-no": () => docket.answer("negative"),
    "dispute-unsure": () => docket.answer("unsure"),
    "dispute-leaf-1": () => docket.choose(0),
    "dispute-leaf-2": () => docket.choose(1),
    "dispute-leaf-3": () => docket.choose(2),
    "dispute-note": () => now && setNoting(true),
    "dispute-undo": () => undo(docket),
    "dispute-next": () => docket.goTo(at + 1),
    "dispute-previous": () => docket.goTo(at - 1),
    "dispute-next-image": () => turn(1),
    "dispute-previous-image": () => turn(-1),
  });
  const left = docket.total.value - docket.settled.value;
  return html`<div class="page page-wide dispute">
    <header class="dispute-head">
      <div><h1>Disputes</h1><p class="muted small">${left > 0 ? `${count(left, "waits", "wait")} for you` : "None is left"}${
        leaf && html` in <b><bdi>${docket.leaves.value[leaf]?.name ?? leaf}</bdi></b>. <a href="/disputes">All leaves</a>`}</p></div>
      <div class="row push">
        <button type="button" class="button button-icon" aria-label="Previous dispute" title="Previous dispute (${keyName("dispute-previous")})"
          disabled=${at <= 0} onClick=${() => docket.goTo(at - 1)}><${Icon} name="left" /></button>
        <span class="small dispute-place">${Math.min(at + 1, docket.cases.value.length)} of ${Math.max(docket.total.value, docket.cases.value.length)}</span>
        <button type="button" class="button button-icon" aria-label="Next dispute" title="Next dispute (${keyName("dispute-next")})"
          disabled=${at >= docket.cases.value.length - 1} onClick=${() => docket.goTo(at + 1)}><${Icon} name="right" /></button>
      </div>
    </header>
    <p class="unseen" aria-live="polite">${docket.said}</p>
    <div class="dispute-body">
      <${Rail} docket=${docket} />
      ${now ? html`<${Dispute} key=${`${now.dispute.product.product} ${now.dispute.leaf}`} now=${now} docket=${docket}
          shown=${shown} show=${setShown} images=${images} note=${() => setNoting(true)} />`
        : html`<${Through} docket=${docket} />`}
    </div>
    ${noting && now && html`<${NoteBox} about=${now.dispute.product} value=${now.note.value} close=${() => setNoting(false)}
      keep=${(/** @type {string} */ text) => { now.note.value = text; }} placeholder="Why it is so. It may become a line of the guideline."
      hint=${now.given.value ? "It goes with the answer that you give next." : "It is sent with your answer."} />`}
  </div>`;
}

/** All disputes at hand, to go to one. @param {{docket: Docket}} props */
function Rail({ docket }) {
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const at = docket.at.value;
  useEffect(() => {
    list.current?.children[at]?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return html`<nav class="dispute-rail" aria-label="Disputes"><ol ref=${list} class="rail">
    ${docket.cases.value.map((one, n) => html`<li key=${`${one.dispute.product.product} ${one.dispute.leaf}`}>
      <button type="button" class="rail-item" aria-current=${n === at ? "true" : undefined} onClick=${() => docket.goTo(n)}>
        <span class="rail-picture"><${Picture} card=${one.dispute.product} eager=${n < 10} /></span>
        <span class="rail-words"><span class="rail-title"><bdi>${brief(titleOf(one.dispute.product), 90)}</bdi></span>
          <${RailState} one=${one} docket=${docket} /></span>
      </button></li>`)}
  </ol></nav>`;
}

/** @param {{one: Case, docket: Docket}} props */
function RailState({ one, docket }) {
  const given = one.given.value;
  if (one.refusal.value) return html`<span class="rail-state rail-bad">Not recorded</span>`;
  if (given) return html`<span class="rail-state"><${AnswerTag} verdict=${given.verdict} words=${given.leaf ? docket.leaves.value[given.leaf]?.name : undefined} /></span>`;
  return html`<span class="rail-state muted clip"><bdi>${docket.leaves.value[one.dispute.leaf]?.name}</bdi> · ${KINDS[one.dispute.kind].tag.toLowerCase()}</span>`;
}

/** @param {{docket: Docket}} props */
function Through({ docket }) {
  return html`<div class="dispute-main panel">
    <${Empty} icon="yes" title="You are through" action=${html`<a class="button button-primary" href="/suspects">Look at suspected errors</a>
      <button type="button" class="button" onClick=${() => docket.start()}><${Icon} name="refresh" /> Look for new disputes</button>`}>
      ${count(docket.settled.value, "dispute")} settled in this sitting. ${keyName("dispute-undo")} takes the last one back.<//>
  </div>`;
}

/**
 * @param {{now: Case, docket: Docket, shown: number, show: (n: number) => void,
 *   images: {current: number}, note: () => void}} props
 */
function Dispute({ now, docket, shown, show, images, note }) {
  const { dispute } = now;
  const two = dispute.kind === "two_leaves";
  const id = dispute.product.product;
  const { data, problem, reload } = useLoad(() => productInFull(id), [id]);
  images.current = data?.images.length ?? 0;
  const names = dispute.leaves.map((leaf) => docket.leaves.value[leaf]?.name ?? leaf);
  useNext(docket);
  return html`<article class="dispute-main" aria-label="The dispute">
      <section class="panel dispute-question">
        ${!two && html`<${Crumbs} path=${docket.leaves.value[dispute.leaf]?.path ?? []} />`}
        <div class="row"><h2>${two ? html`Which leaf does it belong to?` : html`Does it belong to <bdi>${names[0]}</bdi>?`}</h2>
          <span class="tag tag-warn">${KINDS[dispute.kind].tag}</span></div>
        <p class="muted small">${KINDS[dispute.kind].words}</p>
        ${dispute.leaves.map((leaf, n) => html`<div key=${leaf}>
          ${two && html`<h3 class="said-leaf"><kbd class="key">${n + 1}</kbd> <bdi>${names[n]}</bdi></h3>`}
          <ul class="said">${dispute.answers.filter((one) => one.leaf === leaf).map((one, at) => html`<${Answer} key=${at} said=${one} />`)}</ul></div>`)}
        <${Elsewhere} answers=${dispute.answers.filter((one) => !dispute.leaves.includes(one.leaf))} />
      </section>
      <section class="panel dispute-product" aria-label="The product">
        <h2 class="dispute-title"><bdi>${brief(titleOf(dispute.product), 200)}</bdi></h2>
        ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
          : html`<div class="dispute-full">
            <${Gallery} images=${data?.images ?? []} shown=${shown} show=${show} thumb=${dispute.product.thumbnail} ready=${data !== null} fault=${data?.image_error ?? null} />
            ${data ? html`<${Fields} data=${data} />` : html`<${Skeleton} lines=${6} label="Loading the product" />`}
          </div>`}
      </section>
      <${Verdicts} now=${now} docket=${docket} names=${names} note=${note} />
    </article>
    <div class="dispute-leaves">
      ${dispute.leaves.map((leaf, n) => html`<${LeafBeside} key=${leaf} beside=${docket.leaves.value[leaf]} leaf=${leaf} number=${two ? n + 1 : null} not=${id} />`)}
    </div>`;
}

/** Fetch the product of the next dispute ahead. @param {Docket} docket */
function useNext(docket) {
  const next = docket.cases.value[docket.at.value + 1]?.dispute.product.product;
  useEffect(() => {
    if (!next) return;
    productInFull(next).then(({ images }) => {
      if (images[0]) new Image().src = images[0].url;
    }, () => {});
  }, [next]);
}

const ROLES = { label: "Labeler", audit: "Auditor", adjudicate: "Adjudicator", import: "Feed", challenge: "Challenged by" };

/** What was said of the product in leaves that are not in question, in brief. @param {{answers: Said[]}} props */
function Elsewhere({ answers }) {
  if (!answers.length) return null;
  return html`<details class="elsewhere small"><summary>${count(answers.length, "answer")} for other leaves</summary>
    <ul>${answers.map((one, at) => html`<li key=${at}><${AnswerTag} verdict=${one.verdict} /> <bdi>${one.leaf_name}</bdi>
      <span class="muted">${ROLES[one.role].toLowerCase()} <bdi>${one.person}</bdi>, ${ago(one.at)}</span>${one.note && html`: <bdi>${brief(one.note, 200)}</bdi>`}</li>`)}</ul></details>`;
}

/** @param {{said: Said}} props */
function Answer({ said }) {
  const model = said.role === "challenge" && said.model_version !== null;
  return html`<li class="said-one said-${said.role}">
    <div class="said-head"><span class="muted small">${ROLES[said.role]}</span>
      ${said.role === "challenge" && said.verdict === "unsure" ? html`<span class="tag tag-warn">Doubted</span>` : html`<${AnswerTag} verdict=${said.verdict} />`}</div>
    <p class="said-who"><b><bdi>${said.person}</bdi></b> <time class="muted small" datetime=${said.at} title="${date(said.at)} ${hour(said.at)}">${ago(said.at)}</time></p>
    ${model && said.probability !== null && html`<p class="small">A model holds the answer for wrong with ${percent(said.probability)}.</p>`}
    ${said.note ? html`<blockquote class="said-note"><bdi>${said.note}</bdi></blockquote>` : html`<p class="muted small">No note.</p>`}
  </li>`;
}

/** @param {{verdict: Verdict | null, words?: string | undefined}} props */
function AnswerTag({ verdict, words }) {
  if (!verdict) return null;
  return html`<span class="answer answer-${verdict}"><bdi>${words ?? VERDICTS[verdict]}</bdi></span>`;
}

/** The answers within reach. @param {{now: Case, docket: Docket, names: string[], note: () => void}} props */
function Verdicts({ now, docket, names, note }) {
  const given = now.given.value;
  const two = now.dispute.kind === "two_leaves";
  const kept = now.note.value.trim();
  return html`<div class="verdicts" role="group" aria-label="Your answer">
    ${now.refusal.value && html`<p class="notice notice-warn verdicts-refusal" role="alert"><${Icon} name="warning" /><span>${now.refusal.value}</span></p>`}
    <div class="verdicts-line">
      ${two ? html`${names.map((name, n) => html`<button key=${n} type="button" class="button detail-answer detail-answer-positive verdict"
            aria-pressed=${given?.leaf === now.dispute.leaves[n]} onClick=${() => docket.choose(n)}>
            <${Icon} name="yes" size=${16} /> <span class="clip"><bdi>${name}</bdi></span> <kbd class="tab-key">${keyName(`dispute-leaf-${n + 1}`)}</kbd></button>`)}
          <button type="button" class="button detail-answer detail-answer-negative verdict" aria-pressed=${given?.verdict === "negative"}
            onClick=${() => docket.answer("negative")}><${Icon} name="no" size=${16} /> Neither <kbd class="tab-key">${keyName("dispute-no")}</kbd></button>`
        : ANSWERS.map(({ verdict, command, icon, words }) => html`<button key=${verdict} type="button"
            class="button detail-answer detail-answer-${verdict} verdict" aria-pressed=${given?.verdict === verdict} onClick=${() => docket.answer(verdict)}>
            <${Icon} name=${icon} size=${16} /> ${words} <kbd class="tab-key">${keyName(`dispute-${command}`)}</kbd></button>`)}
      <button type="button" class="button push" onClick=${note}><${Icon} name="note" size=${16} /> ${kept ? "Change the note" : "Note"} <kbd class="tab-key">${keyName("dispute-note")}</kbd></button>
      <button type="button" class="button" onClick=${() => undo(docket)}><${Icon} name="undo" size=${16} /> Undo <kbd class="tab-key">${keyName("dispute-undo")}</kbd></button>
    </div>
    ${kept && html`<p class="small verdicts-note"><${Icon} name="note" size=${14} /> <bdi>${brief(kept, 200)}</bdi></p>`}
  </div>`;
}

/** @param {{beside: BesideDispute | undefined, leaf: string, number: number | null, not: string}} props not: the product itself. */
function LeafBeside({ beside, leaf, number, not }) {
  if (!beside) return null;
  const others = (/** @type {import("../lib/types.js").Card[]} */ cards) => cards.filter((one) => one.product !== not);
  return html`<aside class="beside" aria-label=${beside.name}>
    <section class="beside-part">
      ${number !== null && html`<${Crumbs} path=${beside.path} />`}
      <h2>${number !== null && html`<kbd class="key">${number}</kbd> `}<a href=${href("/leaf", { id: leaf })}><bdi>${beside.name}</bdi></a></h2>
      <${GuidelineText} guideline=${beside.guideline} />
    </section>
    <${References} title="Gold" cards=${others(beside.positives)} empty="None yet." />
    <${References} title="Settled as not belonging" cards=${others(beside.hard_negatives)} empty="None yet." />
  </aside>`;
}

/** @param {Docket} docket */
function undo(docket) {
  const gesture = docket.undo();
  if (!gesture) toast("Nothing is left to undo in this session.");
  else if (gesture.role !== "adjudicate") tellUndone(gesture);
}
