"""What hard negatives are worth to the master model, and which way of choosing them brings most.

Half of the leaves are labelled, as happens when people work leaf by leaf; the products of all
others are in the pool, and belong to none of the categories that the master knows. For each leaf
``mixed`` is looked through until enough positives are found; then a source is asked until there
are as many hard negatives. Answers are the reference's. A share of the products, near-duplicates
kept together, is shown to nobody: on those of labelled leaves accuracy is measured, and on all of
them what the master recommends. Every master learns from the same gold, and beside it from

    none        nothing
    random      as many products drawn by chance, that are not of the leaf
    met         hard negatives met on the way to the positives
    negatives   hard negatives, the local model asked for negatives: hard and sure ones by turns
    confusable  hard negatives, the source asked that is made for it, as ``simulate`` does

    python -m benchmarks.hard_negatives --work ../hard-negatives --pools flipkart masked --seeds 5

With ``--weights`` the arms are those weights of a rejected product instead, taught the confusable
ones, beside none:

    python -m benchmarks.hard_negatives --work ../hard-negatives --pools masked --first-seed 10 \
        --seeds 3 --weights .1 .25

PRODUCTNET_DATA names the folder of the real sets (default ../shared/data). Progress is told on
stderr; the last line printed is one JSON object.
"""

import argparse
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from statistics import mean, stdev
from typing import Self

import numpy as np
from sklearn.metrics import roc_auc_score

from benchmarks.candidates.pools import POOLS, prepare
from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.state import State
from productnet.evaluation.metrics import Flags, Floats, macro_f1, truth_columns
from productnet.evaluation.reference import read_reference
from productnet.local.ask import Ask
from productnet.master.model import MasterModel
from productnet.master.presets import Preset, find_preset
from productnet.master.sources import PoolPart
from productnet.release.splits import split_gold
from productnet.retrieval.active import Active
from productnet.retrieval.candidates import Leaf, Source
from productnet.retrieval.confusable import Confusable
from productnet.retrieval.mixed import Mixed
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.settings import Project

PRESET = "fast"
TEST_SHARE = 0.4
IN_SCOPE = 0.5
# Of the products that are shown, so many are needed of a leaf to be labelled.
FEWEST_PRODUCTS = 5
POSITIVES = 40
PAGE = 20
MOST_PAGES = 15
# A leaf is taken for exhausted when so many pages in a row bring no positive.
PATIENCE = 3
# A recommendation of this confidence counts as sure.
SURE = 0.5

ASKED: Mapping[str, Source] = {"negatives": Active(Ask.NEGATIVES), "confusable": Confusable()}

