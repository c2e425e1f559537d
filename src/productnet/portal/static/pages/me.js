// Your account: password, API keys, and where you are signed in.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { addKey, changePassword, endSession, listKeys, listSessions, revokeKey, setCsrf } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { ago, date } from "../lib/format.js";
import { useLoad } from "../lib/load.js";
import { can, person, session } from "../lib/session.js";
import { Confirm, Dialog } from "../parts/dialog.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Field, Select } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { Page, Panel } from "../parts/page.js";
import { SecretDialog } from "../parts/secret.js";
import { Sessions } from "../parts/sessions.js";
import { toast } from "../parts/toast.js";

/** @import {ApiKey} from "../lib/types.js" */

/** @param {{query: URLSearchParams}} _props */
export default function Me(_props) {
  const who = person.value;
  return html`<${Page} title="Your account" lead=${html`<bdi>${who?.display_name}</bdi>, signs answers as <b><bdi>${who?.name}</bdi></b>: ${
      who?.roles.length ? who.roles.join(", ") : "no role yet"}.`}>
    <div class="stack">
      ${session.value?.mode === "team" && html`<${PasswordPanel} />`}
      <${KeysPanel} />
      <${SessionsPanel} />
    </div>
  <//>`;
}

function PasswordPanel() {
  const { act, busy, problem } = useAct();
  const [differ, setDiffer] = useState(false);
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const [old, fresh, again] = ["old", "fresh", "again"].map((name) => String(new FormData(form).get(name)));
    setDiffer(fresh !== again);
    if (fresh !== again) return;
    act(() => changePassword(old ?? "", fresh ?? ""), (entered) => {
      // The session is another one now, and so is what proves that requests are its own.
      setCsrf(entered.csrf);
      form.reset();
      toast("The password is changed. Every other browser of yours was signed out.", { tone: "good" });
    });
  };
  return html`<${Panel} title="Password" note="A new one signs out every other browser of yours.">
    <form class="form form-narrow" onSubmit=${submit}>
      <input type="text" name="username" autocomplete="username" value=${person.value?.name} hidden />
      <${Field} label="Password now" name="old" type="password" autocomplete="current-password" required />
      <${Field} label="New password" name="fresh" type="password" autocomplete="new-password" required
        help="Ten characters or more. A few words are easy to remember and hard to guess." problem=${problem?.detail} />
      <${Field} label="New password, once more" name="again" type="password" autocomplete="new-password" required
        problem=${differ ? "This is not the same as above." : null} />
      <div><button class="button button-primary" disabled=${busy}>Change it</button></div>
    </form>
  <//>`;
}

const SCOPES = [
  { scope: "read", does: "look at what you may look at" },
  { scope: "annotate", does: "record answers in your name" },
  { scope: "admin", does: "run the project as you may" },
];

