// The activity log: who did what, newest first.
// @ts-check

import { html } from "../vendor/preact.js";
import { listActivity, listPeople } from "../lib/api.js";
import { date, hour, number } from "../lib/format.js";
import { useLoad } from "../lib/load.js";
import { go, href } from "../lib/router.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Select } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { More, useMore } from "../parts/more.js";
import { Page, Panel } from "../parts/page.js";

/** @import {Happened} from "../lib/types.js" */
/** @import {IconName} from "../parts/icon.js" */

/** @param {Happened} event */
const subject = (event) => html`<b><bdi>${event.subject}</bdi></b>`;
/** @param {Happened} event */
const leaf = (event) => event.subject
  ? html`<a href=${href("/leaf", { id: event.subject })}><bdi>${event.name ?? event.subject}</bdi></a>` : "";
/** @param {Happened} event */
const job = (event) => (event.details.work === "release" ? "release" : "round");

/** How an event is told. @type {Record<string, {icon: IconName, tell: (event: Happened) => unknown}>} */
const TOLD = {
  "leaf.done": { icon: "star", tell: (event) => html`${leaf(event)} is done, with ${number(Number(event.details.gold ?? 0))} gold` },
  "leaf.assigned": { icon: "person", tell: (event) => html`assigned ${leaf(event)}${event.details.to ? html` to <b><bdi>${event.details.to}</bdi></b>` : ""}` },
  "guideline.changed": { icon: "note", tell: (event) => html`changed the guideline of ${leaf(event)}` },
  "round.activated": { icon: "yes", tell: (event) => html`Round ${event.subject} is in use` },
  "round.failed": { icon: "warning", tell: (event) => html`A round failed${event.details.error ? html` (${event.details.error})` : ""}` },
  "release.made": { icon: "copies", tell: (event) => html`Release ${subject(event)} was made` },
  "release.failed": { icon: "warning", tell: (event) => html`Release ${subject(event)} failed${event.details.error ? html` (${event.details.error})` : ""}` },
  "job.started": { icon: "refresh", tell: (event) => html`started a ${job(event)}${event.details.version ? html` ${event.details.version}` : ""}` },
  "job.stopped": { icon: "close", tell: (event) => html`stopped a ${job(event)}` },
  "person.added": { icon: "person", tell: (event) => html`added ${subject(event)}${list(event.details.roles, " as ")}` },
  "person.changed": { icon: "person", tell: (event) => html`${event.details.signed_out ? "signed out" : event.details.active === false ? "deactivated" : event.details.active ? "activated" : "changed"} ${subject(event)}${list(event.details.roles, ": now ")}` },
  "password.changed": { icon: "lock", tell: (event) => event.person === event.subject ? "changed their password" : html`set a new password for ${subject(event)}` },
  "signed.in": { icon: "lock", tell: () => "signed in" },
  "sign.in.refused": { icon: "warning", tell: (event) => html`Somebody tried to sign in as ${subject(event)}` },
  "key.added": { icon: "keys", tell: (event) => html`made API key <code>pn_${event.subject}_…</code>${list(event.details.scopes, ", for ")}` },
  "key.revoked": { icon: "keys", tell: (event) => html`revoked API key <code>pn_${event.subject}_…</code>` },
  "webhook.added": { icon: "right", tell: () => "added a webhook" },
  "webhook.changed": { icon: "right", tell: (event) => html`changed a webhook${list(event.details.changed, ": ")}` },
  "webhook.deleted": { icon: "right", tell: () => "deleted a webhook" },
  "webhook.disabled": { icon: "warning", tell: () => "A webhook was switched off, since nothing arrives there" },
  "exported": { icon: "download", tell: (event) => html`downloaded ${event.details.file ? html`<code>${event.details.file}</code> of ` : ""}release ${subject(event)}` },
  "backup.made": { icon: "download", tell: (event) => html`Backup ${subject(event)} was made` },
};

