"""``nearest``: products close to one of the leaf's positives and not to its negatives."""

from collections.abc import Iterable, Sequence
from textwrap import shorten

import numpy as np

from productnet.embeddings.nearest import Best, rows_per_block
from productnet.local.model import Floats, Rows
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.resources import Resources, Vectors

# A leaf's labels compared with, drawn when it has more: cost stays that of a small matrix product.
_MOST_COMPARED = 64

# How much nearness to a negative takes away from nearness to a positive.
_NEGATIVE_SHARE = 0.5

# A pool of the size that is still scored whole is compared with so many labels, which takes three
# times as long; with more of them, only what is near a positive is.
_COMPARED_WHOLE = 8

# Products compared for each one asked for, of those near one positive.
_CANDIDATES_PER_RESULT = 4

# Characters of a title that a reason repeats.
_QUOTED = 60


class Nearest:
    """Looks around the positives; while there are none, keyword search serves (rule 5)."""

    keeps_order = False

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The products close to the leaf's positives, closest first."""
        embeddings = resources.active_embeddings
        positives = _some(leaf.positives, embeddings, rng)
        if not len(positives):
            return Keyword().rank(leaf, resources, count=count, rng=rng)
        negatives = _some(leaf.negatives, embeddings, rng)
        compared = _Compared(embeddings.read(positives), embeddings.read(negatives))
        hidden = np.sort(_known(leaf.hidden, embeddings))
        comparisons = len(embeddings.ids) * len(compared)
        if comparisons <= _COMPARED_WHOLE * resources.project.settings.candidates.exact_up_to:
            rows, scores = _closest(compared, embeddings.vectors, hidden, count)
        else:
            each = _CANDIDATES_PER_RESULT * count
            near = resources.active_neighbourhoods.around(
                positives, each=each, hidden=hidden, fewest=count
            )
            near = np.setdiff1d(near, hidden, assume_unique=True)
            rows, scores = _closest(compared, embeddings.read(near), hidden[:0], count)
            rows = near[rows]
        like = positives[compared.closest(embeddings.read(rows))]
        titles = resources.titles({embeddings.ids[int(one)].as_py() for one in like})
        return [
            Candidate(
                product=embeddings.ids[int(row)].as_py(),
                source="nearest",
                score=float(score),
                reason=f'like "{shorten(titles[embeddings.ids[int(one)].as_py()], _QUOTED)}"',
            )
            for row, score, one in zip(rows, np.clip(scores, 0, 1), like, strict=True)
        ]


class _Compared:
    """What products are compared with.

    Args:
        towards: The positives (P, D), one at least.
        away: The negatives (Q, D).
    """

    def __init__(self, towards: Floats, away: Floats) -> None:
        self._towards = towards
        self._away = away

    def __len__(self) -> int:
        return len(self._towards) + len(self._away)

    def closeness(self, vectors: Floats) -> Floats:
        """How close each of these (n, D) is: (n,), at most 1."""
        near: Floats = (self._towards @ vectors.T).max(axis=0)  # (P, D) @ (D, n) -> (P, n) -> (n,)
        near += 1
        near /= 2
        if len(self._away):
            far = (self._away @ vectors.T).max(axis=0)  # (Q, n) -> (n,)
            near -= _NEGATIVE_SHARE * (1 + far) / 2
        return near

    def closest(self, vectors: Floats) -> Rows:
        """Which positive each of these (n, D) is closest to (n,)."""
        places: Rows = (self._towards @ vectors.T).argmax(axis=0)
        return places


def _closest(compared: _Compared, vectors: Floats, hidden: Rows, count: int) -> tuple[Rows, Floats]:
    """Rows and closeness (at most ``count``,) of the closest that are not hidden, in order."""
    best = Best(count)
    size = rows_per_block(len(compared))
    for start in range(0, len(vectors), size):
        scores = compared.closeness(vectors[start : start + size])
        first, last = np.searchsorted(hidden, [start, start + size])
        scores[hidden[first:last] - start] = -np.inf
        best.add(start, scores)
    found = np.isfinite(best.scores)
    return best.rows[found], best.scores[found]


def _known(products: Iterable[str], embeddings: Vectors) -> Rows:
    rows = np.asarray(embeddings.rows(list(products)), np.int64)
    return rows[rows >= 0]


def _some(products: Sequence[str], embeddings: Vectors, rng: np.random.Generator) -> Rows:
    rows = _known(products, embeddings)
    if len(rows) <= _MOST_COMPARED:
        return rows
    return np.sort(rng.choice(rows, _MOST_COMPARED, replace=False))
