"""Lance: a table a side, images in it, for random access and columns added later."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from productnet.catalog.schema import IMAGE
from productnet.errors import ReleaseError
from productnet.release.exporters.base import BATCH_BYTES, Exporter, image_bytes
from productnet.release.parts import Part


class Lance(Exporter):
    """A table of each side; a part is one commit, so what a kill leaves is a whole number of them.

    ``image`` holds the encoded bytes themselves.
    """

    # ``datasets`` cannot tell sides apart by pattern here; it reads a table by its path.
    pattern = None
    in_order = True

    def write(self, part: Part, root: Path) -> None:
        """Append the part to its side's table."""
        import lance

        path = root / part.table / f"{part.side}.lance"
        there = _count(path)
        if there == part.offset + part.rows:
            return
        if there != part.offset:
            raise ReleaseError(
                f"{path} has {there:,} rows where {part.offset:,} belong. Delete {root} and export "
                "again."
            )
        schema = self.contents.released.schema
        schema = schema.set(schema.get_field_index(IMAGE), pa.field(IMAGE, pa.large_binary()))
        schema = schema.remove_metadata()
        reader = pa.RecordBatchReader.from_batches(schema, _batches(part, schema))
        # To overwrite what is not there is warned of on stderr.
        first = "overwrite" if path.exists() else "create"
        lance.write_dataset(reader, str(path), mode="append" if part.offset else first)

    def finish(self, root: Path) -> None:
        """Drop what commits and kills left behind."""
        import lance

        for path in sorted(root.glob("*/*.lance")):
            lance.dataset(str(path)).cleanup_old_versions(
                older_than=timedelta(0), delete_unverified=True
            )


def _count(path: Path) -> int:
    import lance

    # Without a version it was killed while being created.
    if not any(path.glob("_versions/*.manifest")):
        shutil.rmtree(path, ignore_errors=True)
        return 0
    return int(lance.dataset(str(path)).count_rows())


def _batches(part: Part, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in part.batches(target_bytes=BATCH_BYTES):
        columns = {name: batch.column(name) for name in schema.names}
        columns[IMAGE] = image_bytes(batch).cast(pa.large_binary())
        yield pa.RecordBatch.from_pydict(columns, schema=schema)
