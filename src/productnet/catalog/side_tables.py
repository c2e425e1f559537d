"""The small Parquet files an import leaves beside the pool, each replaced whole at its end."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from productnet.catalog.readers.rows import Fault
from productnet.errors import ProjectError
from productnet.files import drafted

_FORMAT = {"productnet.format_version": "1"}

ERRORS_SCHEMA = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("field", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
    ],
    metadata=_FORMAT,
)

CATEGORIES_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("category", pa.string(), nullable=False),
    ],
    metadata=_FORMAT,
)

_ROWS_A_BATCH = 8_192


class TableWriter:
    """Rows gathered in compact Arrow batches until the table is written."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[Sequence[str | int | None]] = []
        self._batches: list[pa.RecordBatch] = []

    def add(self, *row: str | int | None) -> None:
        """One row, its values in the schema's order."""
        self._rows.append(row)
        if len(self._rows) == _ROWS_A_BATCH:
            self._pack()

    def table(self) -> pa.Table:
        """All rows so far."""
        self._pack()
        return pa.Table.from_batches(self._batches, schema=self._schema)

    def _pack(self) -> None:
        if self._rows:
            columns = [
                pa.array(column, field.type)
                for column, field in zip(zip(*self._rows, strict=True), self._schema, strict=True)
            ]
            self._batches.append(pa.record_batch(columns, schema=self._schema))
            self._rows = []


class ImportErrors(TableWriter):
    """Rows and images that could not be used."""

    def __init__(self) -> None:
        super().__init__(ERRORS_SCHEMA)
        self.count = 0
        self.by_kind: dict[str, int] = {}

    def record(self, file: str, line: int, fault: Fault, *, product_id: str | None = None) -> None:
        """One fault; the row is read on."""
        self.add(file, line, product_id, fault.field, fault.reason, str(fault.kind))
        self.count += 1
        self.by_kind[fault.kind] = self.by_kind.get(fault.kind, 0) + 1

    def write(self, path: Path) -> None:
        """Replace the file of the import before, in the order of the feed."""
        order = [("line", "ascending"), ("field", "ascending"), ("reason", "ascending")]
        write_table_atomically(path, self.table().sort_by(order))


def merge_categories(path: Path, new: pa.Table) -> None:
    """Write (id, category) rows over those of earlier feeds, by id, so that a rerun changes none.

    Args:
        path: The Parquet file; made if it is not there.
        new: Table in ``CATEGORIES_SCHEMA``, each id once.
    """
    if path.exists():
        try:
            before = pq.read_table(path).cast(CATEGORIES_SCHEMA)
        except (pa.ArrowException, OSError) as error:
            raise ProjectError(
                f"{path} cannot be read ({error}). Delete it and import the feeds again."
            ) from error
        kept = before.filter(pc.invert(pc.is_in(before["id"], value_set=new["id"])))
        new = pa.concat_tables([kept, new])
    write_table_atomically(path, new.sort_by("id"))


def write_table_atomically(path: Path, table: pa.Table) -> None:
    """Replace a Parquet file whole: a reader, or a kill, sees the old one or the new one."""
    with drafted(path) as draft:
        pq.write_table(table, draft)