/** What one may look for. @type {Record<string, {label: string, kinds: string[]}>} */
const GROUPS = {
  "": { label: "Everything", kinds: [] },
  leaves: { label: "Leaves", kinds: ["leaf.done", "leaf.assigned", "guideline.changed"] },
  rounds: { label: "Rounds and releases", kinds: ["round.activated", "round.failed", "release.made", "release.failed", "job.started", "job.stopped", "exported", "backup.made"] },
  people: { label: "People and sign-in", kinds: ["person.added", "person.changed", "password.changed", "signed.in", "sign.in.refused"] },
  keys: { label: "Keys and webhooks", kinds: ["key.added", "key.revoked", "webhook.added", "webhook.changed", "webhook.deleted", "webhook.disabled"] },
};

/** @param {unknown} values @param {string} before */
const list = (values, before) => (Array.isArray(values) && values.length ? before + values.join(", ") : "");

/** @param {{query: URLSearchParams}} props */
export default function Activity({ query }) {
  const group = query.get("what") ?? "";
  const person = query.get("person") ?? "";
  const found = useMore((cursor) => listActivity({ cursor, limit: 50, kind: GROUPS[group]?.kinds ?? [], person }), [group, person]);
  const people = useLoad(listPeople, []);
  const turn = (/** @type {Record<string, string>} */ changes) =>
    go(href("/activity", { what: group, person, ...changes }), { replace: true });
  const { items } = found;
  return html`<${Page} title="Activity" lead="Who did what, newest first. Answers are not here: they are in the log of decisions."
    actions=${html`
      <${Select} inline label="Show" value=${group} choose=${(/** @type {string} */ what) => turn({ what })}
        options=${Object.entries(GROUPS).map(([value, { label }]) => ({ value, label }))} />
      <${Select} inline label="By" value=${person} choose=${(/** @type {string} */ by) => turn({ person: by })}
        options=${[{ value: "", label: "anybody" }, ...(people.data?.items ?? []).map(({ name, display_name: label }) => ({ value: name, label }))]} />
      <button type="button" class="button button-icon" aria-label="Look again" title="Look again" onClick=${found.reload}><${Icon} name="refresh" size=${16} /></button>`}>
    <${Panel}>
      ${found.problem && !items ? html`<${Failure} problem=${found.problem} retry=${found.reload} />`
        : !items ? html`<${Skeleton} lines=${9} label="Loading the activity" />`
        : !items.length ? html`<${Empty} title="Nothing happened yet"
            action=${(group || person) && html`<button type="button" class="button" onClick=${() => turn({ what: "", person: "" })}>Show everything</button>`}>
            ${group || person ? "Nothing of this kind, by this person." : "Rounds, releases, people and keys leave their trace here."}<//>`
        : html`${byDay(items).map(([day, events]) => html`<section key=${day} class="day">
            <h2 class="day-name">${day}</h2>
            <ol class="events">${events.map((event) => html`<${Line} key=${event.id} event=${event} />`)}</ol>
          </section>`)}
          ${found.problem && html`<p class="refused" role="alert">${found.problem.detail}</p>`}
          <${More} list=${found} />`}
    <//>
  <//>`;
}

/** @param {{event: Happened}} props */
function Line({ event }) {
  const told = TOLD[event.kind];
  return html`<li class="event">
    <span class="event-icon"><${Icon} name=${told?.icon ?? "right"} size=${16} /></span>
    <span class="event-words">${event.person && html`<b><bdi>${event.person}</bdi></b>${" "}`}${told ? told.tell(event) : event.kind}</span>
    <time class="muted small" datetime=${event.at} title=${event.at}>${hour(event.at)}</time>
  </li>`;
}

/** @param {Happened[]} events @returns {[string, Happened[]][]} */
function byDay(events) {
  /** @type {Map<string, Happened[]>} */
  const days = new Map();
  for (const event of events) {
    const day = date(event.at);
    days.set(day, [...(days.get(day) ?? []), event]);
  }
  return [...days];
}
