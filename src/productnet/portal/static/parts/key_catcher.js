// Waits for the key that a command is to have.
// @ts-check

import { html, useLayoutEffect, useState } from "../vendor/preact.js";
import { chord, spell } from "../lib/keys.js";
import { Dialog } from "./dialog.js";
import { Icon } from "./icon.js";

// Keys that move the focus: without them the page could not be used by keyboard.
const NEVER = ["Tab", "Shift+Tab"];

/**
 * @param {{title: string, caught: (key: string) => string | null, close: () => void}} props
 *   caught: gives why the key cannot be taken, or null.
 */
export function KeyCatcher({ title, caught, close }) {
  const [refusal, setRefusal] = useState("");
  useLayoutEffect(() => {
    const listen = (/** @type {KeyboardEvent} */ event) => {
      const key = chord(event);
      if (key === null || NEVER.includes(key)) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.repeat) return;
      const why = caught(key);
      if (why === null) close();
      else setRefusal(why);
    };
    addEventListener("keydown", listen, { capture: true });
    return () => removeEventListener("keydown", listen, { capture: true });
  }, []);
  return html`<${Dialog} title=${title} size="small" close=${close}
    footer=${html`<button type="button" class="button" onClick=${close}>Cancel</button>`}>
    <p>Press the key, alone or with Shift, Ctrl or Alt.</p>
    ${refusal && html`<p class="notice notice-warn" role="alert"><${Icon} name="warning" /><span>${refusal}</span></p>`}
    <p class="muted small">${spell("Escape")} can be taken too: cancel with the button.</p>
  <//>`;
}
