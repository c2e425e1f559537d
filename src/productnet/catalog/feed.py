"""A feed opened: its format, its columns, and its rows from the first on."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from productnet.catalog import texts
from productnet.catalog.readers.detect import detect_format
from productnet.catalog.readers.registry import READERS
from productnet.catalog.readers.rows import RawRow
from productnet.errors import FeedError, UsageError, did_you_mean

# Columns of a feed without a header are those of its first rows.
_ROWS_LOOKED_AT = 200


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed whose first rows have been looked at.

    Attributes:
        path: The file, or the folder of a ``folder`` feed.
        format: Name of its reader in ``READERS``.
        columns: The columns of its first 200 rows, in order of appearance.
        first_rows: Those rows.
        rows: All rows, once.
    """

    path: Path
    format: str
    columns: tuple[str, ...]
    first_rows: tuple[RawRow, ...]
    rows: Iterator[RawRow]

    @property
    def folder(self) -> Path:
        """Where the paths of its images start."""
        return self.path if self.path.is_dir() else self.path.parent


def open_feed(path: Path, *, format: str | None = None) -> Feed:
    """Open a feed, telling its format from its name and content when none is given.

    Raises FeedError for a feed that is unreadable as a whole or has no rows, and UnknownName for
    a format that does not exist.
    """
    if not path.exists():
        raise FeedError(f"There is no feed {path}. Check its path.")
    if not (path.is_file() or path.is_dir()):
        raise FeedError(f"{path} is a pipe or a device. Save the feed to a file and import that.")
    name = format or detect_format(path)
    rows = READERS[name](path)
    first = tuple(islice(rows, _ROWS_LOOKED_AT))
    columns = tuple(dict.fromkeys(column for row in first for column in row.values))
    if not columns:
        faults = [row.error for row in first if row.error is not None]
        if not faults:
            raise FeedError(f"{path} has no rows. Is the export that wrote it complete?")
        raise FeedError(
            f"No row of {path} can be read as {name}. Line {first[0].line}: {faults[0].reason} "
            "Name another format with --format if this is not its own."
        )
    return Feed(path, name, columns, first, chain(first, rows))


def column_texts(path: Path, column: str, *, format: str | None = None) -> Iterator[str]:
    """The texts of one column, row after row; a row that is bad or has none is passed over.

    Raises FeedError as ``open_feed``, and UsageError if the feed has no such column.
    """
    feed = open_feed(path, format=format)
    if column not in feed.columns:
        hint = did_you_mean(column, feed.columns)
        raise UsageError(f'{path} has no column "{column}". {hint}'.rstrip())
    for row in feed.rows:
        try:
            text = texts.plain(row.values.get(column))
        except UnicodeDecodeError:
            continue
        if row.error is None and text is not None:
            yield text
