// A button that opens a small menu below it.
// @ts-check

import { html, useEffect, useRef, useState } from "../vendor/preact.js";

/**
 * @param {{label: string, button: unknown, class?: string, align?: "left" | "right",
 *   children: (close: () => void) => unknown}} props
 *   children: gives the menu's items, elements with role="menuitem".
 */
export function Menu({ label, button, class: extra = "", align = "right", children }) {
  const [open, setOpen] = useState(false);
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const opener = useRef(/** @type {HTMLElement | null} */ (null));
  const items = () => /** @type {HTMLElement[]} */ ([...(box.current?.querySelectorAll("[role='menuitem']") ?? [])]);
  const close = () => {
    setOpen(false);
    opener.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    items()[0]?.focus();
    const outside = (/** @type {Event} */ event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    addEventListener("pointerdown", outside);
    return () => removeEventListener("pointerdown", outside);
  }, [open]);
  const move = (/** @type {KeyboardEvent} */ event) => {
    if (!open) return;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const all = items();
      const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
      all.at((at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length)?.focus();
    }
  };
  return html`<div ref=${box} class="menu ${extra}" onKeyDown=${move}
    onFocusOut=${(/** @type {FocusEvent} */ event) => {
      if (event.relatedTarget instanceof Node && !box.current?.contains(event.relatedTarget)) setOpen(false);
    }}>
    <button ref=${opener} type="button" class="button button-quiet" aria-haspopup="menu"
      aria-expanded=${open} aria-label=${label} title=${label} onClick=${() => setOpen(!open)}>
      ${button}
    </button>
    ${open && html`<div class="menu-list menu-${align}" role="menu" aria-label=${label}>${children(close)}</div>`}
  </div>`;
}
