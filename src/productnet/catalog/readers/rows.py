"""A row of a feed as its reader found it, and the reasons why one cannot be used."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

# A cell as the feed gives it: text, number, bytes, list, dict or None. ``texts`` and ``mapping``
# make product fields of it.
Values = Mapping[str, object]


class FaultKind(StrEnum):
    """Short codes of what can be wrong with a row; ``import-errors.parquet`` keeps them."""

    MISSING_ID = "missing-id"
    DUPLICATE_ID = "duplicate-id"
    UNDECODABLE_TEXT = "undecodable-text"
    NUL_BYTE = "nul-byte"
    WRONG_COLUMNS = "wrong-columns"
    BAD_QUOTES = "bad-quotes"
    BAD_JSON = "bad-json"
    TOO_LONG = "too-long"
    UNREADABLE = "unreadable"
    IMAGE_MISSING = "image-missing"
    IMAGE_OUTSIDE = "image-outside"
    IMAGE_CORRUPT = "image-corrupt"
    IMAGE_TOO_LARGE = "image-too-large"
    IMAGE_BOMB = "image-bomb"
    IMAGE_FETCH = "image-fetch"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why something a feed says cannot be used.

    Attributes:
        kind: Short code.
        reason: The same for people, with the value at fault.
        field: The product field concerned; None when the whole row is.
    """

    kind: FaultKind
    reason: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row: its values, or the fault that keeps it from being read.

    Attributes:
        file: Name of the file the row is in.
        line: Line it starts on, counted from 1 (in Parquet: its row number).
        values: Column name to cell; empty when there is an error.
        error: Why the row cannot be read.
    """

    file: str
    line: int
    values: Values = field(default_factory=dict)
    error: Fault | None = None


# A reader streams the rows of a feed. It raises FeedError for a feed that is unreadable as a
# whole, and yields a bad row with its fault and reads on.
Reader = Callable[[Path], Iterator[RawRow]]
