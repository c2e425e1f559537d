"""Lines of a text feed, plain or gzipped, decoded one by one so that one bad line stays one."""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from productnet.catalog.readers.rows import Fault, FaultKind
from productnet.errors import FeedError

# A line longer than this is skipped and reported: one without an end must not fill memory.
LONGEST_LINE = 16 * 2**20

_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its number (from 1) and what is wrong with it, if anything is."""

    number: int
    text: str
    fault: Fault | None = None


def open_feed_file(path: Path) -> BinaryIO:
    """The file's bytes, unzipped where they are gzip; raises FeedError when it cannot be opened."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP
        return cast(BinaryIO, gzip.open(path, "rb")) if zipped else path.open("rb")
    except FileNotFoundError:
        raise FeedError(f"There is no file {path}. Check the path of the feed.") from None
    except OSError as error:
        raise FeedError(f"{path} cannot be opened: {error.strerror or error}.") from error


def read_lines(path: Path) -> Iterator[Line]:
    """Every line of a UTF-8 file, its line end kept; memory is one line.

    A line that is not UTF-8, holds a NUL byte or is longer than ``LONGEST_LINE`` carries a fault.
    Where a damaged gzip file breaks off, the last line says so. Raises FeedError for a file that
    cannot be opened or is UTF-16.
    """
    number = 0
    with open_feed_file(path) as file:
        try:
            while raw := file.readline(LONGEST_LINE):
                number += 1
                if number == 1:
                    raw = _without_byte_order_mark(raw, path)
                if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                    yield Line(number, "", _skip_rest(file))
                else:
                    yield _decode(number, raw)
        except (EOFError, zlib.error, OSError) as error:
            reason = f"The file breaks off here: {error}. The rows after it were not read."
            yield Line(number + 1, "", Fault(FaultKind.UNREADABLE, reason))


def _without_byte_order_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith(_UTF16):
        raise FeedError(
            f"{path} is UTF-16, not UTF-8. Convert it: iconv -f UTF-16 -t UTF-8 {path.name}"
        )
    return raw.removeprefix(codecs.BOM_UTF8)


def _decode(number: int, raw: bytes) -> Line:
    if b"\0" in raw:
        column = raw.index(b"\0") + 1
        fault = Fault(FaultKind.NUL_BYTE, f"Byte {column} of line {number} is NUL.")
        return Line(number, raw.replace(b"\0", b"").decode("utf-8", "replace"), fault)
    try:
        return Line(number, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        reason = f"Byte {error.start + 1} of line {number} (0x{raw[error.start]:02x}) is not UTF-8."
        fault = Fault(FaultKind.UNDECODABLE_TEXT, reason)
        return Line(number, raw.decode("utf-8", "replace"), fault)


def _skip_rest(file: BinaryIO) -> Fault:
    while (piece := file.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):
        pass
    return Fault(FaultKind.TOO_LONG, f"The line is longer than {LONGEST_LINE:,} bytes.")
