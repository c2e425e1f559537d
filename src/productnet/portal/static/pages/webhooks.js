// Webhooks: which other systems are told of what, and what became of each message.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { addWebhook, changeWebhook, deleteWebhook, listDeliveries, listWebhooks, sendAgain } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { ago, count, date, moment } from "../lib/format.js";
import { useLoad } from "../lib/load.js";
import { Confirm, Dialog } from "../parts/dialog.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Field } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { More, useMore } from "../parts/more.js";
import { Page, Panel } from "../parts/page.js";
import { SecretDialog } from "../parts/secret.js";
import { toast } from "../parts/toast.js";

/** @import {Delivery, Webhook} from "../lib/types.js" */

/** @type {Record<string, string>} */
const KINDS = {
  "leaf.done": "a leaf has reached its targets",
  "round.activated": "a round is in use",
  "release.made": "a release is there",
};

/** @param {{query: URLSearchParams}} _props */
export default function Webhooks(_props) {
  const { data, problem, reload } = useLoad(listWebhooks, []);
  const [adding, setAdding] = useState(false);
  const [secret, setSecret] = useState("");
  const [shown, setShown] = useState(/** @type {Webhook | null} */ (null));
  const add = html`<button type="button" class="button button-primary" onClick=${() => setAdding(true)}>
    <${Icon} name="plus" size=${16} /> Add a webhook</button>`;
  return html`<${Page} title="Webhooks" lead="Other systems are told when a leaf is done, a round is in use or a release is made: signed, and again until it arrives."
    actions=${data?.items.length ? add : null}>
    <div class="stack">
      ${problem && !data ? html`<${Panel}><${Failure} problem=${problem} retry=${reload} /><//>`
        : !data ? html`<${Panel}><${Skeleton} lines=${5} label="Loading the webhooks" /><//>`
        : !data.items.length ? html`<${Panel}><${Empty} icon="leave" title="No webhook yet" action=${add}>
            Add the address of a system that should know, such as the one that fetches releases.<//><//>`
        : html`${data.items.map((hook) => html`<${Hook} key=${hook.id} hook=${hook} changed=${reload} chosen=${shown?.id === hook.id}
              choose=${() => setShown(shown?.id === hook.id ? null : hook)} />`)}
          <${Deliveries} key=${shown?.id ?? ""} hooks=${data.items} hook=${shown} showAll=${() => setShown(null)} />`}
    </div>
    ${adding && data && html`<${Add} kinds=${data.kinds} close=${() => setAdding(false)}
      done=${(/** @type {string} */ made) => { setAdding(false); setSecret(made); reload(); }} />`}
    ${secret && html`<${SecretDialog} title="The webhook is added" label="Signing secret" secret=${secret} close=${() => setSecret("")}>
      <p>Give this to the system that is told: with it, it checks that a message is from here. Copy it now.</p><//>`}
  <//>`;
}

/** @param {{hook: Webhook, changed: () => void, chosen: boolean, choose: () => void}} props */
function Hook({ hook, changed, chosen, choose }) {
  const { act, busy, problem } = useAct();
  const [asked, setAsked] = useState(false);
  const state = hook.disabled_because ? { tone: "tag-bad", words: "switched off" }
    : !hook.active ? { tone: "", words: "paused" }
    : hook.failing_since ? { tone: "tag-warn", words: `nothing arrives since ${date(hook.failing_since)}` }
    : { tone: "tag-good", words: "active" };
  return html`<${Panel} class="hook">
    <div class="hook-head">
      <div class="hook-words"><h2 class="hook-url"><bdi>${hook.url}</bdi></h2>
        <p class="muted small">Told when ${hook.kinds.map((kind) => KINDS[kind] ?? kind).join("; ")}. Added ${date(hook.created_at)}${hook.created_by ? html` by <bdi>${hook.created_by}</bdi>` : ""}.</p></div>
      <span class="tag ${state.tone}">${state.words}</span>
    </div>
    ${hook.disabled_because && html`<p class="notice notice-warn"><${Icon} name="warning" size=${16} /><span>${hook.disabled_because}</span></p>`}
    ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
    <div class="row hook-actions">
      <button type="button" class="button button-small" aria-pressed=${chosen} onClick=${choose}>${chosen ? "Deliveries of all" : "Its deliveries"}</button>
      <button type="button" class="button button-small" disabled=${busy}
        onClick=${() => act(() => changeWebhook(hook.id, { active: !hook.active }), changed)}>${hook.active ? "Pause" : "Go on"}</button>
      <button type="button" class="button button-small" disabled=${busy} onClick=${() => setAsked(true)}>Delete</button>
    </div>
    ${asked && html`<${Confirm} title="Delete this webhook?" yes="Delete" danger close=${() => setAsked(false)}
      run=${() => act(() => deleteWebhook(hook.id), changed)}><p><bdi>${hook.url}</bdi> is told no more, and what waits for it is forgotten.</p><//>`}
  <//>`;
}

