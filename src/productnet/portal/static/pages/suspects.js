// The second look: confirmed answers that look wrong, opened for an adjudicator one by one.
// @ts-check

import { html, signal, useComputed, useEffect, useRef, useSignal, useState } from "../vendor/preact.js";
import { listSuspects } from "../lib/api.js";
import { VERDICTS, ago, brief, count, number, percent, titleOf } from "../lib/format.js";
import { keyName, useCommands } from "../lib/keys.js";
import { useLoad } from "../lib/load.js";
import * as outbox from "../lib/outbox.js";
import { href } from "../lib/router.js";
import * as undoStack from "../lib/undo.js";
import { Detail } from "../parts/detail.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Page, Panel } from "../parts/page.js";
import { Picture } from "../parts/picture.js";
import { toast } from "../parts/toast.js";

/** @import {OpenedSuspect, Suspect, SuspectsPage} from "../lib/types.js" */

const LEAD = "Models that were trained without these answers do not believe them. Open one for a second look, and an adjudicator settles it anew.";
const ASK_AGAIN_MS = 2000;

/** Pairs opened in this tab: key to the id of the challenge. */
const opened = signal(/** @type {ReadonlyMap<string, string>} */ (new Map()));
/** Why the server did not take a challenge, by its id. */
const refusals = signal(/** @type {ReadonlyMap<string, string>} */ (new Map()));
const keyOf = (/** @type {Suspect} */ one) => `${one.product.product}\n${one.leaf}`;

/** @param {{query: URLSearchParams}} props */
export default function Suspects({ query }) {
  const leaf = query.get("leaf");
  const { data, problem, reload } = useLoad(() => listSuspects({ limit: 100, ...(leaf && { leaf }) }), [leaf]);
  const [open, setOpen] = useState(/** @type {OpenedSuspect[]} */ ([]));
  useEffect(() => {
    if (!data?.looking) return undefined;
    const timer = setTimeout(reload, ASK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [data]);
  useEffect(() => outbox.onAcknowledged(({ results }) => {
    const bad = results.filter((one) => one.status === "refused" && [...opened.peek().values()].includes(one.id));
    if (bad.length) refusals.value = new Map([...refusals.peek(), ...bad.map((one) => /** @type {[string, string]} */ ([one.id, one.detail ?? ""]))]);
    // What is open has changed; the list above stays as it is under the cursor.
    listSuspects({ limit: 1, ...(leaf && { leaf }) }).then((found) => setOpen(found.open), () => {});
  }), [leaf]);
  useEffect(() => {
    if (data) setOpen(data.open);
  }, [data]);
  return html`<${Page} title="Suspected errors" lead=${leaf && data ? html`${LEAD} <a href="/suspects">All gold</a>` : LEAD}>
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<div class="panel"><${Skeleton} lines=${8} label="Loading the suspects" /></div>`
      : html`<div class="stack">
        <${List} page=${data} leaf=${leaf} reload=${reload} />
        <${Open} open=${open} />
      </div>`}
  <//>`;
}

/** @param {{page: SuspectsPage, leaf: string | null, reload: () => void}} props */
function List({ page, leaf, reload }) {
  const cursor = useSignal(0);
  const [zoomed, setZoomed] = useState(false);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const { items } = page;
  const at = Math.min(cursor.value, Math.max(items.length - 1, 0));
  const now = items[at];
  const open = (/** @type {Suspect} */ one) => challenge(one, page.model_version);
  useCommands(["suspects"], {
    "suspect-next": () => { cursor.value = Math.min(at + 1, items.length - 1); },
    "suspect-previous": () => { cursor.value = Math.max(at - 1, 0); },
    "suspect-open": () => {
      if (!now) return;
      open(now);
      cursor.value = Math.min(at + 1, items.length - 1);
    },
    "suspect-zoom": () => now && setZoomed(true),
    "suspect-undo": takeBack,
  });
  const first = useRef(true);
  useEffect(() => {
    const target = list.current?.children[at];
    if (first.current || !(target instanceof HTMLElement)) {
      first.current = false;
      return;
    }
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest" });
  }, [at]);
  return html`<${Panel} title=${leaf ? html`Of this leaf` : "Of all gold"} note=${html`<${State} page=${page} />`}>
    ${page.failure && !items.length ? html`<${Empty} icon="warning" title="They cannot be found just now"
        action=${html`<button type="button" class="button" onClick=${reload}><${Icon} name="refresh" /> Try again</button>`}>${page.failure}<//>`
      : !items.length && page.behind === null ? html`<${Skeleton} lines=${5} label="Looking for suspected errors" />`
      : !items.length ? html`<${Empty} icon="yes" title="Nothing looks wrong">
          ${leaf ? "Either every answer is believed, or fewer than five of each were given." : "Either all gold is believed, or there are fewer than two leaves with five gold products each."}<//>`
      : html`<ol ref=${list} class="suspects">${items.map((one, n) => html`<${Row} key=${keyOf(one)} one=${one} current=${n === at}
          choose=${() => { cursor.value = n; }} zoom=${() => { cursor.value = n; setZoomed(true); }} open=${() => open(one)} />`)}</ol>
        ${page.total > items.length && html`<p class="muted small suspects-more">and ${number(page.total - items.length)} less likely ones, after these</p>`}`}
    ${zoomed && now && html`<${Detail} product=${now.product.product} card=${now.product} close=${() => setZoomed(false)}
      move=${(/** @type {number} */ step) => { cursor.value = Math.min(Math.max(at + step, 0), items.length - 1); }}
      place="${at + 1} of ${items.length}" />`}
  <//>`;
}

