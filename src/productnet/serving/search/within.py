"""Search within a category: the leaves below it, their products, and the nearest of these."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from productnet.embeddings.nearest import Best, FloatArray
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import EmbeddingError
from productnet.master.predictions import NO_CATEGORY
from productnet.taxonomy.tree import Taxonomy

Numbers = npt.NDArray[np.int32]

# A category of at most this share of the products is read row by row, a larger one scanned.
_READ = 1 / 16
_BLOCK = 65_536


def lineage(taxonomy: Taxonomy | None, leaf: str) -> list[str]:
    """A leaf and the categories above it, by id."""
    ids = [leaf]
    if taxonomy is not None and leaf in taxonomy:
        while (above := taxonomy.parent(ids[-1])) is not None:
            ids.append(above.id)
    return ids


def leaves_within(taxonomy: Taxonomy, leaves: Sequence[str], category: str) -> Numbers:
    """The numbers of the leaves that are this category, or below it.

    Args:
        taxonomy: Where the leaves stand.
        leaves: By id; their places are their numbers.
        category: Id, path or name.

    Raises:
        UnknownCategory: The taxonomy has none such.
    """
    named = taxonomy.find(category).id
    inside = [number for number, leaf in enumerate(leaves) if named in lineage(taxonomy, leaf)]
    return np.array(inside, np.int32)


def predicted_leaves(predictions: Path, leaves: Sequence[str], embeddings: EmbeddingSet) -> Numbers:
    """The number of the likeliest leaf of each product of a set (N,), as a round predicted it.

    Raises EmbeddingError where the predictions are gone, damaged or another model's.
    """
    place = {leaf: number for number, leaf in enumerate(leaves)}
    numbers = np.full(len(embeddings), NO_CATEGORY, np.int32)
    try:
        with pq.ParquetFile(predictions) as file:
            for batch in file.iter_batches(columns=["product", "category", "rank"]):
                first = batch.filter(pc.equal(batch.column("rank"), 1))
                rows = embeddings.rows(first.column("product").to_pylist())
                told = np.array([place[leaf] for leaf in first.column("category").to_pylist()])
                numbers[rows[rows >= 0]] = told[rows >= 0]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise EmbeddingError(
            f"{predictions} does not tell the categories of the pool's products: "
            f"{type(error).__name__}. Ask without a category, or run `productnet round`."
        ) from error
    return numbers


def nearest_within(
    embeddings: EmbeddingSet, leaves: Numbers, within: Numbers, query: FloatArray, *, count: int
) -> Best:
    """The nearest among the products of some leaves: exactly, by reading what there is.

    Args:
        embeddings: The set (N, D).
        leaves: The number of each product's leaf (N,).
        within: Numbers of the leaves looked in.
        query: (D,).
        count: Products, at most.
    """
    best = Best(count)
    vectors = embeddings.vectors
    for start in range(0, len(vectors), _BLOCK):
        inside = np.flatnonzero(np.isin(leaves[start : start + _BLOCK], within))
        if not len(inside):
            continue
        if len(inside) < _READ * _BLOCK:
            near = embeddings.read(inside + start) @ query  # (n, D) @ (D,) -> (n,)
            scores = np.full(int(inside[-1]) + 1, -np.inf, np.float32)
            scores[inside] = near
        else:
            scores = vectors[start : start + _BLOCK] @ query  # (b, D) @ (D,) -> (b,)
            outside = np.ones(len(scores), np.bool_)
            outside[inside] = False
            scores[outside] = -np.inf
        best.add(start, scores)
    found = np.isfinite(best.scores)
    best.rows, best.scores = best.rows[found], best.scores[found]
    return best
