"""Rows of a feed written out in shards, so that workers read any part without those before it.

A shard holds what the mapping made of rows: ids, texts, and what names the images, which are
loaded where the shard is read.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.image_sources import ImageReference, is_url
from productnet.catalog.mapping import MappedProduct
from productnet.files import drafted

_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("line", pa.int64()),
        pa.field("id", pa.string()),
        pa.field("texts", pa.map_(pa.string(), pa.string())),
        pa.field("group", pa.string()),
        # One of the two: a path, zip member or URL; or the bytes, of a feed that holds images.
        pa.field("named", pa.list_(pa.string())),
        pa.field("given", pa.list_(pa.large_binary())),
    ]
)


def write_row_shards(products: Iterable[MappedProduct], folder: Path, *, size: int) -> list[Path]:
    """Write rows, so many to a shard, and tell the files in order."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, shards = iter(products), list[Path]()
    while some := list(islice(rows, size)):
        shards.append(shard_path(folder, len(shards)))
        with drafted(shards[-1]) as draft:
            pq.write_table(_table(some), draft, compression="zstd")
    return shards


def shard_path(folder: Path, number: int) -> Path:
    """Where a shard is."""
    return folder / f"rows-{number:06d}.parquet"


def read_shard(shard: Path, *, size: int) -> Iterator[pa.RecordBatch]:
    """The rows of a shard, at most so many at a time; ``rows_of`` makes products of them."""
    with pq.ParquetFile(shard) as file:
        yield from file.iter_batches(size)


def rows_of(batch: pa.RecordBatch) -> Iterator[MappedProduct]:
    """The rows of a batch of a shard."""
    for row in batch.to_pylist():
        images: tuple[ImageReference, ...] = tuple(
            named if given is None else given
            for named, given in zip(row["named"], row["given"], strict=True)
        )
        texts = dict(row["texts"])
        yield MappedProduct(row["file"], row["line"], row["id"], texts, row["group"], images)


def fetches(shards: list[Path]) -> bool:
    """Whether images have to be fetched, to go by the first shard."""
    tables = [pq.read_table(shard, columns=["named"]) for shard in shards[:1]]
    named = [some for table in tables for some in table.column("named").to_pylist()]
    return any(one is not None and is_url(one) for some in named for one in some)


def _table(some: list[MappedProduct]) -> pa.Table:
    columns = {
        "file": [one.file for one in some],
        "line": [one.line for one in some],
        "id": [one.id for one in some],
        "texts": [list(one.texts.items()) for one in some],
        "group": [one.group for one in some],
        "named": [[i if isinstance(i, str) else None for i in one.images] for one in some],
        "given": [[i if isinstance(i, bytes) else None for i in one.images] for one in some],
    }
    return pa.table(columns, schema=_SCHEMA)
