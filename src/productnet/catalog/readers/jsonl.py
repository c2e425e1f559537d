"""JSON Lines: one object a line."""

import json
from collections.abc import Iterator
from pathlib import Path

from productnet.catalog.readers.rows import Fault, FaultKind, RawRow
from productnet.catalog.readers.text import Line, read_lines


def read_jsonl(path: Path) -> Iterator[RawRow]:
    """Rows of a JSON Lines file; empty lines are passed over."""
    for line in read_lines(path):
        if line.fault is not None:
            yield RawRow(path.name, line.number, error=line.fault)
        elif line.text.strip():
            yield _row(path.name, line)


def _row(file: str, line: Line) -> RawRow:
    try:
        value = json.loads(line.text.rstrip())
    except json.JSONDecodeError as error:
        reason = f"Not JSON at column {error.colno}: {error.msg}."
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits; 10,000 brackets
        reason = f"Not usable JSON: {error}."
    else:
        if isinstance(value, dict):
            return RawRow(file, line.number, value)
        reason = f"A JSON {type(value).__name__}, where an object with the product's fields is due."
    return RawRow(file, line.number, error=Fault(FaultKind.BAD_JSON, reason))
