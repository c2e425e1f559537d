// What a person could do next, as a list: leaves to label or audit, disputes to settle.
// @ts-check

import { html } from "../vendor/preact.js";
import { getQueue } from "../lib/api.js";
import { count } from "../lib/format.js";
import { useLoad } from "../lib/load.js";
import { href } from "../lib/router.js";
import { session } from "../lib/session.js";
import { Empty, Failure, Skeleton } from "./empty.js";
import { Icon } from "./icon.js";
import { Bar } from "./meter.js";
import { Panel } from "./page.js";

/** @import {QueueItem, Task} from "../lib/types.js" */

/** @type {Record<Task, {title: string, note: string, page: string, by: string, empty: string}>} */
const TASKS = {
  label: { title: "To label", note: "Say which products belong to the leaf.", page: "/leaf", by: "id",
    empty: "Every leaf has reached its target or is in somebody's hands. Pick any other leaf of the tree." },
  audit: { title: "To audit", note: "Answer again what others labelled, without seeing their answer.",
    page: "/audit", by: "leaf", empty: "Nothing waits for an audit that you did not label yourself." },
  adjudicate: { title: "Disputes", note: "Settle what labeler and auditor answered differently.",
    page: "/disputes", by: "leaf", empty: "No dispute is open." },
};

/** Where there is one person only, nothing ever waits for a second one. @param {Task} task */
function nothing(task) {
  const alone = session.value?.mode === "single" && task !== "label";
  if (!alone) return TASKS[task].empty;
  return html`You are alone here, and nobody audits or settles their own answers. Make accounts for others
    under <a href="/people">People</a>, or with <code>productnet people add NAME --role auditor</code>.`;
}

/** @param {{task: Task, most?: number}} props */
export function Queue({ task, most = 12 }) {
  const { title, note } = TASKS[task];
  const { data, problem, reload } = useLoad(() => getQueue(task, most), [task]);
  return html`<${Panel} title=${title} note=${note}>
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<${Skeleton} lines=${4} label="Loading the queue" />`
      : !data.items.length ? html`<${Empty} icon="yes" title="Nothing to do here">${nothing(task)}<//>`
      : html`<ul class="queue">
          ${data.items.map((item) => html`<${Item} key=${item.leaf} item=${item} task=${task} />`)}
        </ul>
`}
  <//>`;
}

/** @param {{item: QueueItem, task: Task}} props */
function Item({ item, task }) {
  const { page, by } = TASKS[task];
  const target = session.value?.targets.positives ?? 0;
  return html`<li>
    <a class="queue-item" href=${href(page, { [by]: item.leaf })}>
      <span class="queue-words">
        <span class="queue-name"><bdi>${item.name}</bdi>
          ${item.assigned && html`<span class="tag tag-accent">yours</span>`}</span>
        <span class="muted small clip"><bdi>${item.path.slice(0, -1).join(" › ")}</bdi></span>
      </span>
      <span class="queue-why muted small">${item.why}</span>
      <span class="queue-meter">${task === "label" && target > 0 && item.progress && html`
        <span class="small number">${item.progress.gold} <span class="muted">of ${target}</span></span>
        <${Bar} label="Gold" target=${target} parts=${[{ value: item.progress.gold, kind: "gold" },
          { value: item.progress.to_audit, kind: "audit" }]} />`}
        ${task !== "label" && html`<span class="small number">${count(item.waiting, "product")}</span>`}</span>
      <${Icon} name="right" />
    </a>
  </li>`;
}
