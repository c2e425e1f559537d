"""Result tables written as they come, in the format that the file's name asks for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from productnet.errors import UsageError
from productnet.files import drafted


class TableSink(Protocol):
    """Takes tables of one schema, one after another."""

    def write_table(self, table: pa.Table) -> None:
        """Append a table."""
        ...


@contextmanager
def table_sink(path: Path, schema: pa.Schema) -> Iterator[TableSink]:
    """A sink for ``.parquet`` or ``.csv``; the file appears, whole, when all went well.

    Raises:
        UsageError: The name ends in anything else, or the format cannot hold the schema.
    """
    with drafted(path) as draft, _writer(path, draft, schema) as sink:
        yield sink


def _writer(path: Path, draft: Path, schema: pa.Schema) -> AbstractContextManager[TableSink]:
    if path.suffix == ".csv" and any(pa.types.is_nested(column.type) for column in schema):
        raise UsageError(f"Vectors do not fit in CSV. Write to {path.with_suffix('.parquet')}.")
    writers = {".parquet": pq.ParquetWriter, ".csv": pacsv.CSVWriter}
    if path.suffix not in writers:
        raise UsageError(f'"{path.name}" should end in .parquet or .csv.')
    writer: AbstractContextManager[TableSink] = writers[path.suffix](draft, schema)
    return writer
