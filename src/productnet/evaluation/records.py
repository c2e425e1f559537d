"""Records for the report: JSON files that carry their format version and are checked on loading."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from productnet.errors import ModelError
from productnet.files import write_atomically

T = TypeVar("T")


def save_record(path: Path, record: T, *, kind: type[T]) -> None:
    """Write a record as JSON, replacing the file whole."""
    write_atomically(path, TypeAdapter(kind).dump_json(record, indent=1).decode() + "\n")


def load_record(path: Path, *, kind: type[T], format_version: int, made_by: str) -> T:
    """Read a saved record.

    Args:
        path: Its file.
        kind: What it holds.
        format_version: The format read here.
        made_by: The command that writes it, for the errors.

    Raises:
        ModelError: The file is missing, damaged or of another format.
    """
    if not path.is_file():
        raise ModelError(f"There is no {path}. `{made_by}` writes it.")
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        version = raw.get("format_version") if isinstance(raw, dict) else None
        if version != format_version:
            raise ModelError(
                f"{path} has format {version}; this version of ProductNet reads format "
                f"{format_version}. Make it anew with `{made_by}`."
            )
        return TypeAdapter(kind).validate_python(raw)
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError) as error:
        raise ModelError(f"{path} is damaged ({error}). Make it anew with `{made_by}`.") from error
