"""What is known of a leaf when a comparison of sources begins, and what is left to find.

Before the first round that is the least a local model can learn from: one positive and one
negative. After a round its master model knows the gold and the hard negatives it was taught, and
its recommendations would be credited with these if a local model began with less. So every source
then begins with them, recommendations or not, and they are neither shown nor counted.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np

from productnet.embeddings.active import read_active
from productnet.release.splits import (
    GOLD_FILE,
    HARD_NEGATIVES_FILE,
    Split,
    read_hard_negatives,
)
from productnet.retrieval.candidates import Leaf
from productnet.settings import Project
from productnet.taxonomy.tree import Category


class Starts:
    """The beginning of every leaf.

    Args:
        truth: Product id to leaf, by reference.
        gold: Product id to leaf: what the active round knew, both sides of its split. The test
            side is in it, too: recommendations leave it out.
        rejected: Product id to the leaves that the round knew it does not belong to.
    """

    def __init__(
        self,
        truth: Mapping[str, str],
        gold: Mapping[str, str] | None = None,
        rejected: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._truth = truth
        self._products = sorted(truth)
        self._inside: dict[str, list[str]] = {}
        for product in self._products:
            self._inside.setdefault(truth[product], []).append(product)
        self._gold = dict(sorted((gold or {}).items()))
        self._rejected = dict(sorted((rejected or {}).items()))

    @classmethod
    def of_project(cls, project: Project, truth: Mapping[str, str]) -> Self:
        """The beginnings under the project's active round."""
        active = read_active(project)
        if active is None or active.round is None:
            return cls(truth)
        folder = project.round_path(active.round)
        split, hard = Split.load(folder / GOLD_FILE), folder / HARD_NEGATIVES_FILE
        # Rounds of earlier versions froze gold alone.
        rejected = read_hard_negatives(hard) if hard.exists() else {}
        return cls(truth, split.train | split.test, rejected)

    def leaf(self, category: Category, *, seed: int) -> Leaf:
        """What is known of a leaf: its gold and hard negatives, or one of each kind.

        Where the round knew no hard negatives of it, as much gold of other leaves stands for them.
        """
        rng = rng_of(seed, category.id, "start")
        positives = [product for product, leaf in self._gold.items() if leaf == category.id]
        negatives = [product for product, of in self._rejected.items() if category.id in of]
        if not negatives:
            negatives = self._outside(category.id, rng, count=len(positives))
        if not positives:
            inside = [one for one in self.positives(category.id) if one not in negatives]
            positives = [inside[rng.integers(len(inside))]] if inside else []
        return Leaf(category, positives, negatives, frozenset([*positives, *negatives]))

    def positives(self, category: str) -> list[str]:
        """The products of a leaf, known or not."""
        return self._inside.get(category, [])

    def _outside(self, category: str, rng: np.random.Generator, *, count: int) -> list[str]:
        """Gold of other leaves, as much as asked; where none is asked, any one product of them."""
        if count:
            gold = [product for product, leaf in self._gold.items() if leaf != category]
            drawn = rng.choice(len(gold), min(count, len(gold)), replace=False)
            return [gold[place] for place in sorted(drawn)]
        while len(self.positives(category)) < len(self._products):
            product = self._products[rng.integers(len(self._products))]
            if self._truth[product] != category:
                return [product]
        return []


def rng_of(seed: int, *what: str) -> np.random.Generator:
    """A generator for one purpose, the same in every process."""
    named = hashlib.sha256("/".join([str(seed), *what]).encode()).digest()
    return np.random.default_rng(int.from_bytes(named))
