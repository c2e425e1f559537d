"""What a local model is asked for: positives, negatives or ambiguous products (section 2.1)."""

from enum import StrEnum

import numpy as np

from productnet.local.model import BOUNDARY, Floats, Rows


class Ask(StrEnum):
    """Which end of a local model's scores a page is taken from."""

    POSITIVES = "positives"
    NEGATIVES = "negatives"
    AMBIGUOUS = "ambiguous"


def rank(scores: Floats, ask: Ask, *, count: int, exclude: Rows) -> Rows:
    """The rows that answer best, best first; fewer than ``count`` only when no more are left.

    Args:
        scores: Of every product (N,), 0 to 1.
        ask: Positives are the surest ones; ambiguous ones are nearest to the boundary. Negatives
            take turns: the hardest (just below the boundary), then the surest.
        count: How many.
        exclude: Rows not to answer with.
    """
    if ask is Ask.POSITIVES:
        return _smallest(-scores, exclude, count)
    if ask is Ask.AMBIGUOUS:
        return _smallest(np.abs(scores - np.float32(BOUNDARY)), exclude, count)
    hard = _smallest(np.where(scores < BOUNDARY, -scores, scores), exclude, (count + 1) // 2)
    sure = _smallest(scores.copy(), np.concatenate([exclude, hard]), count - len(hard))
    turns = np.concatenate([np.arange(len(hard)) * 2, np.arange(len(sure)) * 2 + 1])
    ranked: Rows = np.concatenate([hard, sure])[np.argsort(turns)]
    return ranked


def _smallest(keys: Floats, exclude: Rows, count: int) -> Rows:
    """The rows of the smallest keys, in order; equal keys in order of row. Overwrites the keys."""
    keys[exclude] = np.inf
    count = min(count, int(np.count_nonzero(keys < np.inf)))
    if count == 0:
        return np.empty(0, np.int64)
    limit = np.partition(keys, count - 1)[count - 1]
    below = np.flatnonzero(keys < limit)
    # A million products may be equal; no more of them than wanted are sorted.
    equal = np.flatnonzero(keys == limit)[: count - len(below)]
    ordered: Rows = np.concatenate([below[np.argsort(keys[below], kind="stable")], equal])
    return ordered
