"""What the master model's promises are worth: calibration, wanted precision, sets, doubts, levels.

For each set and seed gold of at most 60 products a leaf teaches the master (preset ``fast``, five
folds), with a quarter of the products, near-duplicates kept together, tested. Then a third of the
leaves is hidden: one half of these is never met, of the other products were rejected. A second
master learns without them, a third is taught what was rejected. Of both, the test products of
the leaves that were never met are the unknown ones.

    python -m benchmarks.calibration --work ../calibration --sets flipkart masked --seeds 5

PRODUCTNET_DATA names the folder of the real sets (default ../shared/data); a set that is not there
is skipped, saying so. Progress is told on stderr; the last line printed is one JSON object.
"""

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import mean, stdev
from time import perf_counter

import numpy as np
import torch
from scipy.special import logsumexp

from benchmarks.candidates.pools import POOLS, prepare
from productnet.catalog.pool import Pool
from productnet.errors import UsageError
from productnet.evaluation.certainty import measure_certainty, measured_calibration
from productnet.evaluation.hierarchy import kinship, level_scores
from productnet.evaluation.metrics import Floats, truth_columns
from productnet.evaluation.reference import read_reference
from productnet.evaluation.selective import selective, separation
from productnet.master.batching import Examples, Prepared
from productnet.master.model import Embedded, MasterModel
from productnet.master.novelty import Familiar, hidden_leaves_for
from productnet.master.products import InputField
from productnet.master.sources import PoolPart, stream_products
from productnet.master.training import infer
from productnet.release.groups import copies_of
from productnet.release.splits import split_by_group
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

PRESET = "fast"
TEST_SHARE = 0.25
FEWEST_PRODUCTS = 10
# A few dozen products a leaf, as people would label.
MOST_TAUGHT = 60
FOLDS = 5
HIDDEN = 1 / 3
FALSE_ACCEPTS = (0.05, 0.1, 0.2)

