"""Logistic regression: a fit of a millisecond, and one pass over the pool."""

from typing import Self

import numpy as np
import numpy.typing as npt

from productnet.local.blocks import score_blocks
from productnet.local.fitting import fit_linear
from productnet.local.model import Floats, Matrix


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
        self._weights, self._bias = fit_linear(vectors, labels, weights=weights)
        return self

    def score(self, vectors: Matrix, *, beside: Floats | None = None) -> Floats:
        """Probability of the positive class for each row of (N, D): (N,)."""
        return score_blocks(vectors, self._evidence, bias=self._bias, beside=beside)

    def _evidence(self, block: Floats, beside: Floats | None) -> Floats:
        evidence: Floats = block @ self._weights[: block.shape[1]]  # (B, D) @ (D,) -> (B,)
        if beside is not None:
            evidence += beside * self._weights[-1]
        return evidence
