"""A local model: a binary classifier of one leaf over the embeddings (paper section 2.1)."""

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


class LocalModel(Protocol):
    """What a local model does, whatever is behind it."""

    def fit(
        self,
        vectors: Floats,
        labels: npt.NDArray[np.bool_],
        *,
        weights: Floats | None = None,
        seed: int,
    ) -> Self:
        """Learn from vectors (n, D) and labels (n,), both classes among them; same seed, same fit.

        Weights (n,) say how much each row counts; all the same when None.
        """
        ...

    def score(self, vectors: Floats) -> Floats:
        """How likely each row of (N, D) is positive: (N,), 0 to 1, not calibrated."""
        ...
