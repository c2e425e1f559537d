// A dialog over the page: it keeps focus and keys to itself, and gives focus back when it closes.
// @ts-check

import { html, useId, useLayoutEffect, useRef } from "../vendor/preact.js";
import { useCommands } from "../lib/keys.js";
import { Icon } from "./icon.js";

/**
 * Shown for as long as it is rendered.
 * @param {{title: unknown, close: () => void, size?: "small" | "medium" | "large",
 *   footer?: unknown, class?: string, children?: unknown,
 *   still?: boolean, scopes?: import("../lib/keys.js").Scope[],
 *   commands?: Record<string, (event: KeyboardEvent) => void>}} props
 *   scopes, commands: the keys that work in the dialog; see useCommands. still: its body does not
 *   scroll, what is in it does.
 */
export function Dialog({
  title, close, size = "medium", footer, class: extra = "", children, still = false,
  scopes = [], commands = {},
}) {
  const id = useId();
  const box = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useCommands(scopes, commands, { modal: true });
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = box.current;
    dialog?.showModal();
    /** @type {HTMLElement | null} */
    const first = dialog?.querySelector("[data-focus]") ?? null;
    first?.focus();
    return () => {
      dialog?.close();
      if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    };
  }, []);
  return html`<dialog ref=${box} class="dialog dialog-${size} ${extra}" aria-labelledby=${id}
    onCancel=${(/** @type {Event} */ event) => { event.preventDefault(); close(); }}
    onMouseDown=${(/** @type {MouseEvent} */ event) => event.target === box.current && close()}>
    <div class="dialog-box">
      <header class="dialog-head">
        <h2 id=${id}>${title}</h2>
        <button type="button" class="button button-quiet button-icon" aria-label="Close" onClick=${close}>
          <${Icon} name="close" />
        </button>
      </header>
      <div class="dialog-body" tabindex=${still ? undefined : 0}>${children}</div>
      ${footer && html`<footer class="dialog-foot">${footer}</footer>`}
    </div>
  </dialog>`;
}

/**
 * Ask before something that cannot be undone.
 * @param {{title: string, yes: string, danger?: boolean, run: () => void, close: () => void,
 *   children?: unknown}} props
 */
export function Confirm({ title, yes, danger = false, run, close, children }) {
  return html`<${Dialog} title=${title} close=${close} size="small" footer=${html`
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="button" data-focus class="button ${danger ? "button-danger" : "button-primary"}"
      onClick=${() => { close(); run(); }}>${yes}</button>`}>
    ${children}
  <//>`;
}
