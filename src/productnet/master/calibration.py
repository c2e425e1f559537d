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
