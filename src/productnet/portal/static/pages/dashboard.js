// The dashboard: how much is done, how well people agree, how fast they are, what needs a look.
// @ts-check

import { html, useState } from "../vendor/preact.js";
import { getDashboard, listLeafQuality } from "../lib/api.js";
import { count, date, number, percent } from "../lib/format.js";
import { useFresh, useLoad } from "../lib/load.js";
import { go, href } from "../lib/router.js";
import { Chart, Figure, Interval } from "../parts/chart.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Select } from "../parts/field.js";
import { Icon } from "../parts/icon.js";
import { More, useMore } from "../parts/more.js";
import { Page, Panel } from "../parts/page.js";
import { Tabs } from "../parts/tabs.js";

/** @import {Dashboard as All, LeafRow, Worker} from "../lib/types.js" */

/** Milliseconds between two looks while people answer. */
const CALM = 10_000;
const DAY = 86_400_000;

const VIEWS = [
  { id: "project", label: "Project", help: "What is done, day by day" },
  { id: "people", label: "People", help: "Agreement, precision and speed of each" },
  { id: "leaves", label: "Leaves", help: "Leaves that need attention, and those people confuse" },
  { id: "model", label: "Model", help: "Accuracy of the master model, round by round" },
];

const short = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });

/** @param {{query: URLSearchParams}} props */
export default function Dashboard({ query }) {
  const days = Number(query.get("days")) || 30;
  const view = VIEWS.some(({ id }) => id === query.get("view")) ? query.get("view") ?? "project" : "project";
  const { data, problem, reload } = useLoad(() => getDashboard(days), [days]);
  useFresh(["progress", "activated"], reload, CALM);
  const turn = (/** @type {Record<string, string>} */ changes) =>
    go(href("/dashboard", { view, days, ...changes }), { replace: true });
  return html`<${Page} title="Dashboard" actions=${html`${view === "project" && html`<${Select} inline bare label="Days to look back" value=${String(days)} choose=${(/** @type {string} */ value) => turn({ days: value })}
        options=${[["14", "2 weeks"], ["30", "30 days"], ["90", "90 days"], ["365", "a year"]].map(([value = "", label = ""]) => ({ value, label }))} />`}
      <${Tabs} label="Parts of the dashboard" panel="dashboard" tabs=${VIEWS} chosen=${view} choose=${(/** @type {string} */ id) => turn({ view: id })} />`}>
    <div id="dashboard" class="stack" role="tabpanel" aria-label=${VIEWS.find(({ id }) => id === view)?.label}>
      ${problem && !data ? html`<${Panel}><${Failure} problem=${problem} retry=${reload} /><//>`
        : !data ? html`<${Panel}><${Skeleton} lines=${3} label="Loading the dashboard" /><//><${Panel}><${Skeleton} lines=${8} /><//>`
        : !data.decisions && view !== "model" ? html`<${Panel}><${Empty} title="Nothing is answered yet"
            action=${html`<a class="button button-primary" href="/">To the leaves</a>`}>With the first answers, numbers appear here.<//><//>`
        : view === "people" ? html`<${PeopleView} all=${data} />`
        : view === "leaves" ? html`<${LeavesView} all=${data} />`
        : view === "model" ? html`<${ModelView} all=${data} />`
        : html`<${ProjectView} all=${data} more=${() => turn({ view: "leaves" })} />`}
    </div>
  <//>`;
}

/** @param {number | null} kappa */
const kappaOf = (kappa) => (kappa === null ? "–" : kappa.toFixed(2));
/** @param {number | null} seconds */
const secondsOf = (seconds) => (seconds === null ? "–" : `${seconds.toFixed(1)} s`);