# Leaf to products rejected for it.
Rejected = Mapping[str, Collection[str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="where projects are prepared")
    parser.add_argument("--pools", nargs="+", choices=list(POOLS), default=["flipkart", "masked"])
    parser.add_argument("--seeds", type=int, default=5, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--weights", nargs="+", type=float, help="of a rejected product")
    arguments = parser.parse_args()
    data = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")).resolve()
    pools: dict[str, object] = {}
    for name in arguments.pools:
        project = prepare(name, data=data, folder=arguments.work / "projects")
        seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
        pools[name] = summary([trial(project, seed, arguments.weights) for seed in seeds])
    print(json.dumps({"benchmark": "hard negatives", "seeds": arguments.seeds, "pools": pools}))


@dataclass(frozen=True)
class Setting:
    """Who is asked what.

    Attributes:
        resources: Of the pool.
        shown: Products that people may be shown, with their leaf.
        held_out: The others, with theirs.
        leaves: Leaves to be labelled.
        seed: Of all that is drawn.
    """

    resources: Resources
    shown: Mapping[str, str]
    held_out: Mapping[str, str]
    leaves: Sequence[str]
    seed: int

    @classmethod
    def draw(cls, project: Project, seed: int) -> Self:
        """Half of the leaves, and a part of the products."""
        resources = Resources(project)
        truth = read_reference(project, resources.taxonomy)
        split = split_gold(resources.pool, truth, test_share=TEST_SHARE, seed=seed)
        counts = Counter(split.train.values())
        rich = sorted(leaf for leaf, count in counts.items() if count >= FEWEST_PRODUCTS)
        order = np.random.default_rng(seed).permutation(len(rich))
        leaves = sorted(rich[place] for place in order[: round(len(rich) * IN_SCOPE)])
        return cls(resources, split.train, split.test, leaves, seed)

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Products that nobody is shown."""
        return frozenset(self.resources.ids.to_pylist()) - self.shown.keys()

    def rng(self, *what: object) -> np.random.Generator:
        """A generator for one purpose."""
        named = hashlib.sha256(repr((self.seed, *what)).encode()).digest()
        return np.random.default_rng(int.from_bytes(named))


class People:
    """Who answer by the reference, and audit what they find."""

    def __init__(self, setting: Setting, said: Iterable[Decision] = ()) -> None:
        self.setting = setting
        self.state = State()
        self.said: list[Decision] = []
        self._say(said)

    def look(self, leaf: str, source: Source) -> dict[str, bool]:
        """Decide on the next page: product to whether it belongs."""
        setting = self.setting
        taxonomy = setting.resources.taxonomy
        now = Leaf.of(leaf, state=self.state, taxonomy=taxonomy).without(setting.hidden)
        rng = setting.rng(leaf, len(self.said))
        answers = {}
        for candidate in next_page(source, now, setting.resources, count=PAGE, rng=rng):
            belongs = setting.shown[candidate.product] == leaf
            verdict = Verdict.POSITIVE if belongs else Verdict.NEGATIVE
            answers[candidate.product] = belongs
            for role in (Role.LABEL, Role.AUDIT) if belongs else (Role.LABEL,):
                decision = decide(
                    role,
                    candidate.product,
                    leaf,
                    verdict=verdict,
                    annotator=role,
                    source=candidate.source,
                    score=candidate.score,
                )
                self._say([decision])
        return answers

    def _say(self, decisions: Iterable[Decision]) -> None:
        for decision in decisions:
            self.said.append(decision)
            self.state.apply([(len(self.said), decision)])


def trial(
    project: Project, seed: int, weights: Sequence[float] | None = None
) -> dict[str, dict[str, float]]:
    """Each arm's figures under one seed; arms are ways of choosing, or these weights."""
    setting = Setting.draw(project, seed)
    people = People(setting)
    for leaf in setting.leaves:
        find_positives(people, leaf)
    gold = people.state.gold_labels()
    found = {leaf: len(people.state.positives(leaf)) for leaf in setting.leaves}
    rejected: dict[str, Rejected] = {
        "none": {},
        "random": {leaf: by_chance(setting, leaf, count=count) for leaf, count in found.items()},
        "met": {leaf: people.state.hard_negatives(leaf) for leaf in found},
    }
    asked: dict[str, dict[str, bool]] = {}
    for name, source in ASKED.items():
        others = People(setting, people.said)
        asked[name] = find_negatives(others, source)
        rejected[name] = {leaf: others.state.hard_negatives(leaf) for leaf in found}
    preset = find_preset(PRESET)
    arms = [(name, name, preset) for name in rejected]
    if weights:
        arms = [("none", "none", preset)] + [
            (str(weight), "confusable", replace(preset, rejected_weight=weight))
            for weight in weights
        ]
    figures = {}
    for arm, way, taught in arms:
        figures[arm] = judged(setting, gold, rejected[way], taught) | brought(asked.get(way, {}))
        print(f"{project.root.name} {seed} {arm} {figures[arm]}", file=sys.stderr)
    return figures


def find_positives(people: People, leaf: str) -> None:
    """Look through ``mixed`` until there are enough, or no more."""
    dry = 0
    for _ in range(MOST_PAGES):
        if len(people.state.positives(leaf)) >= POSITIVES or dry == PATIENCE:
            return
        dry = 0 if any(people.look(leaf, Mixed()).values()) else dry + 1


def find_negatives(people: People, source: Source) -> dict[str, bool]:
    """Lead every leaf to as many hard negatives as it has positives.

    Returns:
        What the source showed: product to whether it was a positive.
    """
    shown: dict[str, bool] = {}
    state = people.state
    for leaf in people.setting.leaves:
        for _ in range(MOST_PAGES):
            if len(state.hard_negatives(leaf)) >= len(state.positives(leaf)):
                break
            shown |= people.look(leaf, source)
    return shown


def by_chance(setting: Setting, leaf: str, *, count: int) -> list[str]:
    """Shown products that are not of the leaf."""
    others = [product for product, own in setting.shown.items() if own != leaf]
    rows = setting.rng(leaf, "by chance").choice(len(others), min(count, len(others)), False)
    return [others[row] for row in rows]


def judged(
    setting: Setting, gold: Mapping[str, str], rejected: Rejected, preset: Preset
) -> dict[str, float]:
    """Train a master and look at what it says of the products that nobody was shown."""
    negatives: dict[str, list[str]] = {}
    for leaf, products in rejected.items():
        for product in products:
            negatives.setdefault(product, []).append(leaf)
    project = setting.resources.project
    model = MasterModel(preset, seed=setting.seed).fit(project, gold, negatives=negatives)
    chances = model.predict_proba(PoolPart(project, list(setting.held_out)))  # (N, K)
    truth = truth_columns(list(setting.held_out.values()), model.classes)  # (N,)
    predicted, confidence = chances.argmax(axis=1), chances.max(axis=1)
    in_scope, right = truth >= 0, predicted == truth
    sure = confidence >= SURE
    return {
        "rejected": len(negatives.keys() - gold.keys()),
        "top1": float(right[in_scope].mean()),
        "macro_f1": macro_f1(predicted[in_scope], truth[in_scope]),
        "auroc_in_scope": float(roc_auc_score(in_scope, confidence)),
        "average_precision": average_precision(confidence, right, int(in_scope.sum())),
        "precision_when_sure": float(right[sure].mean()),
        "recall_when_sure": float(right[sure].sum() / in_scope.sum()),
    }


def average_precision(confidence: Floats, right: Flags, findable: int) -> float:
    """Of recommendations by falling confidence; findable are all products of known leaves."""
    hits = right[np.argsort(-confidence, kind="stable")]
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].sum() / findable)


def brought(shown: Mapping[str, bool]) -> dict[str, float]:
    """How many of the products that a source showed when asked for negatives were negatives."""
    return {"asked": len(shown), "were_negative": 1 - mean(shown.values())} if shown else {}


def summary(trials: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, object]:
    """Means over seeds; beside them what each arm adds to ``none``, with its standard error."""
    arms: dict[str, object] = {}
    for arm, figures in trials[0].items():
        arms[arm] = of_arm = {}
        for figure in figures:
            values = [one[arm][figure] for one in trials]
            of_arm[figure] = {"mean": round(mean(values), 4)}
            if arm != "none" and figure in trials[0]["none"]:
                more = [one[arm][figure] - one["none"][figure] for one in trials]
                error = stdev(more) / len(more) ** 0.5 if len(more) > 1 else 0.0
                of_arm[figure] |= {"more": round(mean(more), 4), "error": round(error, 4)}
    return arms


if __name__ == "__main__":
    main()
