// Something that is shown once, such as a new key, to be copied now.
// @ts-check

import { html, useId, useRef, useState } from "../vendor/preact.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";

/**
 * @param {{title: string, secret: string, label: string, close: () => void, children?: unknown}} props
 */
export function SecretDialog({ title, secret, label, close, children }) {
  const id = useId();
  const box = useRef(/** @type {HTMLInputElement | null} */ (null));
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    box.current?.select();
    try {
      await navigator.clipboard.writeText(secret);
      setCopied(true);
    } catch {
      // Not over plain http, or not allowed: it is selected, for Ctrl+C.
    }
  };
  return html`<${Dialog} title=${title} size="medium" close=${close}
    footer=${html`<button type="button" class="button button-primary" onClick=${close}>I have kept it</button>`}>
    <div>${children}</div>
    <div class="field">
      <label for=${id}>${label}</label>
      <div class="secret">
        <input id=${id} ref=${box} class="input" readonly value=${secret} spellcheck=${false}
          onFocus=${(/** @type {any} */ event) => event.currentTarget.select()} />
        <button type="button" data-focus class="button" onClick=${copy}>
          <${Icon} name=${copied ? "yes" : "copies"} size=${16} /> ${copied ? "Copied" : "Copy"}</button>
      </div>
      <p class="muted small" role="status">${copied ? "It is in the clipboard." : "It cannot be shown again: only its hash is kept, or nothing at all."}</p>
    </div>
  <//>`;
}