/** @param {{all: All, more: () => void}} props */
function ProjectView({ all, more }) {
  const labels = all.days.map(({ day }) => short.format(new Date(day)));
  const gold = all.days.reduce((sum, day) => sum + day.gold, 0);
  const decisions = all.days.reduce((sum, day) => sum + day.decisions, 0);
  const seconds = all.days.map((day) => (day.decisions ? day.seconds / day.decisions : null));
  const best = all.days.reduce((top, day) => (day.gold > top.gold ? day : top), /** @type {All["days"][0]} */ (all.days[0]));
  const flagged = all.people.filter((one) => one.flags.length);
  const last = all.days.at(-1)?.day;
  // The server ends the days with the last answer where nobody has answered for so long.
  const past = last !== undefined && Date.now() - Date.parse(last) > all.days.length * DAY;
  return html`
    ${past && html`<p class="notice" role="status"><${Icon} name="waiting" /><span>Nobody has answered in the last
      ${" "}${number(all.days.length)} days. These are the days up to the last answer, on ${date(last)}.</span></p>`}
    <${Panel}><dl class="figures">
      <${Figure} label="Gold" value=${number(all.gold)} note=${`${number(gold)} in ${all.days.length} days`} help="Products confirmed or settled, of all leaves" />
      <${Figure} label="Answers" value=${number(all.decisions)} note=${`${number(decisions)} in ${all.days.length} days`} />
      <${Figure} label="Audits confirm" value=${all.precision.share === null ? "–" : percent(all.precision.share, 1)}
        note=${all.precision.share === null ? "no audit yet" : `${percent(all.precision.low, 0)}–${percent(all.precision.high, 0)} of ${number(all.precision.of)} positives`}
        help="Labelled positives that the audit confirmed, with the 95% interval of Wilson" />
      <${Figure} label="Agreement" value=${all.agreement.agreed.share === null ? "–" : percent(all.agreement.agreed.share, 1)}
        note=${all.agreement.agreed.share === null ? "no audit yet" : `κ ${kappaOf(all.agreement.kappa)}, of ${number(all.agreement.agreed.of)} audits`} help="Labels and audits with the same answer; Cohen's kappa: 1 is full agreement, 0 what chance would give" />
      <${Figure} label="An answer takes" value=${secondsOf(all.seconds)} note="median" help="Pauses left out" />
    </dl><//>
    <${Panel}><${Chart} title="Gold by day" labels=${labels} series=${[{ name: "gold", colour: "--gold-fill", values: all.days.map((day) => day.gold) }]}
      words=${gold ? `${number(gold)} products became gold in ${all.days.length} days, the most on ${short.format(new Date(best.day))}: ${number(best.gold)}.` : "Nothing became gold in these days."} /><//>
    <div class="two">
      <${Panel}><${Chart} title="Answers by day" height=${150} labels=${labels} series=${[{ name: "answers", colour: "--cat-1", values: all.days.map((day) => day.decisions) }]}
        words=${`${number(decisions)} answers in ${all.days.length} days.`} /><//>
      <${Panel}><${Chart} title="Seconds an answer takes" note="mean of the day" kind="lines" height=${150} labels=${labels} format=${secondsOf}
        series=${[{ name: "seconds", colour: "--cat-3", values: seconds }]} words=${`Median of all ${secondsOf(all.seconds)}.`} /><//>
    </div>
    ${(all.concerns.length > 0 || flagged.length > 0) && html`<${Panel} title="Needs a look" actions=${all.concerns.length > 5 && html`
        <button type="button" class="button button-small" onClick=${more}>All ${number(all.concerns.length + all.more_concerns)} leaves</button>`}>
      <ul class="looks">
        ${flagged.map((one) => html`<li key=${one.person + one.task}><${Icon} name="person" size=${16} /><span><b><bdi>${one.display_name}</bdi></b> <span class="muted">(${one.task})</span>: ${one.flags.join("; ")}</span></li>`)}
        ${all.concerns.slice(0, 5).map((one) => html`<li key=${one.leaf}><${Icon} name="warning" size=${16} /><span><a href=${href("/leaf", { id: one.leaf })}><bdi>${one.name}</bdi></a>: ${Object.values(one.why).join("; ")}</span></li>`)}
      </ul>
    <//>`}`;
}

/** @type {Record<string, string>} */
const TASKS = { label: "labels", audit: "audits", adjudicate: "settles" };

/** @param {{all: All}} props */
function PeopleView({ all }) {
  const checked = all.people.some((one) => one.checks);
  return html`
    <${Panel} title="People" note="Agreement is with whoever audited their labels, or labelled what they audited.">
      <div class="scroll" tabindex="0" role="region" aria-label="People"><table class="table numbers">
        <thead><tr><th>Person</th><th class="number">Answers</th><th class="number">Unsure</th><th class="number" title="Median, and nine of ten within">Seconds</th>
          <th>Agreement</th><th class="number" title="Cohen's kappa">κ</th><th>Audits confirm</th>${checked && html`<th title="Of products whose answer is known">Check items</th>`}<th>Lately</th></tr></thead>
        <tbody>${all.people.map((one) => html`<${PersonRow} key=${one.person + one.task} one=${one} checked=${checked} />`)}</tbody></table></div>
    <//>
    <${Panel} title="Pairs of people" note="Two who answered for the same products, whichever of them labelled.">
      ${all.pairs.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Pairs of people"><table class="table numbers">
        <thead><tr><th>Pair</th><th class="number">Products</th><th>Agreement</th><th class="number" title="Cohen's kappa">κ</th></tr></thead>
        <tbody>${all.pairs.map((pair) => html`<tr key=${pair.first + " " + pair.second}><td><bdi>${nameOf(all, pair.first)}</bdi> <span class="muted">and</span> <bdi>${nameOf(all, pair.second)}</bdi></td>
          <td class="number">${number(pair.agreement.agreed.of)}</td><td><${Interval} share=${pair.agreement.agreed} /></td><td class="number">${kappaOf(pair.agreement.kappa)}</td></tr>`)}</tbody></table></div>`
        : html`<${Empty} title="No two people met yet">Audits bring a second answer to what was labelled.<//>`}
    <//>`;
}

