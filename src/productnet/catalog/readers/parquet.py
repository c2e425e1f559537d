"""Parquet feeds; images may be bytes, paths or, as Hugging Face writes them, both in a struct."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.readers.rows import Fault, FaultKind, RawRow
from productnet.errors import FeedError

_ROWS_AT_ONCE = 128


def read_parquet(path: Path) -> Iterator[RawRow]:
    """Rows of a Parquet file; ``line`` is the row number, from 1.

    Memory is a row group's pages and 128 rows. A damaged row group is reported once and passed
    over. Raises FeedError for a file that is not Parquet.
    """
    try:
        file = pq.ParquetFile(path, memory_map=True)
    except FileNotFoundError:
        raise FeedError(f"There is no file {path}. Check the path of the feed.") from None
    except (pa.ArrowException, OSError) as error:
        raise FeedError(f"{path} is not a readable Parquet file: {error}") from error
    line = 1
    with file:
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            yield from _row_group(file, path.name, group, line, rows)
            line += rows


def _row_group(
    file: pq.ParquetFile, name: str, group: int, first: int, rows: int
) -> Iterator[RawRow]:
    line = first
    try:
        for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group]):
            for values in _records(batch):
                if isinstance(values, Fault):
                    yield RawRow(name, line, error=values)
                else:
                    yield RawRow(name, line, values)
                line += 1
    except (pa.ArrowException, OSError) as error:
        reason = f"Rows {line} to {first + rows - 1} are damaged: {error}"
        yield RawRow(name, line, error=Fault(FaultKind.UNREADABLE, reason))


def _records(batch: pa.RecordBatch) -> Iterator[dict[str, object] | Fault]:
    try:
        yield from batch.to_pylist()
        return
    except UnicodeDecodeError:  # Parquet does not check its strings: find the row
        pass
    for row in range(batch.num_rows):
        try:
            yield batch.slice(row, 1).to_pylist()[0]
        except UnicodeDecodeError as error:
            reason = f"A text holds byte 0x{error.object[error.start]:02x}, which is not UTF-8."
            yield Fault(FaultKind.UNDECODABLE_TEXT, reason)
