"""None of these: how known a product looks, and who looks too strange to be of any category.

A product looks as known as its embedding is near to that of the nearest product taught. Of what
was compared on leaves hidden from training (the likeliest category's probability, the energy of
the logits, an output for "none", the distances of Mahalanobis) this tells unknown products best;
see ``benchmarks/calibration.py``.
"""

import numpy as np

from productnet.errors import ModelError, UsageError
from productnet.master.held_out import Floats

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


def least_familiarity(unknown: Floats, *, false_accept: float) -> float:
    """How known a product has to look, so that few of an unknown leaf are taken.

    Args:
        unknown: (U,) of products whose leaf was hidden from training.
        false_accept: Share of the unknown ones that may look known enough, between 0 and 1.

    Raises:
        UsageError: The share is not between 0 and 1.
        ModelError: No leaves were hidden, or too few products to tell such a share.
    """
    if not 0 < false_accept < 1:
        raise UsageError(
            "The false-accept rate is a share between 0 and 1, both excluded, such as 0.05; not "
            f"{false_accept}."
        )
    fewest = int(np.ceil(1 / false_accept))
    if len(unknown) < fewest:
        raise ModelError(
            f"A false-accept rate of {false_accept} needs {fewest} products of hidden leaves; this "
            f"model was calibrated with {len(unknown)}. Train it with folds=5 on six categories "
            "or more, or allow a higher rate."
        )
    # As a conformal quantile: the next unknown product is above it with chance false_accept at
    # most.
    place = int(np.ceil((len(unknown) + 1) * (1 - false_accept) - 1e-9))
    return float(np.nextafter(np.sort(unknown)[min(place, len(unknown)) - 1], np.inf))
