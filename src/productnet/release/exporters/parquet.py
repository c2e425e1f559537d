"""Parquet with images embedded and Hugging Face features: what a release itself is kept in."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.schema import IMAGE
from productnet.release.exporters.base import Contents, Exporter
from productnet.release.parts import Part
from productnet.release.rows import TABLE_BYTES

# Of a file, whichever comes first.
SHARD_ROWS = 65_536
SHARD_BYTES = 400_000_000


class Parquet(Exporter):
    """A Parquet file of each part, images in it."""

    pattern = "{table}/{side}-*.parquet"

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._schema = contents.released.schema

    def write(self, part: Part, root: Path) -> None:
        """Write the part's file."""
        path = root / part.table / f"{part.name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        with _writer(path, self._schema) as writer:
            for batch in part.batches(target_bytes=TABLE_BYTES):
                writer.write_batch(batch)


def write_shards(
    tables: Iterable[pa.Table],
    folder: Path,
    *,
    name: str,
    schema: pa.Schema,
    advance: Callable[[int], None],
) -> list[tuple[Path, int]]:
    """Write tables as ``NAME-00000-of-00001.parquet`` and so on; nothing for no tables.

    Args:
        tables: What to write, in order; each becomes a row group.
        folder: Where to; made if need be.
        name: Of the files: a side.
        schema: Of every table.
        advance: Told of rows written.

    Returns:
        Every file with its number of rows.
    """
    written: list[tuple[Path, int]] = []
    writer: pq.ParquetWriter | None = None
    rows = size = 0
    try:
        for table in tables:
            if writer is None:
                folder.mkdir(parents=True, exist_ok=True)
                # Its name tells how many there are, which is known in the end.
                path = folder / f"{name}-{len(written):05d}.unfinished"
                writer, rows, size = _writer(path, schema), 0, 0
                written.append((path, 0))
            writer.write_table(table)
            rows, size = rows + len(table), size + table.nbytes
            written[-1] = (written[-1][0], rows)
            advance(len(table))
            if rows >= SHARD_ROWS or size >= SHARD_BYTES:
                writer.close()
                writer = None
    finally:
        if writer is not None:
            writer.close()
    return [
        (path.rename(folder / f"{name}-{number:05d}-of-{len(written):05d}.parquet"), count)
        for number, (path, count) in enumerate(written)
    ]


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Text shrinks well; images are compressed already."""
    compression = {name: "zstd" for name in schema.names if name != IMAGE}
    if IMAGE in schema.names:
        compression |= {f"{IMAGE}.bytes": "none", f"{IMAGE}.path": "zstd"}
    return pq.ParquetWriter(path, schema, compression=compression)
