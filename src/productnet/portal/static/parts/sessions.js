// Where somebody is signed in, browser by browser.
// @ts-check

import { html } from "../vendor/preact.js";
import { ago, date } from "../lib/format.js";

/** @import {OpenSession} from "../lib/types.js" */

/** @param {{sessions: OpenSession[], end?: (session: OpenSession) => void, busy?: boolean}} props */
export function Sessions({ sessions, end, busy = false }) {
  if (!sessions.length) return html`<p class="muted small">Nowhere.</p>`;
  return html`<ul class="sessions">${sessions.map((one) => html`<li key=${one.id}>
    <span class="sessions-words"><b>${browserOf(one.agent)}</b>
      <span class="muted small">${[one.address, `signed in ${date(one.created_at)}`, `last used ${ago(one.seen_at)}`].filter(Boolean).join(" · ")}</span></span>
    ${one.here ? html`<span class="tag tag-good">this browser</span>`
      : end && html`<button type="button" class="button button-small" disabled=${busy} onClick=${() => end(one)}
          aria-label="Sign out ${browserOf(one.agent)}">Sign out</button>`}
  </li>`)}</ul>`;
}

/** What a browser is, from what it says it is. @param {string} agent */
function browserOf(agent) {
  const name = /(Edg|OPR|Firefox|Chrome|Safari)[A-Za-z]*\//.exec(agent)?.[1];
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(agent)?.[1];
  if (!name) return agent.slice(0, 40) || "An unknown browser";
  const known = { Edg: "Edge", OPR: "Opera" }[name] ?? name;
  return system ? `${known} on ${system === "Mac OS X" ? "macOS" : system}` : known;
}
