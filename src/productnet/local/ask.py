"""What a local model is asked for: positives, negatives or ambiguous products (section 2.1)."""

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from productnet.local.model import Floats, Rows


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
    free = np.ones(len(scores), np.bool_)
    free[exclude] = False
    if ask is Ask.POSITIVES:
        return _smallest(-scores, free, count)
    if ask is Ask.AMBIGUOUS:
        return _smallest(np.abs(scores - 0.5), free, count)
    hard = _smallest(np.where(scores < 0.5, -scores, scores), free, (count + 1) // 2)
    free[hard] = False
    sure = _smallest(scores, free, count - len(hard))
    turns = np.concatenate([np.arange(len(hard)) * 2, np.arange(len(sure)) * 2 + 1])
    ranked: Rows = np.concatenate([hard, sure])[np.argsort(turns)]
    return ranked


def _smallest(keys: Floats, free: npt.NDArray[np.bool_], count: int) -> Rows:
    """The free rows of the smallest keys, in order; equal keys in order of row."""
    rows: Rows = np.flatnonzero(free)
    count = min(count, len(rows))
    if count == 0:
        return rows[:0]
    values = keys[rows]
    limit = np.partition(values, count - 1)[count - 1]
    near = rows[values <= limit]
    ordered: Rows = near[np.argsort(keys[near], kind="stable")][:count]
    return ordered