/** @param {All} all @param {string} name */
const nameOf = (all, name) => all.people.find((one) => one.person === name)?.display_name ?? name;

/** @param {{one: Worker, checked: boolean}} props */
function PersonRow({ one, checked }) {
  return html`<tr>
    <td><b><bdi>${one.display_name}</bdi></b> <span class="muted small">${TASKS[one.task]}</span></td>
    <td class="number">${number(one.decisions)}</td>
    <td class="number">${one.unsure.share === null ? "–" : percent(one.unsure.share, 1)}</td>
    <td class="number">${one.speed.median === null ? "–" : one.speed.median.toFixed(1)} <span class="muted small">${one.speed.p90 === null ? "" : `/ ${one.speed.p90.toFixed(1)}`}</span></td>
    <td><${Interval} share=${one.agreement.agreed} /></td>
    <td class="number">${kappaOf(one.agreement.kappa)}</td>
    <td>${one.task === "label" ? html`<${Interval} share=${one.precision} alarm=${one.precision.of > 0 && one.precision.high < 0.9} />` : html`<span class="muted">–</span>`}</td>
    ${checked && html`<td>${one.checks ? html`<${Interval} share=${one.checks.accuracy} />` : html`<span class="muted">–</span>`}</td>`}
    <td>${one.flags.length ? html`<ul class="flags">${one.flags.map((flag) => html`<li key=${flag} class="tag tag-warn">${flag}</li>`)}</ul>` : html`<span class="muted small">as before</span>`}</td>
  </tr>`;
}

/** @type {Record<string, string>} */
const WHY = { disputed: "tag-bad", imprecise: "tag-bad", slow: "tag-warn", thin: "tag-warn" };

/** @param {{all: All}} props */
function LeavesView({ all }) {
  return html`
    <${Panel} title="Leaves that need attention" note=${all.concerns.length ? "Disputed; imprecise, by their audits; slow to answer; or with few positives among many answers. Those with most against them first." : ""}>
      ${all.concerns.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Leaves that need attention">
        <${LeafTable} rows=${all.concerns} />
      </div>
        ${all.more_concerns > 0 && html`<p class="muted small more">and ${count(all.more_concerns, "leaf", "leaves")} more</p>`}`
        : html`<${Empty} icon="yes" title="No leaf stands out">None is disputed, imprecise, slow or thin.<//>`}
    <//>
    <${Panel} title="Most confused by people" note="Somebody said yes to the first leaf, and the product is gold of the second.">
      ${all.confused.length ? html`<table class="table numbers"><thead><tr><th>Said yes to</th><th>Gold of</th><th>Where</th><th class="number">Products</th></tr></thead>
        <tbody>${all.confused.map((one) => html`<tr key=${one.said + " " + one.gold}><td><a href=${href("/leaf", { id: one.said })}><bdi>${one.said_name}</bdi></a></td>
          <td><a href=${href("/leaf", { id: one.gold })}><bdi>${one.gold_name}</bdi></a></td><td>${one.siblings && html`<span class="tag">siblings</span>`}</td>
          <td class="number">${number(one.products)}</td></tr>`)}</tbody></table>`
        : html`<${Empty} icon="yes" title="No two leaves were confused">Where it happens, their guidelines want a word on the difference.<//>`}
    <//>
    <${AllLeaves} />`;
}

/** @param {{rows: LeafRow[]}} props */
function LeafTable({ rows }) {
  return html`<table class="table numbers">
    <thead><tr><th>Leaf</th><th>Why</th><th class="number">Gold</th><th class="number">Answers</th><th>Audits confirm</th><th class="number">Agreement</th>
      <th class="number" title="Cohen's kappa">κ</th><th class="number">Seconds</th></tr></thead>
    <tbody>${rows.map((one) => html`<tr key=${one.leaf}>
      <td><a href=${href("/leaf", { id: one.leaf })}><b><bdi>${one.name}</bdi></b></a><br /><span class="muted small"><bdi>${one.path.slice(0, -1).join(" › ")}</bdi></span></td>
      <td>${Object.keys(one.why).length
        ? html`<ul class="flags">${Object.entries(one.why).map(([name, words]) => html`<li key=${name} class="tag ${WHY[name] ?? ""}">${words}</li>`)}</ul>`
        : html`<span class="muted">–</span>`}</td>
      <td class="number">${number(one.progress.gold)}</td>
      <td class="number">${number(one.progress.decisions)}</td>
      <td><${Interval} share=${one.precision} /></td>
      <td class="number">${one.agreement.agreed.share === null ? "–" : percent(one.agreement.agreed.share)}</td>
      <td class="number">${kappaOf(one.agreement.kappa)}</td>
      <td class="number">${one.speed.median === null ? "–" : one.speed.median.toFixed(1)}</td>
    </tr>`)}</tbody></table>`;
}

const SORTS = [
  { value: "precision", label: "least precise" }, { value: "agreement", label: "least agreed" },
  { value: "speed", label: "slowest" }, { value: "disputed", label: "most disputed" },
  { value: "decisions", label: "most answers" }, { value: "name", label: "by name" },
];

/** Every leaf that was begun. */
function AllLeaves() {
  const [sort, setSort] = useState("precision");
  const found = useMore((cursor) => listLeafQuality({ sort, cursor, limit: 20 }), [sort]);
  return html`<${Panel} title="Every leaf begun" actions=${html`<${Select} inline label="First" value=${sort} choose=${setSort} options=${SORTS} />`}>
    ${found.problem && !found.items ? html`<${Failure} problem=${found.problem} retry=${found.reload} />`
      : !found.items ? html`<${Skeleton} lines=${6} label="Loading the leaves" />`
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Every leaf begun"><${LeafTable} rows=${found.items} /></div>
        <${More} list=${found} label="Show more leaves" />`}
  <//>`;
}

