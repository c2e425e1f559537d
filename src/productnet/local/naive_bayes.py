"""Gaussian naive Bayes, its variances shrunk towards the pool's until there are many labels."""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from productnet.local.blocks import score_blocks
from productnet.local.model import Floats, Matrix

# A class's own variance counts half once this many products say what it is.
_PRIOR_PRODUCTS = 30.0

# Of a class in a coordinate, as a share of the average variance: no coordinate is a proof by
# itself, and one that never varied among the labels says nothing.
_LEAST_VARIANCE = 0.01

# Coordinates are taken as independent, which they are not, so the evidence is counted many times.
# It is scaled until the average example has these log-odds, as with logistic regression.
_AVERAGE_LOG_ODDS = 3.0


class NaiveBayes:
    """A Gaussian a class and coordinate; both classes are as likely before anything is known."""

    def __init__(self) -> None:
        self._of_squares = np.zeros(0, np.float32)  # (D,)
        self._of_vectors = np.zeros(0, np.float32)  # (D,)
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
        exact = vectors.astype(np.float64)
        squares = exact**2
        weight = np.ones(len(vectors)) if weights is None else weights.astype(np.float64)
        pool = _gaussian(exact, squares, weight).variances
        yes, no = (
            _gaussian(exact, squares, weight * side).shrunk_to(pool) for side in (labels, ~labels)
        )
        # log N(x; yes) - log N(x; no), sorted by powers of x.
        of_squares = (1 / no.variances - 1 / yes.variances) / 2
        of_vectors = yes.means / yes.variances - no.means / no.variances
        constants = np.log(no.variances / yes.variances)
        constants += no.means**2 / no.variances - yes.means**2 / yes.variances
        bias = constants.sum() / 2
        log_odds = squares @ of_squares + exact @ of_vectors + bias
        average = np.average(np.abs(log_odds), weights=weight)
        scale = _AVERAGE_LOG_ODDS / max(average, np.finfo(np.float32).tiny)
        self._of_squares = (scale * of_squares).astype(np.float32)
        self._of_vectors = (scale * of_vectors).astype(np.float32)
        self._bias = float(scale * bias)
        return self

    def score(self, vectors: Matrix, *, beside: Floats | None = None) -> Floats:
        """How much likelier the positive class makes each row of (N, D), 0 to 1: (N,)."""
        return score_blocks(vectors, self._evidence, bias=self._bias, beside=beside)

    def _evidence(self, block: Floats, beside: Floats | None) -> Floats:
        dimension = block.shape[1]
        evidence: Floats = np.square(block) @ self._of_squares[:dimension]  # (B, D) -> (B,)
        evidence += block @ self._of_vectors[:dimension]
        if beside is not None:
            evidence += (beside * self._of_squares[-1] + self._of_vectors[-1]) * beside
        return evidence


class _Gaussian(NamedTuple):
    """Means (D,) and variances (D,) as so many products of equal weight would give them."""

    means: npt.NDArray[np.float64]
    variances: npt.NDArray[np.float64]
    products: float

    def shrunk_to(self, pool: npt.NDArray[np.float64]) -> "_Gaussian":
        """The same, its variances averaged with what those of the pool (D,) let expect.

        That is half-way, on a logarithmic scale, from each to their average. As they are, the
        many coordinates of little variance would decide; by the average alone it is forgotten
        which coordinates tell products apart.
        """
        average = max(pool.mean(), np.finfo(np.float32).tiny)
        expected = np.sqrt(pool * average)
        total = self.products * self.variances + _PRIOR_PRODUCTS * expected
        shrunk = total / (self.products + _PRIOR_PRODUCTS)
        return self._replace(variances=np.maximum(shrunk, _LEAST_VARIANCE * average))


def _gaussian(
    vectors: npt.NDArray[np.float64],
    squares: npt.NDArray[np.float64],
    weights: npt.NDArray[np.float64],
) -> _Gaussian:
    share = weights / weights.sum()
    means = share @ vectors  # (n,) @ (n, D) -> (D,)
    variances = np.maximum(share @ squares - means**2, 0)
    return _Gaussian(means, variances, float(1 / (share**2).sum()))  # Kish's effective size
