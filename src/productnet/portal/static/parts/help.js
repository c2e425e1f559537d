// Every key, under `?`.
// @ts-check

import { html, signal } from "../vendor/preact.js";
import { label } from "../lib/format.js";
import { COMMANDS, SCOPES, keysOf, spell } from "../lib/keys.js";
import { session } from "../lib/session.js";
import { Dialog } from "./dialog.js";

/** @import {Command, Scope} from "../lib/keys.js" */

export const helpShown = signal(false);

/** What a command does; a source's key says which source that is. @param {Command} command */
export function commandLabel(command) {
  const at = /^source-(\d)$/.exec(command.id)?.[1];
  const source = at && session.value?.sources[Number(at) - 1];
  return source ? `Candidates: ${label(source.name)}` : command.label;
}

export function Help() {
  const close = () => {
    helpShown.value = false;
  };
  return html`<${Dialog} title="Keys" size="large" close=${close}
    scopes=${["everywhere"]} commands=${{ help: close }}
    footer=${html`<span class="muted small">No key works while you type in a text box.</span>
      <a class="button push" href="/settings" onClick=${close}>Change keys</a>`}>
    <div class="help-columns">
      ${/** @type {Scope[]} */ (Object.keys(SCOPES)).filter((scope) => COMMANDS.some((one) => one.scope === scope)).map((scope) => html`<section key=${scope} class="help-group">
        <h3>${SCOPES[scope]}</h3>
        <dl class="help-list">
          ${COMMANDS.filter((command) => command.scope === scope).map((command) => html`
            <div key=${command.id} class="help-line">
              <dt>${commandLabel(command)}</dt>
              <dd><${Keys} keys=${keysOf(command.id)} /></dd>
            </div>`)}
        </dl>
      </section>`)}
    </div>
  <//>`;
}

/** Keys as keys are drawn. @param {{keys: string[]}} props */
export function Keys({ keys }) {
  if (!keys.length) return html`<span class="muted small">no key</span>`;
  return html`${keys.map((key, at) => html`${at ? html`<span class="muted"> or </span>` : ""}<kbd key=${key} class="key">${spell(key)}</kbd>`)}`;
}