function KeysPanel() {
  const { data, problem, reload } = useLoad(listKeys, []);
  const [adding, setAdding] = useState(false);
  const [made, setMade] = useState("");
  const [ending, setEnding] = useState(/** @type {ApiKey | null} */ (null));
  const { act, busy, problem: refused } = useAct();
  const now = Date.now();
  const over = (/** @type {ApiKey} */ key) => key.revoked_at !== null || (key.expires_at !== null && Date.parse(key.expires_at) <= now);
  const live = data?.items.filter((key) => !over(key)) ?? [];
  const past = data?.items.filter(over) ?? [];
  return html`<${Panel} title="API keys" note=${html`For programs that work for you, as <code>Authorization: Bearer pn_…</code>`}
    actions=${html`<button type="button" class="button" onClick=${() => setAdding(true)}><${Icon} name="plus" size=${16} /> New key</button>`}>
    ${refused && html`<p class="refused" role="alert">${refused.detail}</p>`}
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<${Skeleton} lines=${3} label="Loading the keys" />`
      : !live.length && !past.length ? html`<${Empty} icon="keys" title="No key yet">Make one for a script or another system.<//>`
      : html`<div class="scroll"><table class="table">
        <thead><tr><th>Key</th><th>Scopes</th><th>Made</th><th>Last used</th><th>Ends</th><th><span class="unseen">Revoke</span></th></tr></thead>
        <tbody>${[...live, ...past].map((key) => html`<tr key=${key.id} class=${over(key) ? "over" : ""}>
          <td><b><bdi>${key.label}</bdi></b><br /><code class="small">pn_${key.id}_…</code></td>
          <td>${key.scopes.join(", ")}</td>
          <td>${date(key.created_at)}</td>
          <td>${key.used_at ? ago(key.used_at) : html`<span class="muted">never</span>`}</td>
          <td>${key.revoked_at ? html`<span class="tag">revoked</span>` : over(key) ? html`<span class="tag">expired</span>`
            : key.expires_at ? date(key.expires_at) : html`<span class="muted">never</span>`}</td>
          <td class="number">${!over(key) && html`<button type="button" class="button button-small" disabled=${busy} aria-label="Revoke ${key.label}"
            onClick=${() => setEnding(key)}>Revoke</button>`}</td>
        </tr>`)}</tbody></table></div>`}
    ${adding && html`<${NewKey} close=${() => setAdding(false)} made=${(/** @type {string} */ key) => { setAdding(false); setMade(key); reload(); }} />`}
    ${made && html`<${SecretDialog} title="Your new key" label="Key" secret=${made} close=${() => setMade("")}>
      <p>Copy it now and keep it like a password: whoever has it acts as you, within its scopes.</p><//>`}
    ${ending && html`<${Confirm} title="Revoke “${ending.label}”?" yes="Revoke" danger close=${() => setEnding(null)}
      run=${() => act(() => revokeKey(ending.id), reload)}><p>Programs that use it are refused at once. It cannot be taken back.</p><//>`}
  <//>`;
}

/** @param {{close: () => void, made: (key: string) => void}} props */
function NewKey({ close, made }) {
  const { act, busy, problem } = useAct();
  const [scopes, setScopes] = useState(["read"]);
  const [days, setDays] = useState("90");
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const label = String(new FormData(event.currentTarget).get("label")).trim();
    const ends = days && new Date(Date.now() + Number(days) * 86_400_000).toISOString();
    act(() => addKey({ label, scopes, ...(ends && { expires_at: ends }) }), (key) => made(key.key));
  };
  return html`<${Dialog} title="New API key" size="small" close=${close} footer=${html`
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="submit" form="new-key" class="button button-primary" disabled=${busy || !scopes.length}>Make it</button>`}>
    <form id="new-key" class="form" onSubmit=${submit}>
      <${Field} label="What is it for?" name="label" required maxlength="100" data-focus placeholder="nightly export" />
      <fieldset class="checks"><legend>What it may do</legend>
        ${SCOPES.filter(({ scope }) => scope !== "admin" || can("admin")).map(({ scope, does }) => html`<label key=${scope} class="check">
          <input type="checkbox" checked=${scopes.includes(scope)} onChange=${(/** @type {any} */ event) =>
            setScopes(event.currentTarget.checked ? [...scopes, scope] : scopes.filter((one) => one !== scope))} />
          <span>${scope} <span class="muted">${does}</span></span></label>`)}
      </fieldset>
      <${Select} label="Ends after" value=${days} choose=${setDays} options=${[
        { value: "30", label: "30 days" }, { value: "90", label: "90 days" }, { value: "365", label: "a year" }, { value: "", label: "never" }]} />
      ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
    </form>
  <//>`;
}

function SessionsPanel() {
  const { data, problem, reload } = useLoad(listSessions, []);
  const { act, busy, problem: refused } = useAct();
  return html`<${Panel} title="Where you are signed in">
    ${refused && html`<p class="refused" role="alert">${refused.detail}</p>`}
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<${Skeleton} lines=${2} label="Loading the sessions" />`
      : html`<${Sessions} sessions=${data.items} busy=${busy}
          end=${(/** @type {{id: string}} */ one) => act(() => endSession(one.id), reload)} />`}
  <//>`;
}
