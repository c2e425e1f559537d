"""What is known of a leaf when a comparison of sources begins, and what is left to find.

Before the first round that is the least a local model can learn from: one positive and one
negative. After a round its master model knows the gold it was trained on, and its recommendations
would be credited to nothing else if a local model began with less. So every source then begins
with that gold, master recommendations or not; what the round knew is neither shown nor counted.
"""

import hashlib
from collections.abc import Mapping
from typing import Self

import numpy as np

from productnet.embeddings.active import read_active
from productnet.release.splits import GOLD_FILE, Split
from productnet.retrieval.candidates import Leaf
from productnet.settings import Project
from productnet.taxonomy.tree import Category


class Starts:
    """The beginning of every leaf.

    Args:
        truth: Product id to leaf, by reference.
        gold: Product id to leaf: what the active round knew, both sides of its split. The test
            side is in it, too: recommendations leave it out.
    """

    def __init__(self, truth: Mapping[str, str], gold: Mapping[str, str]) -> None:
        self._truth = truth
        self._products = sorted(truth)
        self._inside: dict[str, list[str]] = {}
        for product in self._products:
            self._inside.setdefault(truth[product], []).append(product)
        self._gold = dict(sorted(gold.items()))

    @classmethod
    def of_project(cls, project: Project, truth: Mapping[str, str]) -> Self:
        """The beginnings under the project's active round."""
        active = read_active(project)
        if active is None or active.round is None:
            return cls(truth, {})
        split = Split.load(project.round_path(active.round) / GOLD_FILE)
        return cls(truth, {**split.train, **split.test})

    def leaf(self, category: Category, *, seed: int) -> Leaf:
        """What is known of a leaf: its gold and as much of other leaves, or one of each kind."""
        rng = rng_of(seed, category.id, "start")
        positives = [product for product, leaf in self._gold.items() if leaf == category.id]
        if positives:
            others = [product for product, leaf in self._gold.items() if leaf != category.id]
            drawn = rng.choice(len(others), min(len(positives), len(others)), replace=False)
            negatives = [others[place] for place in sorted(drawn)]
        else:
            inside = self._inside.get(category.id, [])
            positives = [inside[rng.integers(len(inside))]] if inside else []
            negatives = self._one_outside(category.id, rng)
        return Leaf(category, positives, negatives, frozenset([*positives, *negatives]))

    def findable(self, leaf: Leaf) -> int:
        """Positives that are left to find."""
        return sum(product not in leaf.hidden for product in self._inside.get(leaf.category.id, ()))

    def _one_outside(self, category: str, rng: np.random.Generator) -> list[str]:
        if len(self._inside.get(category, ())) == len(self._products):
            return []
        while True:
            product = self._products[rng.integers(len(self._products))]
            if self._truth[product] != category:
                return [product]


def rng_of(seed: int, *what: str) -> np.random.Generator:
    """A generator for one purpose, the same in every process."""
    named = hashlib.sha256("/".join([str(seed), *what]).encode()).digest()
    return np.random.default_rng(int.from_bytes(named))
