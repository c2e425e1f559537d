"""Categories for a feed before there is any label: no project, no model, no training."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from productnet.catalog.schema import ID
from productnet.errors import UsageError
from productnet.master.certainty import DECIDED_SCHEMA
from productnet.master.hierarchy import Tree
from productnet.progress import SILENT, Progress
from productnet.retrieval.zero_shot import METHOD, ZeroShot
from productnet.serving.feeds.products import FeedProducts
from productnet.serving.feeds.resumed import Written, write_resumed
from productnet.serving.feeds.tables import DEEPEST, deepest_columns

# Least confidence at which a leaf is named. On the sets of docs/search.md it leaves out most of
# what is wrong where texts say little, and little where they say what a product is.
LEAST = 0.5

_SCHEMA = pa.schema(
    [
        *DECIDED_SCHEMA,
        pa.field("path", pa.string(), nullable=False),
        *DEEPEST,
        pa.field("method", pa.string(), nullable=False),
    ]
)

# Products that are shown of what was written.
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Guessed:
    """What was written, and its first rows.

    Attributes:
        written: The file.
        examples: Rows of the first products.
    """

    written: Written
    examples: list[dict[str, object]]


def guess_feed(
    zero_shot: ZeroShot,
    products: FeedProducts,
    out: Path,
    *,
    least: float = LEAST,
    progress: Progress = SILENT,
) -> Guessed:
    """Write a row a product: its category where the guess is confident enough, and the likeliest.

    ``confidence`` is fitted on other shops' products; what it is worth on these nobody knows before
    some of them are labelled. ``sure_of`` is the deepest category of the tree, a leaf or above,
    that is as probable as ``least``.

    Args:
        zero_shot: The leaves.
        products: To be categorised.
        out: A ``.parquet`` or ``.csv`` file.
        least: Confidence from which on a category is named, 0 to 1.
        progress: Told of every product.

    Raises:
        UsageError: ``least`` is no share.
    """
    if not 0 <= least <= 1:
        raise UsageError(f"The least confidence is {least}; it is a share, such as 0.5.")
    tree = Tree([leaf.path for leaf in zero_shot.leaves])
    classes = np.array(zero_shot.classes, dtype=object)
    labels = np.array([leaf.label for leaf in zero_shot.leaves], dtype=object)
    decided, examples = 0, list[dict[str, object]]()

    def count(table: pa.Table) -> None:
        nonlocal decided
        decided += len(table) - table.column("category").null_count
        examples.extend(table.slice(0, _EXAMPLES - len(examples)).to_pylist())

    def rows(table: pa.Table) -> pa.Table:
        chances = zero_shot.predict_proba(table, products.fields)  # (B, K)
        best = chances.argmax(axis=1)
        confidence = chances.max(axis=1)
        deepest = deepest_columns(tree, chances, sure=least)
        return pa.table(
            {
                "product": table.column(ID),
                "category": pa.array(classes[best], pa.string(), mask=confidence < least),
                "likeliest": pa.array(classes[best], pa.string()),
                "confidence": pa.array(confidence, pa.float32()),
                "path": pa.array(labels[best], pa.string()),
                **{field.name: column for field, column in zip(DEEPEST, deepest, strict=True)},
                "method": [METHOD] * len(table),
            },
            schema=_SCHEMA,
        )

    written = write_resumed(
        products,
        out,
        _SCHEMA,
        rows,
        stamp={"model": zero_shot.version, "least": least},
        label="Categorizing",
        progress=progress,
        tally=count,
    )
    return Guessed(replace(written, decided=decided), examples)