/** @param {{all: All}} props */
function ModelView({ all }) {
  const { rounds } = all;
  if (!rounds.length) {
    return html`<${Panel}><${Empty} icon="refresh" title="No round yet" action=${html`<a class="button" href="/rounds">To the rounds</a>`}>
      With each round, the master model learns from gold, and is measured on gold kept apart.<//><//>`;
  }
  const latest = /** @type {All["rounds"][0]} */ (rounds.at(-1));
  const labels = rounds.map(({ number: n }) => `Round ${n}`);
  const names = [...new Set(rounds.flatMap(({ table }) => table.map(({ name }) => name)))].slice(0, 6);
  const colours = ["--cat-3", "--cat-1", "--cat-2", "--cat-4", "--cat-6", "--cat-8"];
  const series = names.map((name, at) => ({ name, colour: colours[at] ?? "--cat-8",
    values: rounds.map(({ table }) => table.find((row) => row.name === name)?.top1 ?? null) }));
  const own = latest.table[0];
  // Lines need no zero: the scale begins a little below the least of them.
  const least = Math.max(0, Math.floor(10 * Math.min(...series.flatMap(({ values }) => values.map((value) => value ?? 1))) - 0.3) / 10);
  return html`
    <${Panel}><dl class="figures">
      <${Figure} label="Top-1" value=${own ? percent(own.top1, 1) : "–"} note=${`round ${latest.number}`} />
      <${Figure} label="Top-3" value=${own ? percent(own.top3, 1) : "–"} />
      <${Figure} label="Top-5" value=${own ? percent(own.top5, 1) : "–"} />
      <${Figure} label="Macro F1" value=${own ? own.macro_f1.toFixed(3) : "–"} />
      <${Figure} label="Learnt from" value=${number(own?.n_train ?? 0)} note=${`tested on ${number(own?.n_test ?? 0)}`} />
    </dl><//>
    ${rounds.length > 1 && html`<${Panel}><${Chart} title="Top-1 accuracy by round" kind="lines" labels=${labels} series=${series} from=${least} to=${1} height=${230}
      format=${(/** @type {number} */ value) => percent(value, value === 1 || value === least ? 0 : 1)} words=${`The master model has ${own ? percent(own.top1, 1) : "no figure"} in round ${latest.number}.`} /><//>`}
    <${Panel} title="Table 1" note=${`Round ${latest.number}, on ${count(own?.n_test ?? 0, "gold product")} kept apart`} actions=${html`<a class="button button-small" href="/rounds">All rounds</a>`}>
      <div class="scroll"><table class="table numbers"><thead><tr><th>Model</th><th class="number">Top-1</th><th class="number">Top-3</th><th class="number">Top-5</th><th class="number">Macro F1</th></tr></thead>
        <tbody>${latest.table.map((row) => html`<tr key=${row.name}><td>${row.name}</td><td class="number">${percent(row.top1, 1)}</td><td class="number">${percent(row.top3, 1)}</td>
          <td class="number">${percent(row.top5, 1)}</td><td class="number">${row.macro_f1.toFixed(3)}</td></tr>`)}</tbody></table></div>
    <//>`;
}
