"""A feed in shards, and its products loaded where a shard is read."""

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from productnet.catalog.shards import rows_of, shard_path, write_row_shards
from productnet.files import write_atomically
from productnet.serving.feeds import FeedProducts, FeedRows

_WHOLE = "whole.json"


def write_feed_shards(products: FeedProducts, folder: Path, *, size: int) -> list[Path]:
    """Write the usable rows of a feed, ``size`` to a shard; whole ones of before are kept.

    The feed is told of as read, whether it was now or before.
    """
    whole = folder / _WHOLE
    if not whole.exists():
        write_row_shards(products.usable(), folder, size=size)
        write_atomically(whole, json.dumps([products.products, products.skipped]))
    products.products, products.skipped = json.loads(whole.read_text(encoding="utf-8"))
    return [shard_path(folder, number) for number in range(-(-products.products // size))]


@dataclass(frozen=True)
class LoadImages:
    """Makes products of a batch of a shard's rows: ``id``, the text fields and ``image``."""

    rows: FeedRows

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The products, in their order."""
        tables = [table for table, _ in self.rows.batches(rows_of(batch))]
        (loaded,) = pa.concat_tables(tables).combine_chunks().to_batches()
        return loaded
