"""None of these: how known a product looks, and who looks too strange to be of any category.

A product looks as known as its embedding is near to the middle of the nearest category, in the
measure of how far products of one category lie from their middle (the distance of Mahalanobis; Lee
et al. 2018, *A Simple Unified Framework for Detecting Out-of-Distribution Samples*). Of what was
compared on leaves hidden from training (the likeliest category's probability, the energy of the
logits, an output for "none", the nearest product taught) this tells unknown products best, if by
little before the nearest product; see ``benchmarks/calibration.py``.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from productnet.errors import ModelError
from productnet.master.held_out import Floats, Integers, check_share

# More leaves than there are.
_COUNTLESS = 1e12


@dataclass(frozen=True, slots=True)
class Familiar:
    """Where the products taught lie.

    Attributes:
        centres: (k, D) float32, the middle of each category, whitened.
        whiten: (D, D) float32, after which products lie alike around their middle in every
            direction.
    """

    centres: np.ndarray
    whiten: np.ndarray

    @classmethod
    def of(cls, vectors: np.ndarray, classes: np.ndarray) -> Self:
        """Of the products taught.

        The covariance is shrunk (Ledoit and Wolf 2004): there may be fewer products than
        dimensions.

        Args:
            vectors: (N, D) of length one, one at least.
            classes: (N,) number of the category of each.
        """
        from sklearn.covariance import ledoit_wolf

        present, numbers = np.unique(classes, return_inverse=True)
        means = np.zeros((len(present), vectors.shape[1]))
        np.add.at(means, numbers, vectors.astype(np.float64))
        means /= np.bincount(numbers)[:, None]
        spread, _ = ledoit_wolf(vectors - means[numbers], assume_centered=True)
        # Products that all lie in the middle of their category have no spread at all.
        floor = np.eye(len(spread)) * max(1e-6, 1e-3 * float(np.trace(spread)) / len(spread))
        whiten = np.linalg.cholesky(np.linalg.inv(spread + floor))  # (D, D)
        return cls((means @ whiten).astype(np.float32), whiten.astype(np.float32))

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        """How known each product looks, (N,), by its embedding (N, D): minus a squared distance."""
        white = vectors @ self.whiten  # (N, D)
        apart = (
            np.square(white).sum(axis=1)[:, None]
            - 2 * white @ self.centres.T
            + np.square(self.centres).sum(axis=1)
        )  # (N, k)
        return np.asarray(-apart.min(axis=1))


def least_familiarity(unknown: Floats, leaves: Integers, *, false_accept: float) -> float:
    """How known a product has to look, so that few of an unknown leaf are taken.

    Products of one leaf look alike, so what is promised is promised of leaves: of a new leaf like
    the hidden ones this share of its products, at most, is taken on the average (conformal risk
    control; Angelopoulos et al. 2022, theorem 1, with a leaf for an observation).

    Args:
        unknown: (U,) how known products look whose leaf was hidden from training.
        leaves: (U,) number of the leaf of each.
        false_accept: Share of an unknown leaf's products that may look known enough, 0 to 1.

    Raises:
        UsageError: The share is not between 0 and 1.
        ModelError: Too few leaves were hidden to tell such a share.
    """
    check_share(false_accept, "The false-accept rate", such_as=0.05)
    count = len(np.unique(leaves))
    if count < (fewest := hidden_leaves_for(false_accept)):
        raise ModelError(
            f"A false-accept rate of {false_accept} needs {fewest} hidden leaves; this model was "
            f"calibrated with {count}. Train it with folds=5 on more categories, or allow a higher "
            "rate."
        )
    # Each leaf counts the same, however many products it has.
    weights = 1 / np.bincount(leaves)[leaves]
    order = np.argsort(-unknown, kind="stable")
    taken = np.cumsum(weights[order])  # (U,): summed rates when down to this one all are taken
    # A leaf that is still to come may be taken whole.
    allowed = int(np.searchsorted(taken, (count + 1) * false_accept - 1 + 1e-9, side="right"))
    if allowed == len(order):
        return -np.inf
    return float(np.nextafter(unknown[order[allowed]], np.inf))


def hidden_leaves_for(false_accept: float) -> int:
    """The fewest hidden leaves that can promise a false-accept rate."""
    # A rate may be so small that one over it is no number any more.
    return int(np.ceil(min(1 / false_accept, _COUNTLESS) - 1 - 1e-9))
