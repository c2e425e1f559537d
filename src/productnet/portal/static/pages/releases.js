// Releases: gold as a dataset, made, listed and fetched.
// @ts-check

import { html, useEffect, useState } from "../vendor/preact.js";
import { listReleases, releaseArchive, releaseFile, startRelease } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { count, date, number, size } from "../lib/format.js";
import { on } from "../lib/live.js";
import { useLoad } from "../lib/load.js";
import { Dialog } from "../parts/dialog.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Field } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { JobView } from "../parts/job.js";
import { Page, Panel } from "../parts/page.js";

/** @import {Released} from "../lib/types.js" */

/** @param {{query: URLSearchParams}} _props */
export default function Releases(_props) {
  const { data, problem, reload } = useLoad(listReleases, []);
  const [making, setMaking] = useState(false);
  useEffect(() => on("job", (told) => told.kind === "release" && told.id !== data?.jobs[0]?.id && reload()), [data?.jobs[0]?.id]);
  const job = data?.jobs[0];
  const running = job?.state === "running";
  const make = html`<button type="button" class="button button-primary" disabled=${!data?.gold || running} onClick=${() => setMaking(true)}>
    <${Icon} name="plus" size=${16} /> Make a release</button>`;
  return html`<${Page} title="Releases" lead="A release is gold as a dataset that never changes: Parquet with images, splits, a card and a manifest of hashes."
    actions=${data?.items.length ? make : null}>
    ${problem && !data ? html`<${Panel}><${Failure} problem=${problem} retry=${reload} /><//>`
      : !data ? html`<${Panel}><${Skeleton} lines=${6} label="Loading the releases" /><//>`
      : html`<div class="stack">
          ${job && job.state !== "done" && html`<${JobView} key=${job.id} job=${job} title="Release ${job.arguments.version ?? ""}" ended=${reload} />`}
          ${data.broken.map((one) => html`<p key=${one.version} class="notice notice-warn"><${Icon} name="warning" size=${16} /><span>${one.fault}</span></p>`)}
          ${!data.items.length && !running ? html`<${Panel}><${Empty} icon="copies" title="No release yet" action=${data.gold ? make : null}>
              ${data.gold ? `It would hold ${count(data.gold, "gold product")}.` : "There is no gold to release yet: label and audit a few leaves first."}<//><//>`
            : data.items.map((one) => html`<${Release} key=${one.version} release=${one} />`)}
        </div>`}
    ${making && data && html`<${Make} latest=${data.items[0]?.version} gold=${data.gold} close=${() => setMaking(false)} started=${() => { setMaking(false); reload(); }} />`}
  <//>`;
}

/** @param {{release: Released}} props */
function Release({ release }) {
  return html`<${Panel} class="round">
    <header class="round-head">
      <div><h2>${release.version}</h2>
        <p class="muted small">Made ${date(release.made_at)}, of decisions until ${date(release.as_of)}</p></div>
      <dl class="round-numbers">
        <div><dt>Gold</dt><dd>${number(release.gold)}</dd></div>
        <div><dt>Hard negatives</dt><dd>${number(release.hard_negatives)}</dd></div>
        <div><dt>Leaves</dt><dd>${number(release.leaves)}</dd></div>
        <div><dt>Size</dt><dd>${size(release.bytes)}</dd></div>
      </dl>
      <a class="button" href=${releaseArchive(release.version)} download><${Icon} name="download" size=${16} /> Download all</a>
    </header>
    <details class="round-more"><summary class="small">${count(release.files.length + 1, "file")}</summary>
      <div class="scroll"><table class="table"><thead><tr><th>File</th><th class="number">Rows</th><th class="number">Size</th><th>SHA-256</th><th><span class="unseen">Download</span></th></tr></thead>
        <tbody>${[...release.files, { path: "manifest.json", rows: null, bytes: null, sha256: "" }].map((file) => html`<tr key=${file.path}>
          <td><code>${file.path}</code></td><td class="number">${file.rows === null ? "" : number(file.rows)}</td>
          <td class="number">${file.bytes === null ? "" : size(file.bytes)}</td><td>${file.sha256 && html`<code class="small" title=${file.sha256}>${file.sha256.slice(0, 12)}</code>`}</td>
          <td class="number"><a class="button button-small" href=${releaseFile(release.version, file.path)} download aria-label="Download ${file.path}">Download</a></td></tr>`)}</tbody></table></div>
    </details>
  <//>`;
}

/** @param {{latest: string | undefined, gold: number, close: () => void, started: () => void}} props */
function Make({ latest, gold, close, started }) {
  const { act, busy, problem } = useAct();
  const submit = (/** @type {any} */ event) => {
    event.preventDefault();
    const version = String(new FormData(event.currentTarget).get("version")).trim();
    act(() => startRelease(version), started);
  };
  return html`<${Dialog} title="Make a release" size="small" close=${close} footer=${html`
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="submit" form="make-release" class="button button-primary" disabled=${busy}>Make it</button>`}>
    <form id="make-release" class="form" onSubmit=${submit}>
      <p>It holds <b>${number(gold)}</b> gold products as they are now, with the hard negatives of their leaves.</p>
      <${Field} label="Version" name="version" required data-focus defaultValue=${next(latest)} spellcheck=${false} autocomplete="off"
        help="A semantic version, such as 1.1.0. It cannot be changed or used again." problem=${problem?.detail} />
    </form>
  <//>`;
}

/** The version after the latest one: more of the same. @param {string | undefined} latest */
function next(latest) {
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(latest ?? "") ?? [];
  return major === undefined ? "1.0.0" : `${major}.${Number(minor) + 1}.0`;
}
