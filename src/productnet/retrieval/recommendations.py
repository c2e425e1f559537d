"""The categories a round's master model recommends, read from disk a leaf at a time.

What the model was taught stands there too, as rank 0: gold is recommended to nobody, but who asks
what the model holds of a leaf is to hear that it is sure of these. The file is sorted by category
and cut into row groups, so that a leaf is found by the statistics of these: of three million rows
in 22 ms, where filtering the whole table in memory took 107 and as many megabytes.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from productnet.errors import ModelError
from productnet.files import drafted

# What a round recommends, in its folder.
RECOMMENDATIONS_FILE = "recommendations.parquet"

# Rows that are read to find one category.
_ROW_GROUP = 65_536

# The rank of gold, which is the leaf's already.
_GOLD = 0

# Leaves kept in memory.
_LEAVES = 16

# Rows made Python objects at a time; a page rarely needs more.
_BLOCK = 512

# Equal parts of 0 to 1 that confidences are counted in.
BINS = 20

Counts = npt.NDArray[np.int64]


class Recommendation(NamedTuple):
    """A product, the model's calibrated confidence (0 to 1), and which of its choices this is."""

    product: str
    confidence: float
    rank: int


class Opinion(NamedTuple):
    """Products that a master model holds for a leaf's: ids (n,), and how sure it is (n,), 0 to 1.

    Of gold, which it was taught, it is sure.
    """

    products: list[str]
    confidences: npt.NDArray[np.float32]


class Recommendations:
    """The categories a master model recommends for products of the pool.

    Args:
        rows: Columns ``product``, ``category``, ``confidence`` (0 to 1, calibrated) and ``rank``,
            which is 0 of gold.
        round: The round that trained the model.
    """

    def __init__(self, rows: ds.Dataset, *, round: int) -> None:
        self._rows = rows
        self._of = lru_cache(maxsize=_LEAVES)(self._read)
        self.round = round

    @classmethod
    def open(cls, folder: Path, *, round: int) -> Self:
        """What is in a round's folder; raises ModelError if it cannot be read."""
        path = folder / RECOMMENDATIONS_FILE
        try:
            return cls(ds.dataset(path), round=round)
        except (pa.ArrowException, OSError) as error:
            raise ModelError(
                f"{path} cannot be read ({error}). Run `productnet round` to recommend anew."
            ) from error

    def of(self, category: str) -> Iterator[Recommendation]:
        """What is recommended for this leaf, surest first."""
        new = self._of(category).filter(pc.field("rank") > _GOLD)
        for batch in new.to_batches(max_chunksize=_BLOCK):
            columns = (batch.column(name).to_pylist() for name in Recommendation._fields)
            yield from map(Recommendation, *columns)

    def opinion(self, category: str) -> Opinion:
        """What the model holds of this leaf, gold included."""
        rows = self._of(category)
        confidences = rows.column("confidence").to_numpy()
        return Opinion(rows.column("product").to_pylist(), confidences)

    @cached_property
    def confidences(self) -> Mapping[str, Counts]:
        """By leaf, how many of its recommendations lie in each twentieth of confidence, (BINS,).

        Read once in all the life of a round, in batches: a second for three million rows.
        """
        counts: dict[str, Counts] = {}
        for batch in self._rows.to_batches(
            columns=["category", "confidence"], filter=pc.field("rank") > _GOLD
        ):
            if not len(batch):
                continue
            coded = batch.column("category").dictionary_encode()
            leaves = coded.indices.to_numpy(zero_copy_only=False)  # (n,)
            confidence = batch.column("confidence").to_numpy(zero_copy_only=False)  # (n,)
            bins = np.clip((confidence * BINS).astype(np.int64), 0, BINS - 1)
            table = np.zeros((len(coded.dictionary), BINS), np.int64)
            np.add.at(table, (leaves, bins), 1)
            for leaf, row in zip(coded.dictionary.to_pylist(), table, strict=True):
                counts[leaf] = counts[leaf] + row if leaf in counts else row
        return counts

    def _read(self, category: str) -> pa.Table:
        wanted = list(Recommendation._fields)
        mine = self._rows.to_table(columns=wanted, filter=pc.field("category") == category)
        return mine.sort_by([("confidence", "descending"), ("product", "ascending")])


def write_recommendations(folder: Path, predictions: pa.Table, *, gold: Mapping[str, str]) -> None:
    """Keep predictions in a round's folder, leaf by leaf, surest first, and gold beside them.

    Args:
        folder: The round's.
        predictions: As ``master.predictions`` makes them. Those of gold are not kept.
        gold: Product to category, as the round froze it.
    """
    products = pa.array(gold, pa.string())
    undecided = pc.invert(pc.is_in(predictions.column("product"), value_set=products))
    taught = pa.table(
        {
            "product": products,
            "category": pa.array(gold.values(), pa.string()),
            "confidence": np.ones(len(gold), np.float32),
            "rank": np.full(len(gold), _GOLD, np.int8),
        },
        schema=predictions.schema,
    )
    predictions = pa.concat_tables([predictions.filter(undecided), taught])
    order = [("category", "ascending"), ("confidence", "descending"), ("product", "ascending")]
    with drafted(folder / RECOMMENDATIONS_FILE) as draft:
        pq.write_table(predictions.sort_by(order), draft, row_group_size=_ROW_GROUP)
