"""A folder of images with metadata beside them, as Hugging Face's imagefolder has it."""

from collections.abc import Iterator
from pathlib import Path

from productnet.catalog.readers.delimited import read_csv
from productnet.catalog.readers.jsonl import read_jsonl
from productnet.catalog.readers.parquet import read_parquet
from productnet.catalog.readers.rows import RawRow, Reader
from productnet.errors import FeedError

FILE_NAME = "file_name"

_METADATA: dict[str, Reader] = {
    "metadata.csv": read_csv,
    "metadata.jsonl": read_jsonl,
    "metadata.parquet": read_parquet,
}


def read_folder(path: Path) -> Iterator[RawRow]:
    """Rows of the folder's metadata; ``file_name`` names each row's image within the folder.

    Raises FeedError for a folder without metadata, or with metadata that names no file.
    """
    if not path.is_dir():
        raise FeedError(f"{path} is not a folder. Name the folder that holds metadata.csv.")
    for name, read in _METADATA.items():
        if (path / name).is_file():
            return _checked(read(path / name), path / name)
    raise FeedError(
        f"{path} has none of {', '.join(_METADATA)}. Add one with a column "
        f'"{FILE_NAME}" that names each product\'s image.'
    )


def _checked(rows: Iterator[RawRow], metadata: Path) -> Iterator[RawRow]:
    first = True
    for row in rows:
        if first and row.error is None:
            if FILE_NAME not in row.values:
                raise FeedError(f'{metadata} has no column "{FILE_NAME}" that names the images.')
            first = False
        yield row
