"""``mixed``: the default, a blend of all other sources, without repeats (rule 6)."""

from collections.abc import Iterable
from itertools import chain

import numpy as np

from productnet.local.ask import Ask
from productnet.local.registry import DEFAULT
from productnet.retrieval.active import answers
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.master import Master
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.random import Random
from productnet.retrieval.resources import Resources

# Shares of a page once a local model exists; what is left is for its surest positives. Ambiguous
# products become hard negatives, so a leaf short of negatives is shown more of them.
_AMBIGUOUS = 0.15
_AMBIGUOUS_WHEN_SHORT = 0.35
_MASTER = 0.2
_RANDOM = 0.05

# Where the leaf's name has led to nothing so far, chance is as good a guide.
_RANDOM_WHEN_LOST = 0.5


class Mixed:
    """Mostly the local model; before it exists, keyword hits and neighbours."""

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The best of each source."""
        scored = resources.scorer(leaf, resources, model=DEFAULT)
        lost = bool(leaf.hidden) and not leaf.positives
        share = _RANDOM_WHEN_LOST if lost else _RANDOM
        by_chance = Random().rank(leaf, resources, count=round(count * share), rng=rng)
        recommended = Master().rank(leaf, resources, count=round(count * _MASTER), rng=rng)
        if scored is None:
            near = Nearest().rank(leaf, resources, count=count, rng=rng) if leaf.positives else []
            hits = Keyword().rank(leaf, resources, count=count, rng=rng)
            parts = [near[: (count + 1) // 2], hits, near]
        else:
            short = len(leaf.negatives) < len(leaf.positives)
            doubtful = round(count * (_AMBIGUOUS_WHEN_SHORT if short else _AMBIGUOUS))
            parts = [
                answers(scored, Ask.AMBIGUOUS, leaf, resources, count=doubtful),
                answers(scored, Ask.POSITIVES, leaf, resources, count=count),
            ]
        page = _without_repeats([*recommended, *by_chance, *chain(*parts)])[:count]
        return sorted(page, key=lambda candidate: -candidate.score)


def _without_repeats(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The first candidate of each product."""
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate.product, candidate)
    return list(first.values())
