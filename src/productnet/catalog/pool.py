"""The pool: all candidate products of a project, in one Lance table.

Rows are read in *pool order*, the table's own. It is stable between imports and means nothing
beyond that: products are identified by id everywhere.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from productnet.catalog.schema import FINGERPRINT, ID, IMAGE_ERROR, RESERVED, pool_schema
from productnet.errors import ProjectError, StorageError, UnknownProduct
from productnet.locations import Location, failures_told, is_url, lance_options

# A SQL "IN" list longer than this plans slower than a scan of the id column.
_IDS_PER_LOOKUP = 2_000


class Pool:
    """The products of a project.

    Each write is one atomic commit: a kill leaves the version before it. Reading raises
    ProjectError where the table is damaged, and either does where its store cannot be reached.
    """

    def __init__(self, dataset: lance.LanceDataset) -> None:
        self._dataset = dataset

    @classmethod
    def create(cls, path: Location, fields: tuple[str, ...]) -> "Pool":
        """An empty pool for these text fields; raises ProjectError if a field name is taken."""
        if taken := sorted(RESERVED.intersection(fields)):
            raise ProjectError(f'A text field cannot be called "{taken[0]}": the pool uses it.')
        schema, uri = pool_schema(fields), str(path)
        with _unreachable_reported(uri):
            options = _options(uri)
            return cls(
                lance.write_dataset(
                    schema.empty_table(), uri, mode="create", storage_options=options
                )
            )

    @classmethod
    def open(cls, path: Location, *, version: int | None = None) -> "Pool":
        """The pool at this path, as it is or was; raises ProjectError if nothing was imported."""
        if not cls.exists(path):
            raise ProjectError(
                f"{path.parent} has no products yet. Bring some in with `productnet import FEED`."
            )
        uri = str(path)
        with _damage_reported(uri):
            return cls(lance.dataset(uri, version=version, storage_options=_options(uri)))

    @staticmethod
    def exists(path: Location) -> bool:
        """Whether something is at this path; raises StorageError if that cannot be found out."""
        with failures_told(path):
            return path.exists()

    def __len__(self) -> int:
        return int(self._dataset.count_rows())

    @property
    def fields(self) -> tuple[str, ...]:
        """The text fields, in the project's order."""
        return tuple(name for name in self._dataset.schema.names if name not in RESERVED)

    @property
    def address(self) -> str:
        """Its URL, or its whole path: what another process finds it by."""
        uri: str = self._dataset.uri
        return uri if is_url(uri) else str(Path(uri).resolve())

    @property
    def version(self) -> int:
        """Grows with every change."""
        return int(self._dataset.version)

    def ids(self) -> pa.StringArray:
        """Every product id, in pool order."""
        with _damage_reported(self._dataset.uri):
            column = self._dataset.to_table(columns=[ID]).column(ID)
        return pa.array([], pa.string()) if not len(column) else column.combine_chunks()

    def fingerprints(self) -> Iterator[tuple[str, bytes, str | None]]:
        """(id, fingerprint, image error) of every product, streamed."""
        columns = [ID, FINGERPRINT, IMAGE_ERROR]
        for batch in self.scan(columns=columns, batch_size=65_536):
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)

    def scan(
        self,
        *,
        columns: Sequence[str] | None = None,
        batch_size: int = 1_024,
        rows: range | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Record batches in pool order; memory is bounded by a few batches of these columns.

        All rows, or those from ``rows.start`` up to ``rows.stop``.
        """
        scanner = self._dataset.scanner(
            columns=list(columns) if columns is not None else None,
            batch_size=batch_size,
            offset=None if rows is None else rows.start,
            limit=None if rows is None else len(rows),
            batch_readahead=2,
            fragment_readahead=1,
            scan_in_order=True,
        )
        with _damage_reported(self._dataset.uri):
            yield from scanner.to_batches()

    def take(self, ids: Sequence[str], *, columns: Sequence[str] | None = None) -> pa.Table:
        """The products of these ids, in the order asked.

        Raises UnknownProduct if one is not in the pool.
        """
        names = list(columns) if columns is not None else self._dataset.schema.names
        wanted = names if ID in names else [ID, *names]
        wanted_ids = pa.array(ids, pa.string())
        with _damage_reported(self._dataset.uri):
            parts = [
                self._dataset.to_table(columns=wanted, filter=_id_filter(chunk))
                for chunk in _chunks(sorted(set(ids)), _IDS_PER_LOOKUP)
            ]
        found = pa.concat_tables(parts) if parts else self._dataset.schema.empty_table()
        rows = pc.index_in(wanted_ids, value_set=found.column(ID).combine_chunks())
        if rows.null_count:
            missing = wanted_ids.filter(pc.is_null(rows))[0].as_py()
            raise UnknownProduct(
                f'The pool has no product "{missing}". `productnet status` tells how many it has.'
            )
        return found.select(names).take(rows)

    def read(self, rows: npt.NDArray[np.int64], *, columns: Sequence[str]) -> pa.Table:
        """The products of these rows of the pool order, in the order asked.

        For many products at once this beats ``take``, which looks each id up.
        """
        with _damage_reported(self._dataset.uri):
            return self._dataset.take(rows.tolist(), columns=list(columns))

    def upsert(self, table: pa.Table) -> None:
        """Add products, replacing those whose id is in the pool already."""
        with _unreachable_reported(self._dataset.uri):
            (
                self._dataset.merge_insert(ID)
                .when_matched_update_all()
                .when_not_matched_insert_all()
                .execute(table)
            )

    def append(self, table: pa.Table) -> None:
        """Add products known to be new (``upsert`` finds out by itself)."""
        with _unreachable_reported(self._dataset.uri):
            self._dataset = lance.write_dataset(table, self._dataset, mode="append")

    def compact(self) -> None:
        """Merge the small files many imports leave, index ids, and drop versions a day old."""
        with _unreachable_reported(self._dataset.uri):
            self._dataset.optimize.compact_files(target_rows_per_fragment=20_000)
            if len(self):
                self._dataset.create_scalar_index(ID, "BTREE", replace=True)
            self._dataset.cleanup_old_versions(older_than=timedelta(days=1))


def _options(uri: str) -> dict[str, str] | None:
    return lance_options() if is_url(uri) else None


@contextmanager
def _unreachable_reported(uri: str) -> Iterator[None]:
    """Of a store of objects; a disk's errors are told as they are."""
    try:
        yield
    except (OSError, ValueError) as error:
        if not is_url(uri):
            raise
        raise _unreachable(uri, error) from error


def _unreachable(uri: str, error: Exception) -> StorageError:
    return StorageError(
        f"The pool {uri} cannot be read or written ({error}). Check that its store can be reached, "
        "and the credentials in the environment. What was imported before is safe: run the same "
        "command again."
    )


@contextmanager
def _damage_reported(path: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, pa.ArrowException) as error:
        if is_url(path) and "Generic" in str(error):  # as its client calls what a store answered
            raise _unreachable(path, error) from error
        raise ProjectError(
            f"The pool {path} cannot be read ({error}). If it is damaged, put it back from a "
            "backup, or delete it and import the feeds again: decisions are kept elsewhere."
        ) from error


def _id_filter(ids: Sequence[str]) -> str:
    quoted = ", ".join("'" + product_id.replace("'", "''") + "'" for product_id in ids)
    return f"{ID} IN ({quoted})"


def _chunks(items: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
