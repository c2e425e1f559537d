"""Fitting by L-BFGS: the parameters that make weighted cross-entropy least.

scikit-learn finds the same, but a fit to a few hundred labels takes it four times as long, most
of it spent on checking its arguments, and an annotator is waiting.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

from productnet.local.model import Floats

# The inverse of scikit-learn's C. Weak: rows are unit vectors, whose coordinates are small.
REGULARISATION = 0.1

# Where no part of the gradient exceeds this, the scores no longer change visibly.
_TOLERANCE = 1e-3

# A bound only: logistic regression takes about ten.
_LINEAR_STEPS = 1_000

# Takes the gradient by log-odds (n,) back to the one by parameters (p,).
PullBack = Callable[[Floats], Floats]


def fit_linear(
    vectors: Floats | sparse.csr_array, labels: npt.NDArray[np.bool_], *, weights: Floats | None
) -> tuple[Floats, float]:
    """Weights (D,) and bias of logistic regression of labels (n,) on rows (n, D).

    Each row counts as its weight (n,) says; all the same when None.
    """

    def log_odds(parameters: Floats) -> tuple[Floats, PullBack]:
        odds = vectors @ parameters[:-1] + parameters[-1]  # (n, D) @ (D,) -> (n,)
        return odds, lambda by_odds: np.append(by_odds @ vectors, by_odds.sum())

    start = np.zeros(vectors.shape[1] + 1, np.float32)
    found = fit_by_lbfgs(log_odds, start, labels=labels, weights=weights, steps=_LINEAR_STEPS)
    return found[:-1], float(found[-1])


def fit_by_lbfgs(
    model: Callable[[Floats], tuple[Floats, PullBack]],
    start: Floats,
    *,
    labels: npt.NDArray[np.bool_],
    weights: Floats | None,
    steps: int,
) -> Floats:
    """Parameters (p,), which minimise cross-entropy and half of ``REGULARISATION`` their square.

    Args:
        model: Parameters to the log-odds (n,) of every example, in single precision.
        start: Parameters (p,) to start from; the last one, the bias, is not regularised.
        labels: Of every example (n,).
        weights: How much each example counts (n,); 1 when None.
        steps: At most so many.
    """
    targets = labels.astype(np.float32)
    weights = np.ones(len(targets), np.float32) if weights is None else weights
    total = float(weights.sum())

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        log_odds, pull_back = model(parameters.astype(np.float32))
        losses = np.logaddexp(0, log_odds) - targets * log_odds
        regular = REGULARISATION * parameters
        regular[-1] = 0
        gradient = regular + pull_back(weights * (expit(log_odds) - targets))
        value = float(weights @ losses) + float(regular @ parameters) / 2
        return value / total, gradient / total

    options = {"maxiter": steps, "gtol": _TOLERANCE}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    parameters: Floats = found.x.astype(np.float32)
    return parameters
