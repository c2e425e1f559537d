"""Logistic regression over the words of products: what texts of a leaf say that others do not."""

from typing import Self

import numpy as np
import numpy.typing as npt
from scipy import sparse

from productnet.local.fitting import fit_linear
from productnet.local.model import Floats


class WordModel:
    """A linear model over terms.

    Attributes:
        weights: (V,) of each term; zero for one that not two examples have.
        bias: Of every product.
    """

    def __init__(self) -> None:
        self.weights = np.zeros(0, np.float32)
        self.bias = 0.0

    def fit(
        self, terms: sparse.csr_array, labels: npt.NDArray[np.bool_], *, weights: Floats
    ) -> Self:
        """Learn from rows (n, V), both classes among them, each counting as weights (n,) say."""
        # Of some thousands of terms most are in one example alone. They say little of others,
        # and with them a fit takes three times as long.
        held, examples = np.unique(terms.indices, return_counts=True)
        held = held[examples > 1]
        self.weights = np.zeros(terms.shape[1], np.float32)
        if len(held):
            self.weights[held], self.bias = fit_linear(terms[:, held], labels, weights=weights)
        return self