const STATES = {
  delivered: { tone: "tag-good", words: "arrived" },
  waiting: { tone: "tag-warn", words: "waits" },
  dead: { tone: "tag-bad", words: "given up" },
};

/** @param {{hooks: Webhook[], hook: Webhook | null, showAll: () => void}} props */
function Deliveries({ hooks, hook, showAll }) {
  const found = useMore((cursor) => listDeliveries({ cursor, limit: 25, ...(hook && { webhook: hook.id }) }), [hook?.id]);
  const { act, busy, problem } = useAct();
  const { items } = found;
  const url = (/** @type {Delivery} */ one) => hooks.find((each) => each.id === one.webhook)?.url ?? one.webhook;
  const again = (/** @type {Delivery} */ one) => act(() => sendAgain(one.id), () => {
    toast("It is sent again, under its own id.");
    found.reload();
  });
  return html`<${Panel} title="Deliveries" note=${hook ? html`To <bdi>${hook.url}</bdi>` : "To all webhooks, newest first"}
    actions=${html`${hook && html`<button type="button" class="button button-small" onClick=${showAll}>Of all webhooks</button>`}
      <button type="button" class="button button-icon" aria-label="Look again" title="Look again" onClick=${found.reload}><${Icon} name="refresh" size=${16} /></button>`}>
    ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
    ${found.problem && !items ? html`<${Failure} problem=${found.problem} retry=${found.reload} />`
      : !items ? html`<${Skeleton} lines=${4} label="Loading the deliveries" />`
      : !items.length ? html`<${Empty} icon="waiting" title="Nothing was sent yet">The next leaf that is done, round in use or release will be.<//>`
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Deliveries"><table class="table">
          <thead><tr><th>What</th>${!hook && html`<th>To</th>`}<th>State</th><th class="number">Tries</th><th>Last answer</th><th>Since</th><th><span class="unseen">Send again</span></th></tr></thead>
          <tbody>${items.map((one) => html`<tr key=${one.id}>
            <td title=${one.message}>${one.kind}</td>
            ${!hook && html`<td class="hook-to clip"><bdi>${url(one)}</bdi></td>`}
            <td><span class="tag ${STATES[one.state].tone}">${STATES[one.state].words}</span>${one.state === "waiting" && one.attempts > 0 &&
              html`<br /><span class="muted small">next ${moment(one.due_at)}</span>`}</td>
            <td class="number">${one.attempts}</td>
            <td>${one.status ? `HTTP ${one.status}` : ""} <span class="muted small">${one.error ?? (one.status ? "" : "–")}</span></td>
            <td title=${one.created_at}>${ago(one.created_at)}</td>
            <td class="number"><button type="button" class="button button-small" disabled=${busy} onClick=${() => again(one)}
              aria-label="Send again: message ${one.id}">Send again</button></td>
          </tr>`)}</tbody></table></div>
        <${More} list=${found} />`}
  <//>`;
}

/** @param {{kinds: string[], close: () => void, done: (secret: string) => void}} props */
function Add({ kinds, close, done }) {
  const { act, busy, problem } = useAct();
  const [chosen, setChosen] = useState(kinds);
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const url = String(new FormData(event.currentTarget).get("url")).trim();
    act(() => addWebhook({ url, kinds: chosen }), (made) => done(made.secret));
  };
  return html`<${Dialog} title="Add a webhook" close=${close} footer=${html`
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="submit" form="add-hook" class="button button-primary" disabled=${busy || !chosen.length}>Add</button>`}>
    <form id="add-hook" class="form" onSubmit=${submit}>
      <${Field} label="Address" name="url" type="url" required data-focus placeholder="https://example.com/productnet" spellcheck=${false}
        help="Messages are posted there as signed JSON. It has to be a public address, unless the settings allow it." problem=${problem?.detail} />
      <fieldset class="checks"><legend>Tell it when</legend>
        ${kinds.map((kind) => html`<label key=${kind} class="check">
          <input type="checkbox" checked=${chosen.includes(kind)} onChange=${(/** @type {any} */ event) =>
            setChosen(kinds.filter((one) => (one === kind ? event.currentTarget.checked : chosen.includes(one))))} />
          <span>${KINDS[kind] ?? kind} <code class="small">${kind}</code></span></label>`)}
      </fieldset>
      <p class="muted small">${count(chosen.length, "kind")} of event chosen.</p>
    </form>
  <//>`;
}
