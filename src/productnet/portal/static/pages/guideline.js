// Writing what belongs in a leaf: three lists and a definition, beside what labelers will read.
// @ts-check

import { html, useEffect, useState } from "../vendor/preact.js";
import { getLeaf, putGuideline } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { useLoad } from "../lib/load.js";
import { href } from "../lib/router.js";
import { Failure, Skeleton } from "../parts/empty.js";
import { TextArea } from "../parts/field.js";
import { GuidelineText } from "../parts/guideline.js";
import { Icon } from "../parts/icon.js";
import { Page, Panel } from "../parts/page.js";
import { toast } from "../parts/toast.js";

/** @import {Guideline, Leaf} from "../lib/types.js" */

/** The lists as they are typed: one a line. @typedef {{definition: string, include: string, exclude: string, examples: string}} Draft */

/** What was typed and not saved, by leaf: a link followed by mistake loses nothing. @type {Map<string, {draft: Draft, version: string}>} */
const unsaved = new Map();

const LONGEST = { definition: 4000, line: 500, lines: 100 };

/** @param {{query: URLSearchParams}} props */
export default function GuidelinePage({ query }) {
  const id = query.get("id") ?? "";
  const { data, problem, reload } = useLoad(() => getLeaf(id), [id]);
  const back = html`<a class="button" href=${data?.leaf ? href("/leaf", { id }) : "/"}><${Icon} name="left" />
    ${data?.leaf ? "To the leaf" : "To the leaves"}</a>`;
  if (problem && !data) {
    return html`<${Page} title="Guideline"><${Failure} problem=${problem} retry=${reload} more=${html`<a class="button" href="/">To the leaves</a>`} /><//>`;
  }
  if (!data) return html`<${Page} title="Guideline"><${Skeleton} lines=${8} /><//>`;
  return html`<${Page} title="Guideline" lead=${html`<bdi>${data.path.join(" › ")}</bdi>`} actions=${back}>
    <${Editor} key=${data.id} leaf=${data} />
  <//>`;
}

