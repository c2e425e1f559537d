"""``nearest``: products close to one of the leaf's positives and not to its negatives."""

from collections.abc import Sequence

import numpy as np

from productnet.local.ask import Ask, rank
from productnet.local.model import Floats, Rows
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.resources import Resources

# A leaf's labels compared with, drawn when it has more: cost stays that of a small matrix product.
_MOST_COMPARED = 64

# How much nearness to a negative takes away from nearness to a positive.
_NEGATIVE_SHARE = 0.5

# Rows compared at a time.
_BLOCK = 65_536


class Nearest:
    """Looks around the positives; while there are none, keyword search serves (rule 5)."""

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The products close to the leaf's positives, closest first."""
        positives = _some(leaf.positives, resources, rng)
        if not len(positives):
            return Keyword().rank(leaf, resources, count=count, rng=rng)
        embeddings = resources.embeddings
        negatives = _some(leaf.negatives, resources, rng)
        score, closest = _closeness(embeddings.vectors, positives, negatives)
        hidden = resources.rows(leaf.hidden)
        chosen = rank(score, Ask.POSITIVES, count=count, exclude=hidden)
        ids = embeddings.ids
        return [
            Candidate(
                ids[int(row)].as_py(),
                "nearest",
                float(score[row]),
                f'like "{ids[int(positives[closest[row]])].as_py()}"',
            )
            for row in chosen
        ]


def _some(products: Sequence[str], resources: Resources, rng: np.random.Generator) -> Rows:
    rows = resources.rows(products)
    if len(rows) <= _MOST_COMPARED:
        return rows
    return np.sort(rng.choice(rows, _MOST_COMPARED, replace=False))


def _closeness(vectors: Floats, positives: Rows, negatives: Rows) -> tuple[Floats, Rows]:
    """Closeness of every product (N,), 0 to 1, and which positive it is closest to (N,)."""
    score = np.empty(len(vectors), np.float32)
    closest = np.empty(len(vectors), np.int64)
    towards = np.asarray(vectors[positives], np.float32).T  # (D, P)
    away = np.asarray(vectors[negatives], np.float32).T  # (D, Q)
    for start in range(0, len(vectors), _BLOCK):
        rows = slice(start, start + _BLOCK)
        block = np.asarray(vectors[rows], np.float32)  # (B, D)
        near = block @ towards  # (B, D) @ (D, P) -> (B, P)
        closest[rows] = near.argmax(axis=1)
        score[rows] = (1 + near.max(axis=1)) / 2
        if away.shape[1]:
            score[rows] -= _NEGATIVE_SHARE * (1 + (block @ away).max(axis=1)) / 2
    return np.clip(score, 0, 1), closest
