"""Result tables written as they come, in the format that the file's name asks for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from productnet.embeddings.nearest import FloatArray
from productnet.errors import UsageError
from productnet.files import drafted
from productnet.master.hierarchy import Tree
from productnet.taxonomy.paths import join_path

# The deepest category of the tree that is sure enough, as "A > B", and how sure.
DEEPEST = (pa.field("sure_of", pa.string()), pa.field("sure_confidence", pa.float32()))

# Probabilities above one half, so that no two categories of a level are sure.
_LEAST_SURE = 0.51


def deepest_columns(tree: Tree, probabilities: FloatArray, *, sure: float) -> list[pa.Array]:
    """The columns ``DEEPEST`` of products (B, K): a category at least as probable as ``sure``."""
    found = tree.deepest(probabilities, sure=max(sure, _LEAST_SURE))
    labels = [join_path(path) if path else None for path in found.paths]
    # Everything is of the root, which says nothing.
    nothing = np.array([name is None for name in labels])
    chances = pa.array(found.probabilities, pa.float32(), mask=nothing)
    return [pa.array(labels, pa.string()), chances]


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


def check_sink(path: Path, schema: pa.Schema) -> None:
    """Raise UsageError where ``table_sink`` would."""
    if path.suffix not in _WRITERS:
        raise UsageError(f'"{path.name}" should end in .parquet or .csv.')
    if path.suffix == ".csv" and any(pa.types.is_nested(column.type) for column in schema):
        raise UsageError(f"Vectors do not fit in CSV. Write to {path.with_suffix('.parquet')}.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file to write.")


_WRITERS = {".parquet": pq.ParquetWriter, ".csv": pacsv.CSVWriter}


def _writer(path: Path, draft: Path, schema: pa.Schema) -> AbstractContextManager[TableSink]:
    check_sink(path, schema)
    writer: AbstractContextManager[TableSink] = _WRITERS[path.suffix](draft, schema)
    return writer
