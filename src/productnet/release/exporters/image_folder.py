"""ImageFolder: a folder a side, in it a folder a leaf, in it images; and ``metadata.parquet``.

``torchvision`` reads the folders as classes, ``datasets`` reads the metadata, which also lists the
products without an image. It is Parquet because that tells the type of a column that a whole side
lacks; lines of JSON do not, and ``datasets`` then refuses the sides for being unlike.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.schema import ID, IMAGE
from productnet.release.exporters.base import (
    BATCH_BYTES,
    SCRATCH,
    Contents,
    Exporter,
    file_name,
    image_bytes,
    image_suffix,
)
from productnet.release.parts import Part
from productnet.release.rows import CATEGORY_ID

_METADATA = "metadata.parquet"
_FILE_NAME = "file_name"


class ImageFolder(Exporter):
    """Images by side and leaf; the rows of a part wait until all parts of its side are there."""

    pattern = "{table}/{side}/**"

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents)
        self._parts = contents.released.parts
        told = [column for column in contents.released.schema if column.name != IMAGE]
        self._schema = pa.schema([pa.field(_FILE_NAME, pa.string()), *told])

    def write(self, part: Part, root: Path) -> None:
        """Write the part's images, and its rows of metadata beside."""
        folder = root / part.table / part.side
        folder.mkdir(parents=True, exist_ok=True)
        rows = _rows(root, part)
        rows.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(rows, self._schema) as writer:
            for batch in part.batches(target_bytes=BATCH_BYTES):
                names = pa.array(_write_images(folder, batch), pa.string())
                table = pa.Table.from_batches([batch]).drop_columns([IMAGE])
                table = table.add_column(0, _FILE_NAME, names)
                writer.write_table(table.replace_schema_metadata(None))

    def finish(self, root: Path) -> None:
        """Put the rows of every side together."""
        for table, side in dict.fromkeys((part.table, part.side) for part in self._parts):
            with pq.ParquetWriter(root / table / side / _METADATA, self._schema) as whole:
                for part in self._parts:
                    if (part.table, part.side) == (table, side):
                        with pq.ParquetFile(_rows(root, part)) as rows:
                            for batch in rows.iter_batches():
                                whole.write_batch(batch)


def _rows(root: Path, part: Part) -> Path:
    return root / SCRATCH / "rows" / part.table / f"{part.name}.parquet"


def _write_images(folder: Path, batch: pa.RecordBatch) -> list[str | None]:
    """Write a batch's images; the path of each below ``folder``, None where there is none."""
    paths: list[str | None] = []
    columns = (batch.column(ID), batch.column(CATEGORY_ID), image_bytes(batch))
    for product, leaf, image in zip(*(column.to_pylist() for column in columns), strict=True):
        if image is None:
            paths.append(None)
            continue
        path = Path(file_name(leaf), f"{file_name(product)}.{image_suffix(image)}")
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(image)
        paths.append(path.as_posix())
    return paths