/** @param {{leaf: Leaf}} props */
function Editor({ leaf }) {
  const kept = unsaved.get(leaf.id);
  const [stored, setStored] = useState(leaf);
  const [draft, setDraft] = useState(kept?.draft ?? asDraft(leaf.guideline));
  // What was typed rests on what was read then, however long ago that was.
  const [version, setVersion] = useState(kept?.version ?? leaf.guideline_version);
  const { act, busy, problem, clear } = useAct();
  const changed = !same(asGuideline(draft), stored.guideline) || stored.guideline_fault !== null;
  const faults = faultsOf(draft);
  const refused = problem?.status === 409 || version !== stored.guideline_version;

  useEffect(() => {
    if (changed) unsaved.set(leaf.id, { draft, version });
    else unsaved.delete(leaf.id);
    const warn = (/** @type {BeforeUnloadEvent} */ event) => changed && event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [changed, draft, version]);

  const put = (/** @type {keyof Draft} */ key) => (/** @type {any} */ event) => {
    const value = event.currentTarget.value;
    setDraft((was) => ({ ...was, [key]: value }));
  };
  const save = () => {
    if (!changed || refused || Object.keys(faults).length) return;
    void act(async () => {
      try {
        await putGuideline(leaf.id, { version, ...asGuideline(draft) });
      } catch (error) {
        // Theirs is shown beside what was typed here.
        if (/** @type {any} */ (error).status === 409) setStored(await getLeaf(leaf.id));
        throw error;
      }
      return getLeaf(leaf.id);
    }, (fresh) => {
      unsaved.delete(leaf.id);
      setStored(fresh);
      setVersion(fresh.guideline_version);
      setDraft(asDraft(fresh.guideline));
      toast("Saved. Whoever has the leaf open reads it now.", { tone: "good" });
    });
  };
  const over = () => {
    clear();
    setVersion(stored.guideline_version);
  };
  const takeTheirs = () => {
    over();
    setDraft(asDraft(stored.guideline));
  };
  return html`<form class="guideline-page" onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); save(); }}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      save();
    }}>
    <${Panel} class="guideline-form">
      ${stored.guideline_fault && html`<p class="notice notice-warn" role="status"><${Icon} name="warning" />
        <span>What is on disk cannot be read: <bdi>${stored.guideline_fault}</bdi> Saving replaces it.</span></p>`}
      <${TextArea} label="Definition" rows=${2} maxlength=${LONGEST.definition} value=${draft.definition} onInput=${put("definition")}
        help="One or two sentences: what the product is for." />
      <${TextArea} label="Belongs" rows=${3} value=${draft.include} onInput=${put("include")} problem=${faults.include}
        help="Kinds that belong, also when one might doubt it. One a line." />
      <${TextArea} label="Does not" rows=${3} value=${draft.exclude} onInput=${put("exclude")} problem=${faults.exclude}
        help="Kinds that do not, and where they go instead. One a line." />
      <${TextArea} label="Typical" rows=${3} value=${draft.examples} onInput=${put("examples")} problem=${faults.examples}
        help="Titles of typical products. One a line." />
      ${refused ? html`<${Conflict} over=${over} takeTheirs=${takeTheirs} />`
        : problem && html`<p class="notice notice-warn" role="alert"><${Icon} name="warning" />
            <span>Not saved: ${problem.detail} What you wrote is still here.</span></p>`}
      <div class="row guideline-foot">
        <span class="muted small" role="status">${busy ? "Saving" : changed ? "Not saved yet" : "All saved"}</span>
        <button type="button" class="button push" disabled=${!changed || busy} onClick=${takeTheirs}>Discard</button>
        <button type="submit" class="button button-primary" disabled=${!changed || busy || refused || Object.keys(faults).length > 0}>
          Save <kbd class="tab-key">Ctrl + Enter</kbd></button>
      </div>
    <//>
    <div class="guideline-beside stack">
      <${Panel} title="What labelers read">
        <${GuidelineText} guideline=${asGuideline(draft)} />
      <//>
      ${refused && html`<${Panel} title="What somebody else has saved" class="guideline-theirs">
        <${GuidelineText} guideline=${stored.guideline} fault=${stored.guideline_fault} /><//>`}
    </div>
  </form>`;
}

/** @param {{over: () => void, takeTheirs: () => void}} props */
function Conflict({ over, takeTheirs }) {
  return html`<div class="notice notice-warn guideline-conflict" role="alert"><${Icon} name="warning" />
    <div><p><b>Somebody else has changed this guideline since you opened it.</b> Nothing is saved yet, and nothing is lost:
        theirs is shown beside yours. Take over what you want from it.</p>
      <div class="row"><button type="button" class="button button-small" onClick=${over}>Mine is complete: save over theirs</button>
        <button type="button" class="button button-small" onClick=${takeTheirs}>Drop mine, go on with theirs</button></div></div>
  </div>`;
}

/** @param {Guideline} guideline @returns {Draft} */
function asDraft({ definition, include, exclude, examples }) {
  return { definition, include: include.join("\n"), exclude: exclude.join("\n"), examples: examples.join("\n") };
}

/** @param {Draft} draft @returns {Guideline} */
function asGuideline({ definition, include, exclude, examples }) {
  return { definition: definition.trim(), include: linesOf(include), exclude: linesOf(exclude), examples: linesOf(examples) };
}

/** @param {string} text */
const linesOf = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/** @param {Guideline} one @param {Guideline} other */
const same = (one, other) => JSON.stringify(asDraft(one)) === JSON.stringify(asDraft(other));

/** What is too long to be read beside candidates, by box. @param {Draft} draft @returns {Partial<Record<keyof Draft, string>>} */
function faultsOf(draft) {
  /** @type {Partial<Record<keyof Draft, string>>} */
  const faults = {};
  for (const key of /** @type {const} */ (["include", "exclude", "examples"])) {
    const lines = linesOf(draft[key]);
    const long = lines.find((line) => line.length > LONGEST.line);
    if (lines.length > LONGEST.lines) faults[key] = `${lines.length} lines; at most ${LONGEST.lines} are read by anybody.`;
    else if (long) faults[key] = `“${long.slice(0, 30)}…” has ${long.length} characters; at most ${LONGEST.line}.`;
  }
  return faults;
}
