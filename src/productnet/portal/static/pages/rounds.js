// Rounds: what each has learnt, which is in use, and starting the next.
// @ts-check

import { html, useEffect, useState } from "../vendor/preact.js";
import { listRounds, startRound } from "../lib/api.js";
import { useAct } from "../lib/act.js";
import { count, date, duration, number, percent } from "../lib/format.js";
import { on } from "../lib/live.js";
import { useLoad } from "../lib/load.js";
import { href } from "../lib/router.js";
import { can } from "../lib/session.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Select } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { JobView } from "../parts/job.js";
import { Page, Panel } from "../parts/page.js";
import { Dialog } from "../parts/dialog.js";
import { toast } from "../parts/toast.js";

/** @import {RoundDetail, Rounds as All} from "../lib/types.js" */

// What a master model tells apart; with gold in fewer leaves a round is refused.
const LEAST_LEAVES = 2;

/** @param {{query: URLSearchParams}} _props */
export default function Rounds(_props) {
  const { data, problem, reload } = useLoad(listRounds, []);
  const [starting, setStarting] = useState(false);
  useEffect(() => {
    const stops = [on("activated", reload), on("job", (told) => told.kind === "round" && told.id !== data?.jobs[0]?.id && reload())];
    return () => stops.forEach((stop) => stop());
  }, [data?.jobs[0]?.id]);
  const job = data?.jobs[0];
  const running = job?.state === "running";
  const start = can("admin") && html`<button type="button" class="button button-primary" disabled=${!data || running || data.gold_leaves < LEAST_LEAVES}
    onClick=${() => setStarting(true)}><${Icon} name="refresh" size=${16} /> Start a round</button>`;
  return html`<${Page} title="Rounds" lead="A round trains the master model on gold, embeds the pool with it, and recommends categories. People go on meanwhile."
    actions=${data?.items.length ? start : null}>
    ${problem && !data ? html`<${Panel}><${Failure} problem=${problem} retry=${reload} /><//>`
      : !data ? html`<${Panel}><${Skeleton} lines=${7} label="Loading the rounds" /><//>`
      : html`<div class="stack">
          ${job && (running || job.state === "failed" || job.state === "stopped") && html`<${JobView} key=${job.id} job=${job} steps=${data.steps} ended=${reload}
            title=${running ? `Round ${(data.items.find((one) => !one.finished)?.number ?? (data.items[0]?.number ?? 0) + 1)}` : "The last round that was started"} />`}
          ${!data.items.length && !running ? html`<${Panel}><${Empty} icon="refresh" title="No round yet" action=${start}>
              ${data.gold_leaves === 1 ? html`${count(data.gold, "gold product")} of one leaf. A round tells leaves apart: label and audit another.`
                : data.gold ? html`${count(data.gold, "gold product")} of ${count(data.gold_leaves, "leaf", "leaves")} to learn from.`
                : "A round learns from gold: label and audit a few leaves first."}<//><//>`
            : data.items.map((round, at) => !(running && !round.finished) && html`<${Round} key=${round.number} round=${round} before=${data.items[at + 1]} open=${isShown(data, at)} steps=${data.steps} />`)}
        </div>`}
    ${starting && data && html`<${Start} rounds=${data} close=${() => setStarting(false)} started=${() => { setStarting(false); reload(); }} />`}
  <//>`;
}

/** Whether it is the latest round that has figures. @param {All} all @param {number} at */
const isShown = (all, at) => all.items.findIndex((round) => round.learnt) === at;

/** @param {{rounds: All, close: () => void, started: () => void}} props */
function Start({ rounds, close, started }) {
  const { act, busy, problem } = useAct();
  const [preset, setPreset] = useState(rounds.preset);
  const unfinished = rounds.items.find((one) => !one.finished);
  return html`<${Dialog} title=${unfinished ? `Go on with round ${unfinished.number}` : "Start a round"} size="small" close=${close} footer=${html`
    <button type="button" class="button" onClick=${close}>Cancel</button>
    <button type="button" data-focus class="button button-primary" disabled=${busy} onClick=${() =>
      act(() => startRound({ preset }), () => { toast("The round runs. People go on with the one in use."); started(); })}>Start</button>`}>
    <p>${unfinished ? "It was stopped, and goes on with the step it was in." : html`It learns from <b>${number(rounds.gold)}</b> gold products of ${count(rounds.gold_leaves, "leaf", "leaves")}.`}
      ${" "}It runs beside the portal and takes minutes to hours, by the size of the pool.</p>
    <${Select} label="Preset of the master model" value=${preset} choose=${setPreset} options=${rounds.presets.map((name) => ({ value: name, label: name }))} />
    ${problem && html`<p class="refused" role="alert">${problem.detail}</p>`}
  <//>`;
}

