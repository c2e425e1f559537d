"""Reciprocal rank fusion: one ranking of several whose scores cannot be compared.

Cormack, Clarke and Büttcher 2009, *Reciprocal Rank Fusion outperforms Condorcet and individual
Rank Learning Methods*: what stands at place r of a ranking earns ``1 / (60 + r)`` there.
"""

from collections.abc import Sequence

# Its authors' value; places count from 0.
RANK_OFFSET = 60


def merits(rankings: Sequence[Sequence[str]], *, trust: Sequence[float]) -> dict[str, float]:
    """What each item earns in these rankings, best first within each, added up.

    Args:
        rankings: Items, best first.
        trust: How much each ranking counts.
    """
    earned: dict[str, float] = {}
    for ranking, weight in zip(rankings, trust, strict=True):
        for place, item in enumerate(ranking):
            earned[item] = earned.get(item, 0.0) + weight / (RANK_OFFSET + place)
    return earned
