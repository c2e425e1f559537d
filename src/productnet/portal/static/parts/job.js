// Long work in sight: how far it is, its last words, and a way to stop it.
// @ts-check

import { html, useEffect, useState } from "../vendor/preact.js";
import { cancelJob, getJob } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { ago, duration, number } from "../lib/format.js";
import { on } from "../lib/live.js";
import { can } from "../lib/session.js";
import { Confirm } from "./dialog.js";
import { Icon } from "./icon.js";

/** @import {Job} from "../lib/types.js" */

/** Milliseconds between two looks at what runs: the log's end is not in the events. */
const LOOK_AGAIN = 4000;

const STATES = {
  running: { tone: "tag-accent", words: "running" },
  done: { tone: "tag-good", words: "done" },
  failed: { tone: "tag-bad", words: "failed" },
  stopped: { tone: "", words: "stopped" },
};

/** What is left of work that is stopped. @type {Record<string, string>} */
const STOPPED = {
  round: "The round goes on with the step it was in when it is started again.",
  release: "Nothing of the release is kept.",
  inspection: "What was found the last time stays.",
};

/**
 * @param {{job: Job, title: string, steps?: string[], ended: () => void}} props
 *   steps: of this kind of work, in order; ended: called when it is over.
 */
export function JobView({ job: given, title, steps = [], ended }) {
  const [job, setJob] = useState(given);
  const [asked, setAsked] = useState(false);
  const { act, busy, problem } = useAct();
  const running = job.state === "running";
  useEffect(() => setJob(given), [given.id, given.state]);
  useEffect(() => {
    if (!running) return undefined;
    const look = () => getJob(job.id).then((fresh) => {
      setJob(fresh);
      if (fresh.state !== "running") ended();
    }, () => {});
    const stop = on("job", (/** @type {Partial<Job>} */ told) => {
      if (told.id !== job.id) return;
      if (told.state === "running") setJob((was) => ({ ...was, ...told }));
      else look();
    });
    const clock = setInterval(look, LOOK_AGAIN);
    return () => {
      stop();
      clearInterval(clock);
    };
  }, [job.id, running]);
  const at = job.step ? steps.indexOf(job.step) : -1;
  const seconds = (Date.parse(job.finished_at ?? new Date().toISOString()) - Date.parse(job.started_at)) / 1000;
  return html`<section class="panel job job-${job.state}" aria-label=${title}>
    <header class="job-head">
      <h2>${title}</h2>
      <span class="tag ${STATES[job.state].tone}">${STATES[job.state].words}</span>
      <span class="muted small">started ${ago(job.started_at)}${job.person ? html` by <bdi>${job.person}</bdi>` : ""}, ${running ? "for" : "took"} ${duration(seconds)}</span>
      ${running && can("admin") && html`<button type="button" class="button button-small push" disabled=${busy} onClick=${() => setAsked(true)}>Stop</button>`}
    </header>
    ${steps.length > 0 && html`<ol class="steps">${steps.map((step, place) => {
      const state = job.state === "done" || place < at ? "past" : place === at && running ? "now" : place === at ? "broken" : "";
      return html`<li key=${step} class="step step-${state}" aria-current=${state === "now" ? "step" : undefined}>
        <span class="step-mark">${state === "past" ? html`<${Icon} name="yes" size=${12} />` : state === "broken" ? html`<${Icon} name="close" size=${12} />` : ""}</span>${step}
        ${state === "past" && html`<span class="unseen">: done</span>`}</li>`;
    })}</ol>`}
    ${running && html`<div class="job-now">
      <p class="small job-words" role="status">${job.message ?? (job.step ? "Working…" : "Starting…")}</p>
      <progress class="job-bar" aria-label="Progress of ${job.message ?? job.step ?? title}" max=${job.total ?? undefined} value=${job.total ? job.done : undefined} />
      <span class="muted small">${job.total ? `${number(job.done)} of ${number(job.total)}` : ""}</span>
    </div>`}
    ${job.state === "failed" && html`<p class="refused">${job.message}</p>`}
    ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
    ${job.log?.trim() && html`<details class="job-log"><summary class="small">What it printed</summary>
      <pre tabindex="0" aria-label="The end of the log">${job.log}</pre></details>`}
    ${asked && html`<${Confirm} title="Stop it?" yes="Stop" danger close=${() => setAsked(false)}
      run=${() => act(() => cancelJob(job.id), (stopped) => { setJob(stopped); ended(); })}>
      <p>${STOPPED[job.kind] ?? "Nothing of it is kept."}</p><//>`}
  </section>`;
}
