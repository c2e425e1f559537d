// Near-duplicates side by side: are they one product? Answered by keyboard, group after group.
// @ts-check

import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { brief, count, number, titleOf } from "../lib/format.js";
import { keyName, useCommands } from "../lib/keys.js";
import { Detail } from "../parts/detail.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Page } from "../parts/page.js";
import { Picture } from "../parts/picture.js";
import { toast } from "../parts/toast.js";
import { Reviews } from "./duplicates/reviews.js";

/** @import {LikeProduct, LikeProducts} from "../lib/types.js" */

const LEAD = "They look and read alike, so they share one card and one side of every split. Say where they are not the same product.";

/** @param {{query: URLSearchParams}} props */
export default function Duplicates({ query }) {
  const product = query.get("product");
  const reviews = useMemo(() => new Reviews(product), [product]);
  useEffect(() => void reviews.start(), [reviews]);
  const state = reviews.state.value;
  const problem = reviews.problem.value;
  const now = reviews.now.value;
  const total = reviews.total.value;
  const said = state === "ready" && now ? html`${LEAD} <b>${count(total, "group")}</b> ${total === 1 ? "waits" : "wait"}.` : LEAD;
  return html`<${Page} title="Near-duplicates" lead=${said}
      actions=${html`<a class="button" href="/quality">Data quality</a>`}>
    ${state === "failed" && problem ? html`<div class="panel"><${Failure} problem=${problem} retry=${() => reviews.start()} /></div>`
      : state === "loading" ? html`<div class="panel"><${Skeleton} lines=${8} label="Loading near-duplicates" /></div>`
      : now ? html`<${Bench} reviews=${reviews} group=${now} />`
      : html`<${Through} reviews=${reviews} />`}
  <//>`;
}

/** @param {{reviews: Reviews, group: LikeProducts}} props */
function Bench({ reviews, group }) {
  const [at, setAt] = useState(0);
  const [marked, setMarked] = useState(/** @type {ReadonlySet<string>} */ (new Set()));
  const [zoomed, setZoomed] = useState(false);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const key = group.products[0]?.product;
  useEffect(() => {
    setAt(0);
    setMarked(new Set());
    setZoomed(false);
  }, [key]);
  const { products } = group;
  const here = Math.min(at, products.length - 1);
  const current = products[here];
  const mark = (/** @type {LikeProduct | undefined} */ one) => {
    if (!one) return;
    const next = new Set(marked);
    if (!next.delete(one.product)) next.add(one.product);
    setMarked(next);
  };
  const move = (/** @type {number} */ to) => {
    const place = Math.min(Math.max(to, 0), products.length - 1);
    setAt(place);
    const card = list.current?.children[place];
    if (card instanceof HTMLElement) {
      card.focus({ preventScroll: true });
      card.scrollIntoView({ block: "nearest" });
    }
  };
  const same = () => {
    if (marked.size) toast("Some are marked as another product. Press D, or take the marks off.");
    else reviews.say([]);
  };
  const different = () => reviews.say(marked.size ? [...marked] : products.map((one) => one.product));
  useCommands(["duplicates"], {
    "duplicates-same": same,
    "duplicates-different": different,
    "duplicates-mark": () => mark(current),
    ...Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`duplicates-mark-${n + 1}`, () => mark(products[n])])),
    "duplicates-next": () => move(here + 1),
    "duplicates-previous": () => move(here - 1),
    "duplicates-zoom": () => setZoomed(true),
    "duplicates-skip": () => reviews.skip(),
    "duplicates-undo": () => undo(reviews),
  });
  const common = useMemo(() => commonWords(products), [key]);
  return html`<section class="panel alike" aria-label="A group of near-duplicates">
      <header class="alike-head"><h2>${count(group.count, "product")}</h2>
        ${group.leaves > 1 && html`<span class="tag tag-bad">gold of ${number(group.leaves)} leaves</span>`}
        ${group.count > products.length && html`<span class="muted small">the first ${number(products.length)} are shown</span>`}
        <span class="muted small push">${marked.size ? `${count(marked.size, "product is", "products are")} marked as another` : "Words that not all titles have are underlined."}</span></header>
      <ol ref=${list} class="alike-cards">${products.map((one, n) => html`<${LikeCard} key=${one.product} one=${one} place=${n} current=${n === here}
        marked=${marked.has(one.product)} common=${common} mark=${() => mark(one)} choose=${() => setAt(n)}
        zoom=${() => { setAt(n); setZoomed(true); }} />`)}</ol>
    </section>
    <div class="alike-answers" role="group" aria-label="Your answer">
      <button type="button" class="button alike-answer alike-same" onClick=${same}><${Icon} name="copies" size=${16} /> One product <kbd class="tab-key">${keyName("duplicates-same")}</kbd></button>
      <button type="button" class="button alike-answer alike-different" onClick=${different}><${Icon} name="no" size=${16} />
        ${marked.size ? `${number(marked.size)} marked: different` : products.length === 2 ? "Different products" : "All different"} <kbd class="tab-key">${keyName("duplicates-different")}</kbd></button>
      <button type="button" class="button push" onClick=${() => reviews.skip()}>Later <kbd class="tab-key">${keyName("duplicates-skip")}</kbd></button>
      <button type="button" class="button" onClick=${() => undo(reviews)}><${Icon} name="undo" size=${16} /> Undo <kbd class="tab-key">${keyName("duplicates-undo")}</kbd></button>
      <p class="unseen" aria-live="polite">${reviews.told}</p>
    </div>
    ${zoomed && current && html`<${Detail} product=${current.product} card=${current} close=${() => setZoomed(false)}
      move=${(/** @type {number} */ step) => setAt(Math.min(Math.max(here + step, 0), products.length - 1))} place="${here + 1} of ${products.length}" />`}`;
}

