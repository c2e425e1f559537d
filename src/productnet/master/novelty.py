"""None of these: how known a product looks, and who looks too strange to be of any category."""

import numpy as np
from scipy.special import logsumexp

from productnet.errors import ModelError, UsageError
from productnet.master.held_out import Floats


def familiarity(logits: np.ndarray) -> np.ndarray:
    """How known each product looks, (N,), from the logits of the categories, (N, K).

    The logarithm of the summed exponentials of logits, which is minus the free energy (Liu et al.
    2020, *Energy-based Out-of-distribution Detection*). It is high where some category fits, be it
    one or several; a probability only says which fits best.
    """
    return np.asarray(logsumexp(logits, axis=1))


def least_familiarity(known: Floats, unknown: Floats, *, false_accept: float) -> float:
    """How known a product has to look, so that few of an unknown leaf are taken.

    Args:
        known: (M,) of held-out products of the leaves.
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