Labels = Mapping[str, str]
Figures = dict[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where projects are prepared")
    parser.add_argument("--sets", nargs="+", choices=list(POOLS), default=list(POOLS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--preset", default=PRESET)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    sets: dict[str, object] = {}
    for name in arguments.sets:
        try:
            project = prepare(name, data=data, folder=arguments.work / "projects")
        except UsageError as reason:
            print(f"{name} is skipped: {reason}", file=sys.stderr)
            sets[name] = {"skipped": str(reason)}
            continue
        trials = []
        for seed in range(arguments.seeds):
            trials.append(trial(project, seed, preset=arguments.preset))
            print(name, seed, json.dumps(trials[-1]), file=sys.stderr, flush=True)
        sets[name] = summary(trials)
    print(
        json.dumps(
            {
                "benchmark": "calibration",
                "preset": arguments.preset,
                "seeds": arguments.seeds,
                "sets": sets,
            }
        )
    )


def trial(project: Project, seed: int, *, preset: str) -> Figures:
    """All figures of one seed."""
    taxonomy = Taxonomy.load(project.taxonomy_path)
    paths = {leaf.id: leaf.path for leaf in taxonomy.leaves}
    pool = set(Pool.open(project.pool_path).ids().to_pylist())
    truth = {p: leaf for p, leaf in read_reference(project, taxonomy).items() if p in pool}
    sizes = Counter(truth.values())
    truth = {p: leaf for p, leaf in truth.items() if sizes[leaf] >= FEWEST_PRODUCTS}
    groups = copies_of(project, sorted(truth))
    split = split_by_group(truth, groups, test_share=TEST_SHARE, seed=seed)
    taught = few_of_each(split.train, seed=seed)
    started = perf_counter()
    model = MasterModel(preset, seed=seed)
    model.fit(project, taught, groups=groups, folds=FOLDS)
    figures: Figures = {
        "seconds": perf_counter() - started,
        "taught": len(taught),
        "tested": len(split.test),
        "leaves": len(set(taught.values())),
    }
    # One of each group: copies that are all right prove no more than one does.
    firsts = {groups[product]: product for product in reversed(list(split.test))}
    test = {product: split.test[product] for product in sorted(firsts.values())}
    figures["distinct"] = len(test)
    return (
        figures
        | promised(model, project, test, paths, seed=seed)
        | unknown(project, taught, split.test, groups, seed=seed, preset=preset)
    )


def promised(
    model: MasterModel, project: Project, test: Labels, paths: Mapping[str, tuple[str, ...]],
    *, seed: int,
) -> Figures:  # fmt: skip
    """What came of a model's promises on these products."""
    said = embedded(model, project, list(test))
    truth = list(test.values())
    columns = truth_columns(truth, model.classes)
    true_paths = [paths[leaf] for leaf in truth]
    best = [model.classes[column] for column in said.probabilities.argmax(axis=1)]
    found = measure_certainty(
        model.certainty,
        said.probabilities,
        columns,
        true_paths,
        paths,
        temperature=model.temperature,
        seed=seed,
    )
    after = measured_calibration(said.probabilities, columns, seed=seed)
    figures: Figures = {
        "top1": float(np.mean([a == b for a, b in zip(best, truth, strict=True)])),
        "held_out": found.held_out,
        "temperature": found.temperature,
        "ece_before": found.before.ece,
        "ece": after.ece,
        "classwise": after.classwise or 0.0,
        "aurc": found.selective.aurc,
    }
    for one in found.promises:
        name = f"precision_{one.wanted:g}"
        figures[f"{name}_reached"] = np.nan if one.reached is None else one.reached
        figures[f"{name}_coverage"] = one.coverage
        figures[f"{name}_certified"] = float(one.certified)
        figures[f"{name}_own"] = one.own
    for sets in found.sets:
        name = f"sets_{sets.kind}{'_by_leaf' if sets.by_leaf else ''}_{sets.wanted:g}"
        figures[f"{name}_covered"], figures[f"{name}_size"] = sets.covered, sets.size
        figures[f"{name}_low_leaves"] = np.nan if sets.low_leaves is None else sets.low_leaves
    for depth in found.depths:
        name = f"deepest_{depth.sure:g}"
        figures[f"{name}_right"] = np.nan if depth.right is None else depth.right
        figures[f"{name}_placed"], figures[f"{name}_at_leaf"] = depth.placed, depth.at_leaf
    for level in level_scores(true_paths, [paths[leaf] for leaf in best]):
        figures[f"level_{level.level}_accuracy"] = level.accuracy
        figures[f"level_{level.level}_f1"] = level.f1
    kin = {name: value for name, value in asdict(
        kinship(said.vectors, truth, paths, seed=seed)
    ).items() if value is not None and name != "products"}  # fmt: skip
    return figures | {f"kin_{name}": value for name, value in kin.items()}


def unknown(
    project: Project, taught: Labels, test: Labels, groups: Labels, *, seed: int, preset: str
) -> Figures:
    """How well products of leaves that were never met are told from known ones."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(sorted(set(taught.values()))).tolist()
    hidden = order[: max(2, round(len(order) * HIDDEN))]
    never, rejected = set(hidden[::2]), set(hidden[1::2])
    gold = {p: leaf for p, leaf in taught.items() if leaf not in never | rejected}
    known = [p for p, leaf in test.items() if leaf not in never | rejected]
    strange = [p for p, leaf in test.items() if leaf in never]
    categories = sorted(set(gold.values()))
    negatives = {p: [str(rng.choice(categories))] for p, leaf in taught.items() if leaf in rejected}
    # What is promised of known products is looked at elsewhere; leaves are hidden all the same.
    model = MasterModel(preset, seed=seed).fit(project, gold, groups=groups, folds=2)
    warned = MasterModel(preset, seed=seed).fit(project, gold, negatives=negatives, groups=groups)
    figures: Figures = {"strange": len(strange)}
    right = np.array([test[p] for p in [*known, *strange]])
    for name, one in (("", model), ("taught_", warned)):
        said = embedded(one, project, [*known, *strange])
        scores = looks(
            one,
            said,
            embedded(one, project, list(gold)),
            list(gold.values()),
            energies(one, project, [*known, *strange]),
        )
        correct = np.array(one.classes)[said.probabilities.argmax(axis=1)] == right
        for score, values in scores.items():
            apart = separation(values[: len(known)], values[len(known) :])
            figures[f"{name}{score}_auroc"] = apart.auroc
            figures[f"{name}{score}_at_95"] = apart.accepted_at_95
            figures[f"{name}{score}_aurc"] = selective(values, correct).aurc
        if name:
            continue
        leaves = np.array([test[product] for product in strange])
        for rate in FALSE_ACCEPTS:
            if len(set(one.certainty.held_out.unknown_leaf)) < hidden_leaves_for(rate):
                continue
            taken = one.familiarity(said.vectors) >= one.certainty.least_familiarity(rate)
            figures[f"false_accept_{rate:g}"] = float(
                np.mean([taken[len(known) :][leaves == leaf].mean() for leaf in set(leaves)])
            )
            figures[f"false_accept_{rate:g}_known"] = float(taken[: len(known)].mean())
        decided = one.certainty.rule(0.95).decide(said.ids, said.probabilities).categories
        figures["precision_0.95_takes_strange"] = float(
            np.mean([category is not None for category in decided[len(known) :]])
        )
    return figures


def looks(
    model: MasterModel, said: Embedded, taught: Embedded, labels: Sequence[str], energy: Floats
) -> dict[str, Floats]:
    """How known each product looks, (N,), by several measures."""
    numbers = truth_columns(labels, model.classes)
    near = np.sort(said.vectors @ taught.vectors.T, axis=1)[:, -1]
    found = {
        "energy": energy,
        "probability": said.probabilities.max(axis=1),
        "neighbours": near,
        "mahalanobis": Familiar.of(taught.vectors, numbers)(said.vectors),
    }
    total = said.probabilities.sum(axis=1)
    return found | ({"none_output": total} if total.min() < 1 - 1e-3 else {})


def energies(model: MasterModel, project: Project, products: Sequence[str]) -> Floats:
    """The log of the summed exponentials of all logits, (N,), before calibration.

    Energy is nothing that a model tells: it is computed here, from its network, to compare.
    """
    network, card = model._ready()
    fields = list(dict.fromkeys(name for one in card.inputs.values() for name in one.fields))
    found = []
    for block in stream_products(PoolPart(project, products), fields=fields, block=4_096):
        inputs = {name: InputField(block, one.fields) for name, one in card.inputs.items()}
        data = Examples.unlabelled(Prepared.of(inputs, network.encoders_by_name))
        _, logits = infer(network, data, device=model.device, batch_size=512)
        found.append(logsumexp(logits[:, : len(card.classes)], axis=1))
    return np.concatenate(found)


def embedded(model: MasterModel, project: Project, products: Sequence[str]) -> Embedded:
    """All that a model says of some products."""
    blocks = list(model.embed(PoolPart(project, products)))
    return Embedded(
        [product for block in blocks for product in block.ids],
        *(
            np.concatenate([getattr(block, column) for block in blocks])
            for column in ("vectors", "probabilities")
        ),
    )


def few_of_each(labels: Labels, *, seed: int) -> dict[str, str]:
    """At most as many products of each leaf as people would label."""
    taken: Counter[str] = Counter()
    few = {}
    for product in np.random.default_rng(seed).permutation(sorted(labels)).tolist():
        if taken[labels[product]] < MOST_TAUGHT:
            few[product] = labels[product]
            taken[labels[product]] += 1
    return few


def summary(trials: Sequence[Figures]) -> dict[str, object]:
    """Mean and standard deviation of each figure over the seeds that have it."""
    found: dict[str, object] = {}
    for name in trials[0]:
        values = [one[name] for one in trials if name in one and not np.isnan(one[name])]
        if values:
            spread = stdev(values) if len(values) > 1 else 0.0
            found[name] = {"mean": round(mean(values), 4), "sd": round(spread, 4)}
    return found


if __name__ == "__main__":
    main()
