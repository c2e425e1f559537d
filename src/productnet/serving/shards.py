"""A feed written out in shards, so that workers read any part of it without the parts before.

A shard holds what the mapping made of its rows: ids, texts, and what names the images, which are
loaded where the shard is read.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.image_sources import ImageReference, is_url
from productnet.catalog.mapping import MappedProduct
from productnet.files import drafted, write_atomically
from productnet.serving.feeds import BATCH, FeedProducts, FeedRows

_WHOLE = "whole.json"

_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("texts", pa.map_(pa.string(), pa.string())),
        # One of the two: a path, zip member or URL; or the bytes, of a feed that holds images.
        pa.field("named", pa.list_(pa.string())),
        pa.field("given", pa.list_(pa.large_binary())),
    ]
)


def write_feed_shards(products: FeedProducts, folder: Path, *, size: int) -> list[Path]:
    """Write the usable rows of a feed, ``size`` to a shard; whole ones of before are kept.

    The feed is told of as read, whether it was now or before.
    """
    whole = folder / _WHOLE
    if whole.exists():
        products.products, products.skipped = json.loads(whole.read_text(encoding="utf-8"))
    else:
        folder.mkdir(parents=True, exist_ok=True)
        rows = products.usable()
        number = 0
        while some := list(islice(rows, size)):
            with drafted(_shard(folder, number)) as draft:
                pq.write_table(_table(some), draft, compression="zstd")
            number += 1
        write_atomically(whole, json.dumps([products.products, products.skipped]))
    return [_shard(folder, number) for number in range(-(-products.products // size))]


def read_shard(shard: Path) -> Iterator[pa.RecordBatch]:
    """The rows of a shard, batch by batch."""
    with pq.ParquetFile(shard) as file:
        yield from file.iter_batches(BATCH)


def fetches(shard: Path) -> bool:
    """Whether images of a shard have to be fetched."""
    named = pq.read_table(shard, columns=["named"]).column("named").to_pylist()
    return any(one is not None and is_url(one) for some in named for one in some)


@dataclass(frozen=True)
class LoadImages:
    """Makes products of a batch of a shard's rows: ``id``, the text fields and ``image``."""

    rows: FeedRows

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The products, in their order."""
        tables = [table for table, _ in self.rows.batches(_mapped(batch))]
        (loaded,) = pa.concat_tables(tables).combine_chunks().to_batches()
        return loaded


def _shard(folder: Path, number: int) -> Path:
    return folder / f"rows-{number:06d}.parquet"


def _table(some: list[MappedProduct]) -> pa.Table:
    columns = {
        "file": [one.file for one in some],
        "line": [one.line for one in some],
        "id": [one.id for one in some],
        "texts": [list(one.texts.items()) for one in some],
        "named": [[i if isinstance(i, str) else None for i in one.images] for one in some],
        "given": [[i if isinstance(i, bytes) else None for i in one.images] for one in some],
    }
    return pa.table(columns, schema=_SCHEMA)


def _mapped(shard: pa.RecordBatch) -> Iterator[MappedProduct]:
    for row in shard.to_pylist():
        images: tuple[ImageReference, ...] = tuple(
            named if given is None else given
            for named, given in zip(row["named"], row["given"], strict=True)
        )
        yield MappedProduct(
            row["file"], row["line"], row["id"], texts=dict(row["texts"]), images=images
        )
