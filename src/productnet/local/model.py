"""A local model: a binary classifier of one leaf over the embeddings (paper section 2.1)."""

from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

# Embeddings as they are stored, memory-mapped or not.
Matrix = npt.NDArray[np.float16] | npt.NDArray[np.float32]

# A product scored so much is as likely positive as not; a higher score takes it for a positive.
BOUNDARY = 0.5


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

    def score(self, vectors: Matrix, *, beside: Floats | None = None) -> Floats:
        """How likely each row of (N, D) is positive: (N,), 0 to 1.

        ``beside`` (N,) is one more coordinate, the last of those that were fitted: a large matrix
        of vectors need not be copied to have it.

        Scores put products in order, and one at ``BOUNDARY`` is at the model's boundary. They are
        not calibrated: of products scored 0.9, nine in ten need not be positive. A row of zeros,
        of a product nothing is known of, is scored as the median of the others.
        """
        ...
