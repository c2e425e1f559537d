"""Logistic regression: a fit of a millisecond, and one pass over the pool."""

from typing import Self

import numpy as np
import numpy.typing as npt

from productnet.local.blocks import score_blocks
from productnet.local.fitting import PullBack, fit_by_lbfgs
from productnet.local.model import Floats, Matrix

# A bound only: a fit takes about ten.
_STEPS = 1_000


class LogisticRegression:
    """The linear local model."""

    def __init__(self) -> None:
        self._weights = np.zeros(0, np.float32)  # (D,)
        self._bias = 0.0

    def fit(
        self,
        vectors: Floats,
        labels: npt.NDArray[np.bool_],
        *,
        weights: Floats | None = None,
        seed: int,
    ) -> Self:
        """Learn from vectors (n, D) and labels (n,); nothing is drawn, seed is unused."""

        def log_odds(parameters: Floats) -> tuple[Floats, PullBack]:
            odds = vectors @ parameters[:-1] + parameters[-1]  # (n, D) @ (D,) -> (n,)
            return odds, lambda by_odds: np.append(by_odds @ vectors, by_odds.sum())

        start = np.zeros(vectors.shape[1] + 1, np.float32)
        found = fit_by_lbfgs(log_odds, start, labels=labels, weights=weights, steps=_STEPS)
        self._weights, self._bias = found[:-1], float(found[-1])
        return self

    def score(self, vectors: Matrix) -> Floats:
        """Probability of the positive class for each row of (N, D): (N,)."""
        return score_blocks(vectors, lambda block: block @ self._weights, bias=self._bias)