/**
 * @param {{one: LikeProduct, place: number, current: boolean, marked: boolean, common: Set<string>,
 *   mark: () => void, choose: () => void, zoom: () => void}} props
 */
function LikeCard({ one, place, current, marked, common, mark, choose, zoom }) {
  const title = brief(titleOf(one), 200);
  return html`<li class="alike-card ${current ? "alike-current" : ""} ${marked ? "alike-marked" : ""}" tabindex=${current ? 0 : -1}
    aria-current=${current ? "true" : undefined} data-product=${one.product} onMouseDown=${choose}>
    <button type="button" class="alike-picture" aria-label="Show in full: ${title}" onClick=${zoom}><${Picture} card=${one} eager /></button>
    <p class="alike-title"><bdi>${title.split(/(\s+)/).map((word) => (word.trim() && !common.has(fold(word)) ? html`<u>${word}</u>` : word))}</bdi></p>
    ${one.brand && html`<p class="muted small clip"><bdi>${one.brand}</bdi></p>`}
    ${one.gold && html`<p class="small">Gold: <bdi>${one.gold}</bdi></p>`}
    <button type="button" class="button button-small alike-mark" aria-pressed=${marked} onClick=${mark}>
      ${marked ? "Another product" : "Mark as another"} ${place < 9 && html`<kbd class="tab-key">${keyName(`duplicates-mark-${place + 1}`)}</kbd>`}</button>
  </li>`;
}

/** @param {{reviews: Reviews}} props */
function Through({ reviews }) {
  const given = reviews.given.value;
  const skipped = reviews.skipped.value;
  useCommands(["duplicates"], { "duplicates-undo": () => undo(reviews) });
  return html`<div class="panel"><${Empty} icon="yes" title=${given || skipped ? "You are through" : "Nothing waits for a review"}
      action=${html`${skipped > 0 && html`<button type="button" class="button button-primary" onClick=${() => reviews.start()}>Show what was left for later</button>`}
        ${given > 0 && html`<button type="button" class="button" onClick=${() => undo(reviews)}><${Icon} name="undo" size=${16} /> Undo</button>`}
        <a class="button" href="/quality">Data quality</a>`}>
      ${given || skipped ? html`${count(given, "group")} reviewed in this sitting${skipped ? `, ${number(skipped)} left for later` : ""}.`
        : "Groups come when `productnet embed` finds products that look and read alike."}<//></div>`;
}

/** Take the last review back, or say that there is none. @param {Reviews} reviews */
async function undo(reviews) {
  if (!(await reviews.undo())) toast("Nothing is left to undo in this session.");
}

/** A word without case and marks, to be compared. @param {string} word */
const fold = (word) => word.toLocaleLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** Words that every title has. @param {LikeProduct[]} products @returns {Set<string>} */
function commonWords(products) {
  const [first, ...rest] = products.map((one) => new Set(titleOf(one).split(/\s+/).map(fold)));
  return new Set([...(first ?? [])].filter((word) => rest.every((words) => words.has(word))).concat(""));
}
