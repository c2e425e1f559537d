// Where candidates come from: the seven sources as tabs, and what each of them can be told.
// @ts-check

import { html, useRef, useState } from "../../vendor/preact.js";
import { label } from "../../lib/format.js";
import { keyName } from "../../lib/keys.js";
import { pageSize, pictureSize, pref } from "../../lib/prefs.js";
import { session } from "../../lib/session.js";
import { Select } from "../../parts/field.js";
import { Icon } from "../../parts/icon.js";
import { Tabs } from "../../parts/tabs.js";
import { toast } from "../../parts/toast.js";

/** @import {Wish} from "./candidate_pages.js" */

/** What the person asks for; kept apart for each source, so that going back finds it again.
 * @typedef {object} Asked
 * @property {string} source
 * @property {string} wants
 * @property {{query: string, fields: string[]}} keyword
 * @property {Adhoc} adhoc
 *
 * @typedef {{ids?: string, text?: string, image_url?: string, image_base64?: string}} Adhoc
 */

export const modelKind = pref("modelKind", "");
const wanted = pref("wants", "positives");

/** @returns {Asked} */
export const asked = () => ({
  source: "mixed", wants: wanted.peek(), keyword: { query: "", fields: [] }, adhoc: {},
  ...selected(),
});

/** Products selected elsewhere, such as on the map, when the address says so. */
function selected() {
  if (new URLSearchParams(location.search).get("from") !== "selection") return {};
  try {
    /** @type {string[]} */
    const ids = JSON.parse(sessionStorage.getItem("productnet.selection") ?? "[]");
    return ids.length ? { source: "adhoc", adhoc: { ids: ids.join("\n") } } : {};
  } catch {
    return {};
  }
}

/** What to send; null while it is not complete. @param {Asked} asked @returns {Wish | null} */
export function wishOf({ source, wants, keyword, adhoc }) {
  const model = modelKind.value || undefined;
  if (source === "active") return { source, ask: wants, ...(model && { model }) };
  if (source === "keyword") {
    const query = keyword.query.trim();
    return { source, ...(query && { query }), ...(keyword.fields.length && { fields: keyword.fields }) };
  }
  if (source === "adhoc") return Object.keys(adhoc).length ? { source, ...adhoc } : null;
  return { source };
}

const WANTS = [
  { id: "positives", label: "Likely yes", help: "What the local model is surest belongs here" },
  { id: "negatives", label: "Likely no", help: "What it is surest does not, hardest first" },
  { id: "ambiguous", label: "Ambiguous", help: "What it can tell least" },
];

/** @param {{asked: Asked, ask: (change: Partial<Asked>) => void}} props */
export function Sources({ asked, ask }) {
  const sources = session.value?.sources ?? [];
  const models = session.value?.local_models ?? [];
  const { source } = asked;
  return html`<div class="sources">
    <div class="sources-line">
      <${Tabs} label="Source of candidates" panel="candidates" chosen=${source} choose=${(/** @type {string} */ id) => ask({ source: id })}
        tabs=${sources.map(({ name, help }, at) => ({
          id: name, label: label(name), help: sentence(help), dot: `dot-${name}`, key: keyName(`source-${at + 1}`),
        }))} />
      <div class="row sources-taste push">
        <${Select} bare label="Candidates on a page" value=${String(pageSize.value)} choose=${(/** @type {string} */ size) => { pageSize.value = Number(size); }}
          options=${[10, 20, 30, 50, 100].map((size) => ({ value: String(size), label: `${size} a page` }))} />
        <${Select} bare label="Size of pictures" value=${pictureSize.value} choose=${(/** @type {string} */ size) => { pictureSize.value = size; }}
          options=${["small", "medium", "large"].map((size) => ({ value: size, label: label(size) }))} />
      </div>
    </div>
    ${source === "active" && html`<div class="sources-options">
      <${Tabs} small label="What the local model is asked for" tabs=${WANTS} chosen=${asked.wants}
        choose=${(/** @type {string} */ wants) => { wanted.value = wants; ask({ wants }); }} />
      <${Select} inline label="Local model" value=${modelKind.value || models[0]?.name || ""}
        title=${models.find((one) => one.name === (modelKind.value || models[0]?.name))?.help}
        choose=${(/** @type {string} */ kind) => { modelKind.value = kind; ask({}); }}
        options=${models.map(({ name }) => ({ value: name, label: label(name) }))} />
    </div>`}
    ${source === "keyword" && html`<${Keyword} asked=${asked.keyword} ask=${ask} />`}
    ${source === "adhoc" && html`<${AdhocForm} ask=${ask} />`}
  </div>`;
}

/** @param {string} help */
const sentence = (help) => help.charAt(0).toUpperCase() + help.slice(1);

