"""Logistic regression: fitted by scikit-learn, scored by one pass over the pool."""

from typing import Self

import numpy as np
import numpy.typing as npt

from productnet.local.blocks import score_blocks
from productnet.local.model import Floats, Matrix

# Weak regularisation: the rows are unit vectors, whose coordinates are small.
INVERSE_REGULARISATION = 10.0


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
        """Learn from vectors (n, D) and labels (n,); the solver draws nothing, seed is unused."""
        from sklearn.linear_model import LogisticRegression as Solver

        solver = Solver(C=INVERSE_REGULARISATION, tol=1e-3, max_iter=1_000)
        solver.fit(vectors, labels, sample_weight=weights)
        self._weights = solver.coef_[0].astype(np.float32)
        self._bias = float(solver.intercept_[0])
        return self

    def score(self, vectors: Matrix) -> Floats:
        """Probability of the positive class for each row of (N, D): (N,)."""
        return score_blocks(vectors, lambda block: block @ self._weights, bias=self._bias)
