"""CSV and tab-separated feeds: one header, quoted fields that may run over several lines."""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from productnet.catalog.readers.rows import Fault, FaultKind, RawRow
from productnet.catalog.readers.text import read_lines
from productnet.errors import FeedError

# Spreadsheets in half of Europe write "CSV" with semicolons.
_CSV_DELIMITERS = ",;|"


def read_csv(path: Path) -> Iterator[RawRow]:
    """Rows of a CSV file; the delimiter (comma, semicolon or bar) is the header's commonest."""
    first = next((line.text for line in read_lines(path)), "")
    delimiter = max(_CSV_DELIMITERS, key=first.count)
    return read_delimited(path, delimiter=delimiter)


def read_tsv(path: Path) -> Iterator[RawRow]:
    """Rows of a tab-separated file, quoted where needed as in CSV."""
    return read_delimited(path, delimiter="\t")


def read_delimited(path: Path, *, delimiter: str) -> Iterator[RawRow]:
    """Rows of a delimited file, each with the line it starts on.

    Quoting is strict: a broken quote is reported instead of swallowing the rows that follow it.
    Raises FeedError for a file without a usable header.
    """
    faults: list[Fault] = []

    def texts() -> Iterator[str]:
        for line in read_lines(path):
            if line.fault is not None:
                faults.append(line.fault)
            yield line.text

    cells = csv.reader(texts(), delimiter=delimiter, strict=True)
    header = _header(cells, path, faults)
    while True:
        start = cells.line_num + 1
        faults.clear()
        try:
            row = next(cells)
        except StopIteration:
            return
        except csv.Error as error:
            fault = faults[0] if faults else _csv_fault(error, start, cells.line_num)
            yield RawRow(path.name, start, error=fault)
            continue
        if faults:
            yield RawRow(path.name, start, error=faults[0])
        elif len(row) == len(header):
            yield RawRow(path.name, start, dict(zip(header, row, strict=True)))
        elif row:
            reason = f"{_span(start, cells.line_num)} {len(row)} columns; the header has "
            fault = Fault(FaultKind.WRONG_COLUMNS, f"{reason}{len(header)}.")
            yield RawRow(path.name, start, error=fault)


def _header(cells: Iterator[list[str]], path: Path, faults: list[Fault]) -> list[str]:
    try:
        names = next(cells, [])
    except csv.Error as error:
        hint = ""
        if "new-line" in str(error):
            hint = (
                f" Lines should end in LF or CRLF: tr '\\r' '\\n' < {path.name} > fixed-{path.name}"
            )
        raise FeedError(f"The header of {path} cannot be read: {error}.{hint}") from error
    if faults:
        raise FeedError(
            f"The header of {path} cannot be read: {faults[0].reason} "
            f"Save the feed as UTF-8, for example: iconv -f CP1252 -t UTF-8 {path.name}"
        )
    if not any(names):
        raise FeedError(f"{path} has no header: its first line must name the columns.")
    names = [name.strip() or f"column_{place}" for place, name in enumerate(names, start=1)]
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise FeedError(f'{path} has two columns called "{twice[0]}". Rename one of them.')
    return names


def _csv_fault(error: csv.Error, start: int, end: int) -> Fault:
    text = str(error)
    if text.startswith("field larger"):
        limit = f"more than {csv.field_size_limit():,} characters"
        reason = f"{_span(start, end)} a field of {limit}. Is a quote left open?"
        return Fault(FaultKind.TOO_LONG, reason)
    if text.startswith("unexpected end"):
        reason = f"A quote opened on line {start} is never closed; the file ends on line {end}."
        return Fault(FaultKind.BAD_QUOTES, reason)
    return Fault(FaultKind.BAD_QUOTES, f"{_span(start, end)} a broken quote: {text}.")


def _span(start: int, end: int) -> str:
    return f"Line {start} has" if end <= start else f"Lines {start} to {end} have"
