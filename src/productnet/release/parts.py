"""A release that was made, opened to be read part by part."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.errors import ReleaseError
from productnet.files import file_hash
from productnet.release.manifest import FileRecord, Manifest, read_manifest
from productnet.release.rows import text_fields
from productnet.release.splits import Side
from productnet.taxonomy.tree import Taxonomy

GOLD = "data"
HARD_NEGATIVES = "hard_negatives"
PROVENANCE = "provenance"

# The tables of products, by the folder they are in.
TABLES = (GOLD, HARD_NEGATIVES)

_MOST_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table: what is exported at a time, and what a kill costs at most.

    Attributes:
        table: Folder of the table.
        side: Of the split.
        name: Of the file, without its suffix: ``train-00000-of-00002``.
        rows: How many it has.
        offset: How many rows of this side come before it.
        path: The file.
        record: What the manifest says of it.
    """

    table: str
    side: str
    name: str
    rows: int
    offset: int
    path: Path
    record: FileRecord

    @property
    def schema(self) -> pa.Schema:
        """The columns."""
        return pq.read_schema(self.path)

    def check(self) -> None:
        """Raise ReleaseError if this is not the file that was released."""
        if file_hash(self.path) != self.record.sha256:
            raise ReleaseError(
                f"{self.path} is not the file that was released: its hash differs. Fetch or make "
                "the release again."
            )

    def batches(
        self, *, target_bytes: int, columns: list[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Its rows, in batches of about so many bytes: two of them are in memory at a time."""
        yield from _ahead(self._read(target_bytes, columns))

    def _read(self, target_bytes: int, columns: list[str] | None) -> Iterator[pa.RecordBatch]:
        with pq.ParquetFile(self.path) as file:
            for group in range(file.num_row_groups):
                meta = file.metadata.row_group(group)
                rows = target_bytes * meta.num_rows // max(meta.total_byte_size, 1)
                yield from file.iter_batches(
                    min(max(rows, 1), _MOST_ROWS), row_groups=[group], columns=columns
                )


@dataclass(frozen=True, slots=True)
class Released:
    """A release in its folder.

    Attributes:
        folder: Where it is.
        manifest: What it says of itself.
        taxonomy: Its taxonomy.
        parts: The files of its tables of products, in order.
    """

    folder: Path
    manifest: Manifest
    taxonomy: Taxonomy
    parts: tuple[Part, ...]

    @classmethod
    def open(cls, folder: Path) -> "Released":
        """Open a release; raises ReleaseError where it is none or not whole."""
        manifest = read_manifest(folder)
        for record in manifest.files:
            file = folder / record.path
            if not file.is_file() or file.stat().st_size != record.bytes:
                raise ReleaseError(
                    f"{file} is missing or not of {record.bytes:,} bytes. Fetch or make the "
                    "release again."
                )
        taxonomy = Taxonomy.load(folder / "taxonomy.json")
        return cls(folder, manifest, taxonomy, tuple(_parts(folder, manifest)))

    @property
    def schema(self) -> pa.Schema:
        """The columns of gold and hard negatives alike."""
        return self.parts[0].schema

    @property
    def fields(self) -> tuple[str, ...]:
        """The text fields of its products."""
        return text_fields(self.schema)


def _ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same batches, the next one read while the last is worked on."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def _parts(folder: Path, manifest: Manifest) -> Iterator[Part]:
    for table in TABLES:
        for side in Side:
            offset = 0
            for record in manifest.files:
                path = Path(record.path)
                if record.rows is None or path.parts[0] != table:
                    continue
                if path.name.split("-")[0] != side.value:
                    continue
                yield Part(table, side.value, path.stem, record.rows, offset, folder / path, record)
                offset += record.rows