/** @param {{round: RoundDetail, before: RoundDetail | undefined, open: boolean, steps: string[]}} props */
function Round({ round, before, open, steps }) {
  const own = round.learnt?.table[0];
  const gain = own && before?.learnt?.table[0] ? own.top1 - before.learnt.table[0].top1 : null;
  const took = Object.values(round.steps).reduce((sum, seconds) => sum + seconds, 0);
  return html`<${Panel} class="round">
    <header class="round-head">
      <div><h2>Round ${round.number} ${round.active && html`<span class="tag tag-good">in use</span>`}
          ${!round.finished && html`<span class="tag tag-warn">${count(Object.keys(round.steps).length, "step")} of ${steps.length} done</span>`}</h2>
        <p class="muted small">${date(round.started_at)}, preset ${round.preset}${round.image ? ` with ${round.image}` : ""}, ${duration(took)}</p></div>
      ${own && html`<dl class="round-numbers">
        <div><dt>Top-1</dt><dd>${percent(own.top1, 1)} ${gain !== null && Math.abs(gain) >= 0.0005 && html`<span class=${gain >= 0 ? "gain" : "loss"}>${gain >= 0 ? "+" : "−"}${Math.abs(100 * gain).toFixed(1)}</span>`}</dd></div>
        <div><dt>Top-5</dt><dd>${percent(own.top5, 1)}</dd></div>
        <div><dt>Macro F1</dt><dd>${own.macro_f1.toFixed(3)}</dd></div>
        <div><dt>Learnt from</dt><dd>${number(own.n_train)}</dd></div>
      </dl>`}
    </header>
    ${!round.finished && html`<p class="muted small round-rest">Not finished: people go on with the round in use. The next one that is started goes on with this.</p>`}
    ${round.fault && html`<p class="refused">${round.fault}</p>`}
    ${round.learnt && html`<details class="round-more" open=${open}>
      <summary class="small">Table 1, confused leaves, time</summary>
      <div class="round-parts">
        <div class="scroll"><table class="table"><caption class="unseen">How well models find the leaf of ${number(own?.n_test ?? 0)} test products</caption>
          <thead><tr><th>Model</th><th class="number">Top-1</th><th class="number">Top-3</th><th class="number">Top-5</th><th class="number">Macro F1</th><th class="number">Trained in</th></tr></thead>
          <tbody>${round.learnt.table.map((row, at) => html`<tr key=${row.name} class=${at === 0 ? "own" : ""}><td>${row.name}</td>
            <td class="number">${percent(row.top1, 1)}</td><td class="number">${percent(row.top3, 1)}</td><td class="number">${percent(row.top5, 1)}</td>
            <td class="number">${row.macro_f1.toFixed(3)}</td><td class="number">${duration(row.seconds)}</td></tr>`)}</tbody></table>
          <p class="muted small round-rest">On ${number(own?.n_test ?? 0)} gold products kept apart. Its confidence is off by ${percent(round.learnt.ece, 1)} in the mean.</p></div>
        <div><h3>Most confused</h3>
          ${round.learnt.confused.length ? html`<ul class="confused">${round.learnt.confused.slice(0, 6).map((pair) => html`<li key=${pair.truth + pair.predicted}>
            <a href=${href("/leaf", { id: pair.truth })}><bdi>${pair.truth_name}</bdi></a> <span class="muted">taken for</span>
            <a href=${href("/leaf", { id: pair.predicted })}><bdi>${pair.predicted_name}</bdi></a> <span class="muted small push">${pair.count} (${percent(pair.share)})</span></li>`)}</ul>`
            : html`<p class="muted small">Nothing was.</p>`}</div>
      </div>
      <p class="muted small">${Object.entries(round.steps).map(([step, seconds]) => `${step} ${duration(seconds)}`).join(" · ")}</p>
    </details>`}
  <//>`;
}
