// Form controls with their labels.
// @ts-check

import { html, useId } from "../vendor/preact.js";

/**
 * A labelled text box; what else is given goes to the input.
 * @param {{label: string, help?: string, problem?: string | null, [attribute: string]: any}} props
 */
export function Field({ label, help, problem, ...rest }) {
  const id = useId();
  const told = [help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <input id=${id} class="input" aria-describedby=${told || undefined}
      aria-invalid=${problem ? "true" : undefined} ...${rest} />
    ${help && html`<p id="${id}-help" class="muted small">${help}</p>`}
    ${problem && html`<p id="${id}-problem" class="field-problem small" role="alert">${problem}</p>`}
  </div>`;
}

/**
 * A labelled box for several lines; what else is given goes to it.
 * @param {{label: string, help?: string, problem?: string | null, [attribute: string]: any}} props
 */
export function TextArea({ label, help, problem, ...rest }) {
  const id = useId();
  const told = [help && `${id}-help`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${help && html`<p id="${id}-help" class="muted small">${help}</p>`}
    <textarea id=${id} class="input" aria-describedby=${told || undefined}
      aria-invalid=${problem ? "true" : undefined} ...${rest} />
    ${problem && html`<p id="${id}-problem" class="field-problem small" role="alert">${problem}</p>`}
  </div>`;
}

/**
 * A labelled choice from a list.
 * @param {{label: string, options: {value: string, label: string}[], value: string,
 *   choose: (value: string) => void, inline?: boolean, bare?: boolean, title?: string}} props
 *   inline: the label stands before it; bare: the label is for screen readers only.
 */
export function Select({ label, options, value, choose, inline = false, bare = false, title }) {
  const id = useId();
  return html`<div class=${inline || bare ? "field field-inline" : "field"} title=${title}>
    <label for=${id} class=${bare ? "unseen" : ""}>${label}</label>
    <select id=${id} class="input" value=${value}
      onChange=${(/** @type {any} */ event) => choose(event.currentTarget.value)}>
      ${options.map((option) => html`<option key=${option.value} value=${option.value}
        selected=${option.value === value}>${option.label}</option>`)}
    </select>
  </div>`;
}
