// Signing in: by name and password, or by the organisation's own sign-in.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { count } from "../lib/format.js";
import { others } from "../lib/outbox.js";
import { asProblem, doors, signIn } from "../lib/session.js";
import { Field } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { useTitle } from "../parts/page.js";

/**
 * Why the organisation's sign-in let nobody in (portal/oidc_provider.py, Refusal).
 * @type {Record<string, string>}
 */
const REFUSED = {
  cancelled: "You cancelled the sign-in of your organisation.",
  stale: "This sign-in took too long, or was begun in another window. Begin again.",
  provider: "The sign-in of your organisation did not work. Try again; an admin finds the reason in the server's log.",
  domain: "Your e-mail address is not among those let in here. Ask an admin.",
  unknown: "There is no account for you here yet. Ask an admin.",
  inactive: "Your account is deactivated. Ask an admin.",
  "last-admin": "Your organisation no longer makes you an admin, but you are the last one here. Make somebody else an admin first, with `productnet people change`.",
};

/** @param {{query: URLSearchParams}} props */
export default function SignIn({ query }) {
  useTitle("Sign in");
  const refused = REFUSED[query.get("refused") ?? ""];
  const kept = others.value;
  const names = [...new Set(kept.map((one) => one.person))];
  return html`<div class="sign-in">
    <div class="sign-in-box panel">
      <img src="/static/icon.svg" alt="" width="44" height="44" />
      <h1>Sign in</h1>
      ${refused && html`<p class="notice notice-warn" role="alert"><span>${refused}</span></p>`}
      ${kept.length > 0 && html`<p class="notice notice-wait"><${Icon} name="waiting" />
        <span>${count(kept.length, "answer")} of <b>${names.join(", ")}</b> ${kept.length === 1 ? "waits" : "wait"}
        safely on this computer, to be sent after signing in.</span></p>`}
      ${doors.value.includes("password") && html`<${PasswordForm} name=${names.length === 1 ? names[0] ?? "" : ""} />`}
      ${doors.value.includes("oidc") && html`<a class="button button-wide" href="/auth/oidc/login">
        Sign in with your organisation</a>`}
      ${doors.value.includes("link") && html`<p class="muted">Open the link that${" "}
        <code>productnet serve</code> printed when it started. It works once; start the command again
        for a new one.</p>`}
    </div>
  </div>`;
}

/** @param {{name: string}} props */
function PasswordForm({ name }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(/** @type {string | null} */ (null));
  /** @param {any} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      await signIn(String(form.get("name")), String(form.get("password")));
    } catch (error) {
      setProblem(asProblem(error).detail);
      setBusy(false);
    }
  };
  return html`<form class="stack" onSubmit=${submit}>
    <${Field} label="Name" name="name" autocomplete="username" required autofocus=${!name}
      defaultValue=${name} autocapitalize="none" spellcheck=${false} />
    <${Field} label="Password" name="password" type="password" autocomplete="current-password" required
      autofocus=${Boolean(name)} problem=${problem} />
    <button class="button button-primary button-wide" disabled=${busy}>${busy ? "Signing in…" : "Sign in"}</button>
  </form>`;
}