/** @param {{asked: Asked["keyword"], ask: (change: Partial<Asked>) => void}} props */
function Keyword({ asked, ask }) {
  const [query, setQuery] = useState(asked.query);
  const fields = session.value?.text_fields ?? [];
  const toggle = (/** @type {string} */ name, /** @type {boolean} */ on) =>
    ask({ keyword: { query, fields: on ? [...asked.fields, name] : asked.fields.filter((one) => one !== name) } });
  return html`<form class="sources-options" role="search" onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      ask({ keyword: { ...asked, query } });
      // The keys are for answering again.
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    }}>
    <label class="search-box"><${Icon} name="search" size=${16} /><span class="unseen">Words to search for</span>
      <input data-search class="input" type="search" value=${query} placeholder="Words; empty: the leaf's own name"
        onInput=${(/** @type {any} */ event) => setQuery(event.currentTarget.value)} /></label>
    <button class="button">Search</button>
    ${fields.length > 0 && html`<fieldset class="row sources-fields"><legend class="unseen">Fields to search in</legend>
      <span class="muted small" aria-hidden="true">in</span>
      ${fields.map((name) => html`<label key=${name} class="check small"><input type="checkbox" checked=${asked.fields.includes(name)}
        onChange=${(/** @type {any} */ event) => toggle(name, event.currentTarget.checked)} />${label(name)}</label>`)}
      <span class="muted small">${asked.fields.length ? "" : "(none ticked: all)"}</span>
    </fieldset>`}
  </form>`;
}

/** @type {Record<string, string>} */
const ADHOC = {
  image: "Find what looks like it",
  url: "Find what looks like it",
  ids: "Show these products",
  text: "Find what reads like it",
};

/** @param {{ask: (change: Partial<Asked>) => void}} props */
function AdhocForm({ ask }) {
  const [text, setText] = useState("");
  const [picture, setPicture] = useState(/** @type {{url: string, base64: string} | null} */ (null));
  const [over, setOver] = useState(false);
  const file = useRef(/** @type {HTMLInputElement | null} */ (null));
  const take = async (/** @type {Blob | null | undefined} */ blob) => {
    if (!blob) return;
    if (!blob.type.startsWith("image/")) {
      toast(`That is not an image (${blob.type || "no type"}). Drop a JPEG, PNG or WebP.`, { tone: "bad" });
      return;
    }
    setPicture({ url: URL.createObjectURL(blob), base64: await base64(blob) });
  };
  const words = text.trim();
  const kind = picture ? "image" : kindOf(words);
  const submit = (/** @type {string} */ what) => {
    ask({ adhoc: asks[what]?.() ?? {} });
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  };
  /** @type {Record<string, () => Adhoc>} */
  const asks = {
    image: () => ({ image_base64: picture?.base64 ?? "" }),
    url: () => ({ image_url: words }),
    ids: () => ({ ids: words }),
    text: () => ({ text: words }),
  };
  return html`<form class="adhoc ${over ? "adhoc-over" : ""}"
    onSubmit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      if (kind) submit(kind);
    }}
    onDragOver=${(/** @type {DragEvent} */ event) => { event.preventDefault(); setOver(true); }}
    onDragLeave=${() => setOver(false)}
    onDrop=${(/** @type {DragEvent} */ event) => {
      event.preventDefault();
      setOver(false);
      const dropped = event.dataTransfer?.files[0];
      if (dropped) void take(dropped);
      else setText(event.dataTransfer?.getData("text/plain") ?? "");
    }}
    onPaste=${(/** @type {ClipboardEvent} */ event) => {
      const pasted = [...(event.clipboardData?.files ?? [])][0];
      if (pasted) { event.preventDefault(); void take(pasted); }
    }}>
    ${picture ? html`<div class="adhoc-picture"><img src=${picture.url} alt="The image to look for" />
        <button type="button" class="button button-small" onClick=${() => setPicture(null)}><${Icon} name="close" size=${14} /> Take away</button></div>`
      : html`<textarea data-search class="input" rows="2" value=${text} aria-label="Ids, words or an image address"
        placeholder="Paste product ids, words, or the address of an image; or drop an image here"
        onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && kind) submit(kind);
        }} />`}
    <div class="adhoc-side">
      <input ref=${file} type="file" accept="image/*" class="unseen" tabindex="-1" aria-label="Image file"
        onChange=${(/** @type {any} */ event) => take(event.currentTarget.files[0])} />
      <button type="button" class="button" onClick=${() => file.current?.click()}><${Icon} name="image" /> Choose an image</button>
      ${kind === "ids" || kind === "text" ? [kind, kind === "ids" ? "text" : "ids"].map((each, at) => html`
          <button key=${each} type=${at ? "button" : "submit"} class="button ${at ? "" : "button-primary"}"
            onClick=${at ? () => submit(each) : undefined}>${ADHOC[each]}</button>`)
        : html`<button class="button button-primary" disabled=${!kind}>${ADHOC[kind ?? "text"]}</button>`}
    </div>
  </form>`;
}

/** What was probably typed: an image's address, product ids (each with a digit), or words.
 * @param {string} words */
function kindOf(words) {
  if (!words) return null;
  if (/^https?:\/\/\S+$/i.test(words)) return "url";
  const parts = words.split(/[\s,;]+/);
  return parts.every((part) => /\d/.test(part) && part.length >= 2) ? "ids" : "text";
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^data:[^,]*,/, ""));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
