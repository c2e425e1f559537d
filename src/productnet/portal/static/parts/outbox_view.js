// The outbox as a person sees it: a word in the bar, a notice when offline, and the list itself.
// @ts-check

import { html } from "../vendor/preact.js";
import { useFloat } from "./float.js";
import { ago, brief, count } from "../lib/format.js";
import { href } from "../lib/router.js";
import * as outbox from "../lib/outbox.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";

/** @import {Waiting} from "../lib/types.js" */

/**
 * @returns {{tone: "quiet" | "waiting" | "bad", short: string, words: string,
 *   icon: import("./icon.js").IconName}}
 */
export function outboxState() {
  const waiting = outbox.pending.value;
  const refused = outbox.refused.value.length;
  if (refused) {
    return { tone: "bad", icon: "warning", short: `${refused} refused`,
      words: `${count(refused, "answer was", "answers were")} refused by the server. Open to see why.` };
  }
  if (waiting && outbox.offline.value) {
    return { tone: "waiting", icon: "waiting", short: `${waiting} waiting`,
      words: `No connection. ${waitingWords(waiting)}` };
  }
  if (outbox.offline.value) {
    return { tone: "waiting", icon: "waiting", short: "Offline", words: "No connection to the server." };
  }
  if (waiting) {
    return { tone: "quiet", icon: "waiting", short: "Saving", words: `${count(waiting, "answer")} on the way to the server.` };
  }
  return { tone: "quiet", icon: "saved", short: "All saved", words: "Every answer is with the server." };
}

/** @param {number} waiting */
function waitingWords(waiting) {
  const wait = `${count(waiting, "answer waits", "answers wait")}`;
  return outbox.durable.value
    ? `${wait}; ${waiting === 1 ? "it is safe on this computer and is" : "they are safe on this computer and are"} sent when the connection is back.`
    : `${wait} in this tab only, because this browser keeps nothing on disk: leave it open.`;
}

/** Shown at the foot of the window, where it moves nothing, while the server is out of reach. */
export function OfflineNotice() {
  const shown = outbox.offline.value || !outbox.durable.value;
  useFloat(shown);
  const waiting = outbox.pending.value;
  if (!outbox.durable.value && !outbox.offline.value) {
    return html`<div class="notice notice-warn notice-float" role="status"><${Icon} name="warning" />
      <span>This browser keeps nothing on disk (a private window, or the disk is full). Answers are
      sent at once; while the network is down they live in this tab only.</span></div>`;
  }
  if (!outbox.offline.value) return null;
  return html`<div class="notice notice-wait notice-float" role="status"><${Icon} name="waiting" />
    <span><b>No connection.</b>${" "}
      ${waiting ? waitingWords(waiting) : "You can go on with what is on screen."}</span>
    <button type="button" class="button button-small push" onClick=${() => outbox.send({ now: true })}>Try now</button>
  </div>`;
}

/** @param {{close: () => void}} props */
export function OutboxDialog({ close }) {
  const waiting = outbox.waiting.value;
  const refused = outbox.refused.value;
  const others = outbox.others.value;
  return html`<${Dialog} title="Answers on this computer" close=${close} size="medium">
    ${!waiting.length && !refused.length && html`<p><${Icon} name="saved" /> Every answer of yours is with the server.</p>`}
    ${refused.length > 0 && html`<section class="stack">
      <h3>Refused: ${refused.length}</h3>
      <p class="muted small">The server did not take these. They count for nothing as long as they are here.</p>
      <ul class="outbox-list">${refused.map((one) => html`<${Refused} key=${one.n} entry=${one} />`)}</ul>
      ${refused.length > 1 && html`<div class="row"><button type="button" class="button"
        onClick=${() => outbox.discard(refused.map((one) => one.n))}>Throw all away</button></div>`}
    </section>`}
    ${waiting.length > 0 && html`<section class="stack">
      <h3>Waiting: ${waiting.length}</h3>
      <p class="muted small">${waitingWords(waiting.length)}</p>
      <ul class="outbox-list">${waiting.slice(0, 100).map((one) => html`<${Line} key=${one.n} entry=${one} />`)}</ul>
      ${waiting.length > 100 && html`<p class="muted small">and ${waiting.length - 100} more</p>`}
      <div class="row"><button type="button" class="button" onClick=${() => outbox.send({ now: true })}>
        <${Icon} name="refresh" /> Send now</button></div>
    </section>`}
    ${others.length > 0 && html`<p class="muted small">
      ${count(others.length, "answer")} of ${[...new Set(others.map((one) => one.person))].join(", ")}
      ${others.length === 1 ? " waits" : " wait"} here too, until they sign in.</p>`}
  <//>`;
}

/** @param {{entry: Waiting, children?: unknown}} props */
function Line({ entry, children }) {
  const { decision } = entry;
  const answer = decision.verdict ?? "undo";
  return html`<li class="outbox-line">
    <span class="answer answer-${answer}">${
      { positive: "Yes", negative: "No", unsure: "Unsure", undo: "Undo" }[answer]}</span>
    <span class="outbox-what"><bdi>${brief(entry.title, 120)}</bdi>
      <span class="muted small">${" "}in <a href=${href("/leaf", { id: decision.leaf })}><bdi>${entry.leafName}</bdi></a>,
        ${" "}${ago(decision.at ?? new Date())}</span>
      ${children}</span>
  </li>`;
}

/** @param {{entry: Waiting}} props */
function Refused({ entry }) {
  return html`<${Line} entry=${entry}>
    <span class="outbox-reason">${entry.detail}</span>
    <span class="row">
      <button type="button" class="button button-small" onClick=${() => outbox.retry(entry.n)}>Send again</button>
      <button type="button" class="button button-small" onClick=${() => outbox.discard([entry.n])}>Throw away</button>
    </span>
  <//>`;
}
