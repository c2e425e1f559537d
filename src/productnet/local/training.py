"""Training a local model on what people said of a leaf, and on products presumed negative."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from productnet.local.blocks import one_blas_thread
from productnet.local.model import Floats, LocalModel, Matrix, Rows
from productnet.local.registry import LOCAL_MODELS

# Rule 5: products drawn at random are presumed negative, each worth a tenth of a person's word.
PRESUMED_NEGATIVES = 100
PRESUMED_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Rows of the embedding matrix that people decided on; (p,) and (q,), neither empty."""

    positives: Rows
    negatives: Rows

    def within(self, part: Rows) -> "LabelledRows":
        """Where in a part of the matrix they are; its rows (n,) ascend and hold all of them."""
        return LabelledRows(
            np.searchsorted(part, self.positives), np.searchsorted(part, self.negatives)
        )


@dataclass(frozen=True, slots=True)
class Examples:
    """What a model of a leaf is trained on.

    Attributes:
        rows: (n,) of the embedding matrix.
        labels: (n,) whether each is a positive.
        weights: (n,) how much it counts.
        told: (n,) whether a person said so; the others are presumed negative.
    """

    rows: Rows
    labels: npt.NDArray[np.bool_]
    weights: Floats
    told: npt.NDArray[np.bool_]


def draw_examples(
    labelled: LabelledRows, *, size: int, seed: int, by_chance: Rows | None = None
) -> Examples:
    """What people said of a leaf, and products presumed negative.

    Args:
        labelled: What people said.
        size: Of the pool (N), or of the part of it that the rows are of.
        seed: Draws the presumed negatives.
        by_chance: Of a part, the rows (c,) that chance put there: presumed negatives are drawn
            from them. None for the whole pool.
    """
    presumed = _presumed_negatives(size, by_chance, labelled, seed=seed)
    rows = np.concatenate([labelled.positives, labelled.negatives, presumed])
    labels = np.arange(len(rows)) < len(labelled.positives)
    told = np.arange(len(rows)) < len(rows) - len(presumed)
    weights = np.where(told, 1, PRESUMED_WEIGHT).astype(np.float32)
    # Together both classes weigh the same, and a positive as much as one answer.
    for side in (labels, ~labels):
        weights[side] *= len(labelled.positives) / weights[side].sum()
    return Examples(rows, labels, weights, told)


def fit_leaf(
    name: str, vectors: Matrix, examples: Examples, *, seed: int, beside: Floats | None = None
) -> LocalModel:
    """Train a local model.

    Args:
        name: A name of ``LOCAL_MODELS``.
        vectors: The whole pool (N, D), memory-mapped or not, or a part of it.
        examples: Rows of it, and what they are.
        seed: Of whatever the model draws.
        beside: One more coordinate (N,) of every row; the model is then to score with it.
    """
    model = LOCAL_MODELS[name]()
    known = np.asarray(vectors[examples.rows], np.float32)  # (n, D)
    if beside is not None:
        known = np.column_stack([known, beside[examples.rows]])  # (n, D + 1)
    with one_blas_thread():
        return model.fit(known, examples.labels, weights=examples.weights, seed=seed)


def _presumed_negatives(
    pool_size: int, by_chance: Rows | None, labelled: LabelledRows, *, seed: int
) -> Rows:
    rng = np.random.default_rng(seed)
    known = np.concatenate([labelled.positives, labelled.negatives])
    size = pool_size if by_chance is None else len(by_chance)
    drawn = rng.choice(size, min(size, PRESUMED_NEGATIVES), replace=False)
    rows: Rows = drawn if by_chance is None else by_chance[drawn]
    return np.sort(rows[~np.isin(rows, known)])
