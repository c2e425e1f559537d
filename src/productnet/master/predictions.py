"""Predicted categories as a table: the likeliest of each product, with calibrated confidence."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# What a round predicts, in its folder.
PREDICTIONS_FILE = "predictions.parquet"

# The number that stands for a category where a product has none.
NO_CATEGORY = -1

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("product", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
        pa.field("rank", pa.int8(), nullable=False),
    ]
)


def likeliest(
    ids: Sequence[str],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    *,
    count: int,
) -> pa.Table:
    """The ``count`` most probable categories of each product, a row each, likeliest first.

    Args:
        ids: The products (B).
        probabilities: (B, K), in the order of ``classes``.
        classes: The category ids (K).
        count: Rows a product; all categories when there are fewer.

    Returns:
        A table in ``PREDICTION_SCHEMA``; ``rank`` counts from 1.
    """
    kept = min(count, probabilities.shape[1])
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :kept]  # (B, kept)
    return pa.table(
        {
            "product": np.repeat(np.array(ids, dtype=object), kept),
            "category": np.array(classes, dtype=object)[order].ravel(),
            "confidence": np.take_along_axis(probabilities, order, axis=1).ravel(),
            "rank": np.tile(np.arange(1, kept + 1, dtype=np.int8), len(ids)),
        },
        schema=PREDICTION_SCHEMA,
    )
