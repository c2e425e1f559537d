"""CSV for spreadsheets and scripts; images as files, each named in its row."""

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from productnet.catalog.schema import IMAGE
from productnet.release.exporters.base import (
    BATCH_BYTES,
    Exporter,
    Row,
    image_bytes,
    image_suffix,
    plain,
    write_image,
)
from productnet.release.parts import Part


class Csv(Exporter):
    """A ``.csv`` file of each part, with a header; what is absent is an empty cell.

    Texts are quoted, so that one with line breaks or commas stays a cell. Ids are texts: read them
    as such, or 007 becomes 7.
    """

    pattern = "{table}/{side}-*.csv"

    def write(self, part: Part, root: Path) -> None:
        """Write the part's rows and images."""
        path = root / part.table / f"{part.name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        writer: csv.CSVWriter | None = None
        try:
            for batch in part.batches(target_bytes=BATCH_BYTES):
                rows = plain(batch).append_column(IMAGE, _image_files(batch, root))
                writer = writer or csv.CSVWriter(path, rows.schema)
                writer.write_batch(rows)
        finally:
            if writer is not None:
                writer.close()


def _image_files(batch: pa.RecordBatch, root: Path) -> pa.Array:
    """Write the images of a batch, and tell their paths."""
    paths = [
        write_image(root, Row(0, {"id": product}, image, image_suffix(image)))
        for product, image in zip(
            batch.column("id").to_pylist(), image_bytes(batch).to_pylist(), strict=True
        )
    ]
    return pa.array(paths, pa.string())
