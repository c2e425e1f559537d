"""None of these: how known a product looks, and who looks too strange to be of any category.

A product looks as known as its embedding is near to that of the nearest product taught. Of what
was compared on leaves hidden from training (the likeliest category's probability, the energy of
the logits, an output for "none", the distances of Mahalanobis) this tells unknown products best;
see ``benchmarks/calibration.py``.
"""

import numpy as np

from productnet.errors import ModelError, UsageError
from productnet.master.held_out import Floats, Integers

# Cosines held at a time: 64 MB.
_AT_ONCE = 2**24


def familiarity(vectors: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """How known each product looks, (N,): the cosine to the nearest product taught, -1 to 1.

    Args:
        vectors: (N, D) of length one.
        taught: (M, D) of length one; without any, nothing looks known.
    """
    nearest = np.full(len(vectors), -1.0, np.float32)
    if not len(taught):
        return nearest
    block = max(1, _AT_ONCE // len(taught))
    columns = np.ascontiguousarray(taught, np.float32).T
    for start in range(0, len(vectors), block):
        part = slice(start, start + block)
        nearest[part] = (vectors[part] @ columns).max(axis=1)
    return nearest


def least_familiarity(unknown: Floats, leaves: Integers, *, false_accept: float) -> float:
    """How known a product has to look, so that few of an unknown leaf are taken.

    Products of one leaf look alike, so what is promised is promised of leaves: of a new leaf like
    the hidden ones this share of its products, at most, is taken on the average (conformal risk
    control; Angelopoulos et al. 2022, theorem 1, with a leaf for an observation).

    Args:
        unknown: (U,) how known products look whose leaf was hidden from training.
        leaves: (U,) number of the leaf of each.
        false_accept: Share of an unknown leaf's products that may look known enough, 0 to 1.

    Raises:
        UsageError: The share is not between 0 and 1.
        ModelError: Too few leaves were hidden to tell such a share.
    """
    if not 0 < false_accept < 1:
        raise UsageError(
            "The false-accept rate is a share between 0 and 1, both excluded, such as 0.05; not "
            f"{false_accept}."
        )
    count = len(np.unique(leaves))
    if count < (fewest := hidden_leaves_for(false_accept)):
        raise ModelError(
            f"A false-accept rate of {false_accept} needs {fewest} hidden leaves; this model was "
            f"calibrated with {count}. Train it with folds=5 on more categories, or allow a higher "
            "rate."
        )
    # Each leaf counts the same, however many products it has.
    weights = 1 / np.bincount(leaves)[leaves]
    order = np.argsort(-unknown, kind="stable")
    taken = np.cumsum(weights[order])  # (U,): summed rates when down to this one all are taken
    # A leaf that is still to come may be taken whole.
    allowed = int(np.searchsorted(taken, (count + 1) * false_accept - 1 + 1e-9, side="right"))
    if allowed == len(order):
        return -np.inf
    return float(np.nextafter(unknown[order[allowed]], np.inf))


def hidden_leaves_for(false_accept: float) -> int:
    """The fewest hidden leaves that can promise a false-accept rate."""
    return int(np.ceil(1 / false_accept - 1 - 1e-9))
