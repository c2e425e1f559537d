"""Logistic regression: fitted by scikit-learn, scored by one matrix product in blocks."""

from typing import Self

import numpy as np
import numpy.typing as npt

from productnet.local.model import Floats

# Rows scored at a time: 64 MB of float32 at 256 dimensions, whatever the size of the pool.
_BLOCK = 65_536

# Weak regularisation: the rows are unit vectors, whose coordinates are small.
_INVERSE_REGULARISATION = 10.0


class LogisticRegression:
    """The linear local model."""

    def __init__(self) -> None:
        self._weights = np.zeros(0, np.float32)  # (D,)
        self._bias = np.float32(0)

    def fit(
        self,
        vectors: Floats,
        labels: npt.NDArray[np.bool_],
        *,
        weights: Floats | None = None,
        seed: int,
    ) -> Self:
        """Learn from vectors (n, D) and labels (n,); the solver draws nothing, seed is unused."""
        from sklearn.linear_model import LogisticRegression as Solver

        solver = Solver(C=_INVERSE_REGULARISATION, tol=1e-3, max_iter=1_000)
        solver.fit(vectors, labels, sample_weight=weights)
        self._weights = solver.coef_[0].astype(np.float32)
        self._bias = np.float32(solver.intercept_[0])
        return self

    def score(self, vectors: Floats) -> Floats:
        """Probability of the positive class for each row of (N, D): (N,)."""
        scores = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), _BLOCK):
            block = np.asarray(vectors[start : start + _BLOCK], np.float32)
            scores[start : start + _BLOCK] = block @ self._weights  # (B, D) -> (B,)
        scores += self._bias
        # A logit beyond 30 is 0 or 1 in float32; exp must not overflow.
        np.clip(scores, -30, 30, out=scores)
        odds: Floats = np.exp(scores)
        return odds / (1 + odds)
