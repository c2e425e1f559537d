// The recommendation page: what the master model puts into a leaf, verified many at a time.
// @ts-check

import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { listRecommendations } from "../lib/api.js";
import { count, number } from "../lib/format.js";
import { useLoad } from "../lib/load.js";
import * as live from "../lib/live.js";
import { href } from "../lib/router.js";
import { session } from "../lib/session.js";
import { Empty, Failure, Skeleton } from "../parts/empty.js";
import { Icon } from "../parts/icon.js";
import { Bar } from "../parts/meter.js";
import { Page } from "../parts/page.js";
import { Confidences } from "./recommendations/confidences.js";
import { RecommendedFor } from "./recommendations/verify.js";

/** @import {RecommendedLeaf, RecommendedLeaves} from "../lib/types.js" */

// Leaves drawn at first; the rest when asked for, or found by name.
const SHOWN = 60;

/** @param {{query: URLSearchParams}} props */
export default function Recommendations({ query }) {
  const leaf = query.get("leaf");
  return leaf ? html`<${RecommendedFor} key=${leaf} id=${leaf} />` : html`<${Leaves} />`;
}

function Leaves() {
  const { data, problem, reload } = useLoad(() => listRecommendations(), []);
  useEffect(() => live.on("activated", reload), []);
  const round = data?.round;
  return html`<${Page} title="Recommendations" lead=${round
    ? html`What round ${round} puts into each leaf. Verify a leaf in bulk: say no to the wrong ones, then yes to the rest.`
    : "What the master model puts into each leaf, to be verified in bulk."}>
    ${problem && !data ? html`<${Failure} problem=${problem} retry=${reload} />`
      : !data ? html`<div class="panel"><${Skeleton} lines=${8} label="Loading the recommendations" /></div>`
      : !round ? html`<${Empty} icon="star" title="No round has been activated yet"
          action=${html`<a class="button button-primary" href="/rounds">To the rounds</a>`}>
          A round learns from the gold of all leaves, and then recommends products for each of them.<//>`
      : !data.leaves.length ? html`<${Empty} icon="yes" title="Round ${round} recommends nothing"
          action=${html`<a class="button button-primary" href="/">To the leaves</a>`}>
          Every product of the pool was gold when it ran. The next round looks at the pool anew.<//>`
      : html`<${Table} found=${data} />`}
  <//>`;
}

/** @param {{found: RecommendedLeaves}} props */
function Table({ found }) {
  const [words, setWords] = useState("");
  const [all, setAll] = useState(false);
  const leaves = useMemo(() => {
    const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
    return found.leaves.filter((one) => {
      const text = one.path.join(" ").toLowerCase();
      return wanted.every((word) => text.includes(word));
    });
  }, [found, words]);
  const shown = all ? leaves : leaves.slice(0, SHOWN);
  return html`<section class="panel">
    <div class="row recommended-tools">
      <label class="search-field"><span class="unseen">Find a leaf</span><${Icon} name="search" size=${16} />
        <input data-search type="search" class="input" placeholder="Find a leaf" value=${words}
          onInput=${(/** @type {any} */ event) => setWords(event.currentTarget.value)} /></label>
      <p class="muted small push" role="status">${count(leaves.length, "leaf", "leaves")}, the surest first</p>
    </div>
    ${leaves.length ? html`<div class="scroll"><table class="table recommended">
      <thead><tr><th>Leaf</th><th class="number">Recommended</th><th class="number">At least 50 % sure</th>
        <th class="number">Verified</th><th>How sure, 0 to 100 %</th><th>Gold</th></tr></thead>
      <tbody>${shown.map((one) => html`<${Row} key=${one.leaf} one=${one} />`)}</tbody>
    </table></div>` : html`<${Empty} title="No leaf has this name">Try fewer letters.<//>`}
    ${shown.length < leaves.length && html`<p class="recommended-more"><button type="button" class="button" onClick=${() => setAll(true)}>
      Show the other ${number(leaves.length - shown.length)}</button></p>`}
  </section>`;
}

/** @param {{one: RecommendedLeaf}} props */
function Row({ one }) {
  const target = session.value?.targets.positives ?? 0;
  return html`<tr>
    <td><a class="recommended-name" href=${href("/recommendations", { leaf: one.leaf })}><bdi>${one.name}</bdi></a>
      <span class="muted small recommended-path"><bdi>${one.path.slice(0, -1).join(" › ")}</bdi></span></td>
    <td class="number">${number(one.count)}</td>
    <td class="number">${number(one.confident)}</td>
    <td class="number">${one.verified ? number(one.verified) : html`<span class="muted">–</span>`}</td>
    <td><${Confidences} bins=${one.confidences} small /></td>
    <td class="recommended-gold">${target > 0 ? html`<span class="small">${number(one.gold)} <span class="muted">of ${number(target)}</span></span>
      <${Bar} label="Gold" target=${target} parts=${[{ value: one.gold, kind: "gold" }]} />` : number(one.gold)}</td>
  </tr>`;
}
