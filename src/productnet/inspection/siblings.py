"""Leaves that are taken for one another: by models that saw neither product, and by neighbours.

Counted on gold judged out of its fold, with an interval, since a handful of products proves
little. It is the initial embedding that is asked: where it confuses two leaves, a trained model may
tell them apart, and where it does not, people mostly do too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from productnet.annotation.quality.agreement import Proportion
from productnet.embeddings.nearest import FloatArray
from productnet.evaluation.suspects import Judged
from productnet.inspection.flaws import Action, Flaw, Severity, first_products
from productnet.inspection.subject import Subject
from productnet.progress import Progress

# Where so much of a leaf is taken for another, words of a guideline will hardly part them.
_ONE_LEAF = 0.35

# Gold products asked what is around a confused one.
_NEIGHBOURS = 10
_MOST_QUERIES = 2_000


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two leaves, by their numbers; the first is taken for the second the more."""

    first: int
    second: int
    there: Proportion
    back: Proportion


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Pairs of leaves of which one is surely taken for the other beyond the setting."""
    with progress.task("Comparing leaves that are confused", total=None):
        judged = subject.judged
        if judged is None:
            return
        pairs = _confused(judged, least=subject.settings.confusable)
        for pair in sorted(pairs, key=lambda pair: -pair.there.low):
            yield _flaw(subject, judged, pair)


def _confused(judged: Judged, *, least: float) -> list[_Pair]:
    count = len(judged.leaves)
    taken = np.zeros((count, count), np.int64)
    np.add.at(taken, (judged.given, judged.likeliest), 1)
    sizes = taken.sum(axis=1).tolist()
    pairs = []
    for first, second in np.argwhere(np.triu(taken + taken.T, 1)).tolist():
        there = Proportion.count(int(taken[first, second]), sizes[first])
        back = Proportion.count(int(taken[second, first]), sizes[second])
        if back.low > there.low:
            first, second, there, back = second, first, back, there
        if there.low >= least:
            pairs.append(_Pair(first, second, there, back))
    return pairs


def _flaw(subject: Subject, judged: Judged, pair: _Pair) -> Flaw:
    given, likeliest = judged.given, judged.likeliest
    confused = np.flatnonzero(
        ((given == pair.first) & (likeliest == pair.second))
        | ((given == pair.second) & (likeliest == pair.first))
    )
    margin = judged.logits[confused, likeliest[confused]] - judged.logits[confused, given[confused]]
    confused = confused[np.argsort(-margin, kind="stable")]
    around = _neighbours_agree(subject, judged, confused)
    first, second = (judged.leaves[number] for number in (pair.first, pair.second))
    one, other = subject.name(first), subject.name(second)
    alike = subject.taxonomy[first].path[:-1] == subject.taxonomy[second].path[:-1]
    action, advice = _advice(pair, one, other)
    return Flaw(
        inspection="siblings",
        kind="confusable siblings" if alike else "confusable leaves",
        severity=Severity.WARNING,
        seen=f"{pair.there.hits} of {pair.there.of} gold products of {one} look like {other} "
        f"({pair.there.low:.0%} to {pair.there.high:.0%}), {pair.back.hits} of {pair.back.of} the "
        f"other way; of these {len(confused)}, {around} have mostly neighbours of the other leaf.",
        advice=advice,
        action=action,
        leaves=(first, second),
        products=first_products(judged.products[row] for row in confused),
        count=len(confused),
        numbers={
            "share": round(pair.there.share or 0.0, 4),
            "low": round(pair.there.low, 4),
            "high": round(pair.there.high, 4),
            "back": round(pair.back.share or 0.0, 4),
            "neighbours_agree": around,
        },
    )


def _advice(pair: _Pair, one: str, other: str) -> tuple[Action, str]:
    there, back = pair.there.share or 0.0, pair.back.share or 0.0
    if min(there, back) >= _ONE_LEAF:
        return (
            Action.MERGE,
            f"Each is taken for the other. Merge {one} and {other} in the next taxonomy, unless a "
            "guideline can say in a sentence what parts them.",
        )
    if there >= _ONE_LEAF:
        return (
            Action.MERGE,
            f"{one} is mostly swallowed by {other}. Look its gold through again; if it is right, "
            f"merge it into {other}, or say in both guidelines what is different.",
        )
    return (
        Action.CLARIFY,
        f"Say in the guidelines of {one} and {other} where the border is, with one of these "
        "products each as an example, and look the confused ones through again.",
    )


def _neighbours_agree(subject: Subject, judged: Judged, confused: np.ndarray) -> int:
    """How many of these rows have mostly gold of the leaf they look like around them."""
    embeddings = subject.embeddings
    rows = confused[:_MOST_QUERIES]
    if not len(rows):
        return 0
    vectors = embeddings.read(embeddings.rows(judged.products))  # (n, D)
    cosines = vectors[rows] @ vectors.T  # (q, D) @ (D, n) -> (q, n)
    copy = np.array([subject.copies[product] for product in judged.products])
    # Neither itself nor its copies count.
    cosines[copy[rows][:, None] == copy[None]] = -np.inf
    return int(_vote(cosines, judged, rows).sum())


def _vote(cosines: FloatArray, judged: Judged, rows: np.ndarray) -> np.ndarray:
    k = min(_NEIGHBOURS, cosines.shape[1] - 1)
    nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]  # (q, k)
    leaves = judged.given[nearest]
    for_it = (leaves == judged.likeliest[rows][:, None]).sum(axis=1)
    for_given = (leaves == judged.given[rows][:, None]).sum(axis=1)
    more: np.ndarray = for_it > for_given
    return more
