"""Reference labels: what a feed or the generated store says is true.

No other module opens them: sources, models and pages must not see the answers.
"""

from collections import Counter
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.pool import Pool
from productnet.errors import ProjectError, UsageError
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy


def read_reference(project: Project, taxonomy: Taxonomy) -> dict[str, str]:
    """Product id to the leaf it belongs to, for products of the pool whose text names one.

    Raises:
        UsageError: The project has no reference labels, or none names a leaf of its taxonomy.
        ProjectError: The file is damaged, or nothing was imported yet.
    """
    if not project.reference_path.exists():
        raise UsageError(
            f"{project.root} has no reference labels to simulate people with. "
            "Import them with `productnet import FEED --reference COLUMN`."
        )
    try:
        table = pq.read_table(project.reference_path, columns=["id", "category"])
    except (pa.ArrowException, OSError) as error:
        raise ProjectError(
            f"{project.reference_path} cannot be read ({error}). Delete it and import the "
            "reference labels again: productnet import FEED --reference COLUMN"
        ) from error
    texts = table.column("category").to_pylist()
    leaves = {text: taxonomy.leaf_of(text) for text in set(texts) if text}
    truth = {
        product: leaf.id
        for product, text in zip(table.column("id").to_pylist(), texts, strict=True)
        if text and (leaf := leaves[text]) is not None
    }
    if not truth:
        example = next((text for text in texts if text), "")
        raise UsageError(
            f'None of {len(texts)} reference labels, such as "{example}", names a leaf of '
            f"taxonomy {taxonomy}. Make the taxonomy fit with `productnet taxonomy`."
        )
    pool = set(Pool.open(project.pool_path).ids().to_pylist())
    return {product: leaf for product, leaf in truth.items() if product in pool}


def reference_counts(truth: Mapping[str, str]) -> dict[str, int]:
    """Leaf to the number of its products."""
    return dict(Counter(truth.values()))
