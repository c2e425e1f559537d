"""Calibration: the temperature that makes probabilities mean what they say.

Guo et al. 2017, *On Calibration of Modern Neural Networks*, section 4.2: logits are divided by
one number, found on products that training did not see. Which class is first never changes.
Targets are softened as in Platt 1999, *Probabilistic Outputs for Support Vector Machines*,
section 2.2: from n products that are all right, nobody can know that fewer than one in n is wrong.
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

# A temperature outside of these would say that calibration failed, not what it found.
_LOWEST, _HIGHEST = 0.05, 20.0

# Predictions a bin: of fewer, what came true is mostly chance.
_FEWEST = 20


def fit_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    """The temperature that makes held-out truth most likely.

    Args:
        logits: (N, K) of products held out of training.
        classes: (N,) true class of each.

    Returns:
        A number above zero; 1 when there are no products.
    """
    if not len(logits):
        return 1.0
    rows = np.arange(len(classes))
    doubt = 1 / (len(classes) + 2)

    def loss(log_temperature: float) -> float:
        scores = log_softmax(logits / np.exp(log_temperature), axis=1)  # (N, K)
        return -float((1 - doubt) * scores[rows, classes].mean() + doubt * scores.mean())

    best = minimize_scalar(loss, bounds=(np.log(_LOWEST), np.log(_HIGHEST)), method="bounded")
    return float(np.exp(best.x))


def equal_mass_error(confidence: np.ndarray, correct: np.ndarray, *, bins: int = 10) -> float:
    """Mean gap between claim and truth, over bins of equally many predictions, 0 to 1.

    Args:
        confidence: (N,) claimed probabilities.
        correct: (N,) whether it came true.
        bins: Number of bins; fewer where that would leave less than 20 predictions to one.
    """
    order = np.argsort(confidence, kind="stable")
    claimed, gaps = confidence[order], (confidence - correct)[order]
    count = max(1, min(bins, len(order) // _FEWEST))
    cuts = np.arange(1, count) * len(order) // count
    # Equal claims are in one bin, wherever in the order of rows they came.
    cuts = np.unique(np.searchsorted(claimed, claimed[cuts - 1], side="right"))
    sums = np.add.reduceat(gaps, np.append(0, cuts[cuts < len(order)]))
    return float(np.abs(sums).sum() / len(order))
