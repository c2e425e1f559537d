// People: who takes part, what is open to them, and whether they can come in.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { addPerson, changePerson, endSessionsOf, listPeople, listSessionsOf } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { ago, count, date } from "../lib/format.js";
import { useLoad } from "../lib/load.js";
import { person as me } from "../lib/session.js";
import { Confirm, Dialog } from "../parts/dialog.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Field } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { Page, Panel } from "../parts/page.js";
import { Sessions } from "../parts/sessions.js";
import { toast } from "../parts/toast.js";

/** @import {Account, Role} from "../lib/types.js" */

/** @type {{role: Role, does: string}[]} */
const ROLES = [
  { role: "labeler", does: "labels candidates of leaves" },
  { role: "auditor", does: "answers again, blind, what others labelled" },
  { role: "adjudicator", does: "settles what those two answered differently" },
  { role: "admin", does: "runs the project: people, rounds, releases, guidelines" },
];

/** @param {{query: URLSearchParams}} _props */
export default function People(_props) {
  const { data, problem, reload } = useLoad(listPeople, []);
  const [shown, setShown] = useState(/** @type {Account | "new" | null} */ (null));
  const close = () => setShown(null);
  const changed = () => {
    close();
    reload();
  };
  const active = data?.items.filter((one) => one.active) ?? [];
  const shut = active.find((one) => one.name === me.value?.name && !one.has_password && !one.by_provider);
  const past = data?.items.filter((one) => !one.active) ?? [];
  return html`<${Page} title="People" lead="Who takes part, and what is open to them. Nobody is ever deleted, since answers name them."
    actions=${html`<button type="button" class="button button-primary" onClick=${() => setShown("new")}>
      <${Icon} name="plus" size=${16} /> Add a person</button>`}>
    <div class="stack">
      ${shut && html`<p class="notice notice-warn" role="status"><${Icon} name="lock" />
        <span><b>You have no password.</b> As soon as anybody has one, everybody signs in by name, and the link that let
        you in is not printed any more. Give yourself one first.</span>
        <button type="button" class="button button-small push" onClick=${() => setShown(shut)}>Give me one</button></p>`}
      <${Panel}>
        ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
          : !data ? html`<${Skeleton} lines=${7} label="Loading the people" />`
          : !active.length ? html`<${Empty} icon="person" title="You work alone so far"
              action=${html`<button type="button" class="button button-primary" onClick=${() => setShown("new")}>Add a person</button>`}>
              With the first account that has a password, everybody signs in by name.<//>`
          : html`<${Table} label="People" people=${active} edit=${setShown} />`}
      <//>
      ${past.length > 0 && html`<${Panel} title="No longer active" note="They cannot come in; what they answered stays.">
        <${Table} label="No longer active" people=${past} edit=${setShown} /><//>`}
    </div>
    ${shown === "new" ? html`<${Add} close=${close} done=${changed} />`
      : shown && html`<${Edit} key=${shown.name} account=${shown} close=${close} changed=${changed} reload=${reload} />`}
  <//>`;
}

/** @param {{people: Account[], edit: (account: Account) => void, label: string}} props */
function Table({ people, edit, label }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table class="table people-table">
    <thead><tr><th>Person</th><th>Roles</th><th>Signs in with</th><th>Last seen</th><th><span class="unseen">Change</span></th></tr></thead>
    <tbody>${people.map((one) => html`<tr key=${one.name}>
      <td><span class="person"><span class="person-mark" aria-hidden="true">${initials(one)}</span>
        <span class="person-words"><b><bdi>${one.display_name}</bdi></b> <span class="muted small"><bdi>${one.name}</bdi></span></span></span></td>
      <td><span class="row tags">${one.roles.map((role) => html`<span key=${role} class=${role === "admin" ? "tag tag-accent" : "tag"}>${role}</span>`)}
        ${!one.roles.length && html`<span class="muted">none yet</span>`}</span></td>
      <td>${one.by_provider ? "the organisation" : one.has_password ? "a password" : html`<span class="muted">nothing yet</span>`}</td>
      <td>${one.seen_at ? html`<span title=${one.seen_at}>${ago(one.seen_at)}</span>` : html`<span class="muted">not lately</span>`}</td>
      <td class="number"><button type="button" class="button button-small" onClick=${() => edit(one)}
        aria-label="Change ${one.display_name}">Change</button></td>
    </tr>`)}</tbody></table></div>`;
}

/** @param {Account} account */
const initials = ({ display_name: name }) =>
  name.split(/\s+/).slice(0, 2).map((word) => [...word][0] ?? "").join("").toUpperCase();

/** @param {{close: () => void, done: () => void}} props */
function Add({ close, done }) {
  const { act, busy, problem } = useAct();
  const [roles, setRoles] = useState(/** @type {Role[]} */ (["labeler"]));
  const [password, setPassword] = useState(() => suggested());
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const name = String(form.get("name")).trim();
    const display = String(form.get("display")).trim();
    act(() => addPerson({ name, roles, ...(display && { display_name: display }), ...(password && { password }) }),
      (made) => {
        toast(`${made.display_name} can sign in now.`, { tone: "good" });
        done();
      });
  };
  return html`<${Dialog} title="Add a person" close=${close} footer=${html`
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="submit" form="add-person" class="button button-primary" disabled=${busy}>Add</button>`}>
    <form id="add-person" class="form" onSubmit=${submit}>
      <${Field} label="Name" name="name" required maxlength="64" data-focus autocapitalize="none" autocomplete="off" spellcheck=${false}
        help="To sign in with, and to sign answers with: letters, digits, dots. It never changes." />
      <${Field} label="Name to show" name="display" maxlength="100" autocomplete="off" help="As others read it; the name above if left empty." />
      <${RoleChecks} roles=${roles} change=${setRoles} />
      <${Password} password=${password} change=${setPassword} label="First password"
        help="Tell it to them; they change it under Your account. Leave it empty if the organisation signs them in." />
      ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
    </form>
  <//>`;
}

