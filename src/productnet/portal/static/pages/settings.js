// Settings of this browser: looks, pace, and every key.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { label } from "../lib/format.js";
import { COMMANDS, SCOPES, anyChanged, keysOf, rebind, resetKeys, spell } from "../lib/keys.js";
import { pageSize, pictureSize, theme } from "../lib/prefs.js";
import { Select } from "../parts/field.js";
import { commandLabel } from "../parts/help.js";
import { Icon } from "../parts/icon.js";
import { KeyCatcher } from "../parts/key_catcher.js";
import { Page, Panel } from "../parts/page.js";
import { Tabs } from "../parts/tabs.js";
import { toast } from "../parts/toast.js";

/** @import {Command, Scope} from "../lib/keys.js" */

/** @param {{query: URLSearchParams}} _props */
export default function Settings(_props) {
  return html`<${Page} title="Settings" lead="They hold for this browser, whoever is signed in.">
    <div class="stack">
      <${Panel} title="Looks and pace">
        <div class="settings-lines">
          <div class="settings-line"><span id="theme">Theme</span>
            <${Tabs} small label="Theme" chosen=${theme.value} choose=${(/** @type {string} */ id) => { theme.value = id; }}
              tabs=${[{ id: "system", label: "As the system" }, { id: "light", label: "Light" }, { id: "dark", label: "Dark" }]} /></div>
          <div class="settings-line"><${Select} inline label="Candidates on a page" value=${String(pageSize.value)}
            choose=${(/** @type {string} */ size) => { pageSize.value = Number(size); }}
            options=${[10, 20, 30, 50, 100].map((size) => ({ value: String(size), label: String(size) }))} /></div>
          <div class="settings-line"><${Select} inline label="Pictures" value=${pictureSize.value}
            choose=${(/** @type {string} */ size) => { pictureSize.value = size; }}
            options=${["small", "medium", "large"].map((size) => ({ value: size, label: label(size) }))} /></div>
        </div>
      <//>
      <${KeysPanel} />
    </div>
  <//>`;
}

function KeysPanel() {
  const [catching, setCatching] = useState(/** @type {Command | null} */ (null));
  return html`<${Panel} title="Keys" note="No key works while you type in a text box."
    actions=${html`<button type="button" class="button" disabled=${!anyChanged()} onClick=${() => {
      resetKeys();
      toast("The keys are as they came.");
    }}>All keys as they came</button>`}>
    <div class="settings-keys">
      ${/** @type {Scope[]} */ (Object.keys(SCOPES)).map((scope) => {
        const commands = COMMANDS.filter((command) => command.scope === scope);
        return commands.length > 0 && html`<section key=${scope} class="settings-group"><h3>${SCOPES[scope]}</h3>
          <ul class="settings-commands">${commands.map((command) => html`<${CommandLine} key=${command.id} command=${command}
            add=${() => setCatching(command)} />`)}</ul></section>`;
      })}
    </div>
    ${catching && html`<${KeyCatcher} title=${commandLabel(catching)} close=${() => setCatching(null)}
      caught=${(/** @type {string} */ key) => rebind(catching.id, [...keysOf(catching.id), key])} />`}
  <//>`;
}

/** @param {{command: Command, add: () => void}} props */
function CommandLine({ command, add }) {
  const words = commandLabel(command);
  const keys = keysOf(command.id);
  return html`<li class="settings-command" data-command=${command.id}>
    <span>${words}</span>
    <span class="settings-chips">
      ${keys.map((key) => html`<span key=${key} class="key settings-key">${spell(key)}
        <button type="button" class="settings-drop" aria-label="Take ${spell(key)} from: ${words}" title="Take this key away"
          onClick=${() => rebind(command.id, keys.filter((one) => one !== key))}><${Icon} name="close" size=${12} /></button></span>`)}
      <button type="button" class="button button-small button-quiet" aria-label="Add a key to: ${words}" onClick=${add}>
        <${Icon} name="plus" size=${14} /> Key</button>
    </span>
  </li>`;
}