/** @param {{page: SuspectsPage}} props */
function State({ page }) {
  if (page.behind === null) return html`<span role="status">Looking for them. It takes a while the first time.</span>`;
  const words = page.behind ? `${count(page.behind, "decision")} came since.` : "Every decision was looked at.";
  return html`<span role="status">${count(page.total, "answer")} ${page.total === 1 ? "looks" : "look"} wrong. ${words}${page.looking ? " Looking anew." : ""}</span>`;
}

/** @param {{one: Suspect, current: boolean, choose: () => void, zoom: () => void, open: () => void}} props */
function Row({ one, current, choose, zoom, open }) {
  const id = useComputed(() => opened.value.get(keyOf(one))).value;
  const refusal = id && refusals.value.get(id);
  const title = brief(titleOf(one.product), 140);
  return html`<li class="suspect ${current ? "suspect-current" : ""}" tabindex=${current ? 0 : -1} aria-current=${current ? "true" : undefined}
    data-product=${one.product.product} onMouseDown=${choose}>
    <button type="button" class="suspect-picture" aria-label="Show in full: ${title}" onClick=${zoom}><${Picture} card=${one.product} /></button>
    <div class="suspect-words">
      <p class="suspect-title"><bdi>${title}</bdi></p>
      <p class="small"><a href=${href("/suspects", { leaf: one.leaf })} title=${one.path.join(" › ")}><bdi>${one.name}</bdi></a>
        ${" "}<span class="answer answer-${one.given}">${VERDICTS[one.given]}</span>
        ${one.rather && html` <span class="muted">rather</span> <bdi>${one.rather_name}</bdi>`}</p>
      <p class="muted small suspect-said">${one.answers.filter((each) => each.leaf === one.leaf).map((each, n) => html`${n ? ", " : ""}<bdi>${each.person}</bdi>: ${each.verdict ? VERDICTS[each.verdict].toLowerCase() : ""}${
        each.note ? html` (<bdi>${brief(each.note, 80)}</bdi>)` : ""}, ${ago(each.at)}`)}</p>
      ${refusal && html`<p class="small suspect-refusal" role="alert">${refusal}</p>`}
    </div>
    <div class="suspect-doubt"><b>${sure(one.probability)}</b><span class="muted small">likely wrong</span>
      <span class="meter-track" aria-hidden="true"><span class="meter-part suspect-part" style=${{ width: percent(one.probability) }} /></span></div>
    <div class="suspect-do">${id && !refusal ? html`<span class="tag tag-good">Opened</span>
        <button type="button" class="button button-small" onClick=${takeBack}>Undo <kbd class="tab-key">${keyName("suspect-undo")}</kbd></button>`
      : html`<button type="button" class="button" onClick=${open}>Second look ${current && html`<kbd class="tab-key">${keyName("suspect-open")}</kbd>`}</button>`}</div>
  </li>`;
}

/** A probability that is never said to be certain. @param {number} share */
const sure = (share) => (share > 0.99 ? "over 99%" : percent(share));

/** @param {Suspect} one @param {string} model */
function challenge(one, model) {
  const known = opened.peek().get(keyOf(one));
  if (known && !refusals.peek().has(known)) return;
  const decision = outbox.decide({
    product: one.product.product, leaf: one.leaf, role: "challenge", verdict: "unsure",
    model_version: model, score: Math.round(one.probability * 1000) / 1000,
  });
  opened.value = new Map([...opened.peek(), [keyOf(one), decision.id]]);
  undoStack.push({ leaf: one.leaf, leafName: one.name, role: "challenge", items: [{ id: decision.id, card: one.product }] });
  void outbox.give([{ decision, title: brief(titleOf(one.product)), leafName: one.name }]);
}

/** Take back the last thing done in this tab. */
function takeBack() {
  const gesture = undoStack.takeBack();
  if (!gesture) {
    toast("Nothing is left to undo in this session.");
    return;
  }
  const ids = gesture.items.map((one) => one.id);
  opened.value = new Map([...opened.peek()].filter(([, id]) => !ids.includes(id)));
  toast(`Undone in ${gesture.leafName}: ${count(gesture.items.length, "answer")}.`);
}

/** @param {{open: OpenedSuspect[]}} props */
function Open({ open }) {
  return html`<${Panel} title="Being looked at again" note="What was challenged, and waits for an adjudicator.">
    ${open.length ? html`<ul class="suspects">${open.map((one) => html`<li key=${`${one.product.product} ${one.leaf}`} class="suspect">
        <span class="suspect-picture"><${Picture} card=${one.product} /></span>
        <div class="suspect-words"><p class="suspect-title"><bdi>${brief(titleOf(one.product), 140)}</bdi></p>
          <p class="small"><bdi>${one.name}</bdi></p>
          <p class="muted small">opened by <bdi>${one.by}</bdi>, ${ago(one.at)}${one.note ? html`: <bdi>${brief(one.note, 120)}</bdi>` : ""}</p></div>
        <div class="suspect-doubt">${one.probability !== null && html`<b>${sure(one.probability)}</b><span class="muted small">likely wrong</span>`}</div>
        <div class="suspect-do">${one.yours ? html`<a class="button" href=${href("/disputes", { leaf: one.leaf })}>Settle it</a>`
          : html`<span class="muted small">You answered here; somebody else settles it.</span>`}</div>
      </li>`)}</ul>` : html`<p class="muted small">Nothing is open.</p>`}
  <//>`;
}