/** @param {{account: Account, close: () => void, changed: () => void, reload: () => void}} props */
function Edit({ account, close, changed, reload }) {
  const { act, busy, problem } = useAct();
  const [roles, setRoles] = useState(account.roles);
  const [display, setDisplay] = useState(account.display_name);
  const [password, setPassword] = useState("");
  const [asked, setAsked] = useState(false);
  const sessions = useLoad(() => listSessionsOf(account.name), [account.name]);
  const own = account.name === me.value?.name;
  const save = (/** @type {any} */ event) => {
    event.preventDefault();
    const changes = {
      ...(display.trim() !== account.display_name && { display_name: display.trim() }),
      ...(String([...roles].sort()) !== String([...account.roles].sort()) && { roles }),
      ...(password && { password }),
    };
    if (!Object.keys(changes).length) close();
    else act(() => changePerson(account.name, changes), () => {
      toast(password ? `${account.display_name} has a new password, and was signed out everywhere.` : "Changed.", { tone: "good" });
      changed();
    });
  };
  const turn = () => act(() => changePerson(account.name, { active: !account.active }), () => {
    toast(account.active ? `${account.display_name} cannot come in any more.` : `${account.display_name} can come in again.`);
    changed();
  });
  const signOut = () => act(() => endSessionsOf(account.name), () => {
    toast(`${account.display_name} was signed out everywhere.`);
    sessions.reload();
    reload();
  });
  return html`<${Dialog} title=${account.display_name} close=${close} footer=${html`
    ${!own && html`<button type="button" class="button dialog-left" disabled=${busy}
      onClick=${() => (account.active ? setAsked(true) : turn())}>${account.active ? "Deactivate" : "Activate again"}</button>`}
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="submit" form="edit-person" class="button button-primary" disabled=${busy}>Save</button>`}>
    <p class="muted small">Signs answers as <b><bdi>${account.name}</bdi></b>, since ${date(account.created_at)}.</p>
    <form id="edit-person" class="form" onSubmit=${save}>
      <${Field} label="Name to show" value=${display} maxlength="100" required
        onInput=${(/** @type {any} */ event) => setDisplay(event.currentTarget.value)} />
      <${RoleChecks} roles=${roles} change=${setRoles} />
      <${Password} password=${password} change=${setPassword} label="New password"
        help="Left empty, the password stays. A new one signs them out everywhere." />
      ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
    </form>
    ${account.active && html`<section class="form-part">
      <h3>Signed in ${sessions.data ? `with ${count(sessions.data.items.length, "browser")}` : ""}</h3>
      ${!sessions.data ? html`<${Skeleton} lines=${1} />` : html`<${Sessions} sessions=${sessions.data.items} />
        ${sessions.data.items.length > 0 && !own && html`<button type="button" class="button button-small" disabled=${busy} onClick=${signOut}>Sign out everywhere</button>`}`}
    </section>`}
    ${asked && html`<${Confirm} title="Deactivate ${account.display_name}?" yes="Deactivate" danger run=${turn} close=${() => setAsked(false)}>
      <p>They are signed out at once, their API keys end for good, and leaves they hold are free again. Their answers stay.</p><//>`}
  <//>`;
}

/** @param {{roles: Role[], change: (roles: Role[]) => void}} props */
function RoleChecks({ roles, change }) {
  return html`<fieldset class="checks"><legend>Roles</legend>
    ${ROLES.map(({ role, does }) => html`<label key=${role} class="check">
      <input type="checkbox" checked=${roles.includes(role)} onChange=${(/** @type {any} */ event) =>
        change(event.currentTarget.checked ? [...roles, role] : roles.filter((one) => one !== role))} />
      <span>${role} <span class="muted">${does}</span></span></label>`)}
  </fieldset>`;
}

/** @param {{password: string, change: (password: string) => void, label: string, help: string}} props */
function Password({ password, change, label, help }) {
  return html`<div class="password">
    <${Field} label=${label} value=${password} help=${help} autocomplete="off" spellcheck=${false} autocapitalize="none"
      class="input mono" onInput=${(/** @type {any} */ event) => change(event.currentTarget.value)} />
    <button type="button" class="button" onClick=${() => change(suggested())}>Suggest one</button>
  </div>`;
}

/** A password of four groups of four letters, about 74 bits. */
function suggested() {
  const letters = "abcdefghjkmnpqrstuvwxyz23";
  const random = crypto.getRandomValues(new Uint32Array(16));
  return [...random].map((n, at) => (at && at % 4 === 0 ? "-" : "") + letters[n % letters.length]).join("");
}
