"""Inspecting a project: every inspection in turn, and what was found last, kept for the portal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from productnet.errors import EmbeddingError, ProjectError, TrainingError, UsageError
from productnet.files import drafted, write_atomically
from productnet.inspection.flaws import Flaw, gravest_first
from productnet.inspection.registry import INSPECTIONS
from productnet.inspection.subject import Subject
from productnet.progress import SILENT, Progress
from productnet.settings import Project

# Raise it when what is kept changes.
FORMAT_VERSION = 1

_ENDINGS = (".parquet", ".csv", ".json")


@dataclass(frozen=True, slots=True)
class Inspected:
    """What was found.

    Attributes:
        flaws: The gravest first.
        skipped: Inspections that could not be made, with the reason.
        seq: Number of the last decision that was known.
        pool_version: Version of the pool.
        at: When, UTC.
        format_version: Of this record.
    """

    flaws: tuple[Flaw, ...]
    skipped: Mapping[str, str]
    seq: int
    pool_version: int
    at: datetime
    format_version: int = FORMAT_VERSION


_RECORD = TypeAdapter(Inspected)


def inspect_project(
    project: Project, *, only: Sequence[str] = (), progress: Progress = SILENT
) -> Inspected:
    """Look for flaws, and keep what was found where everything was looked at.

    Args:
        project: Whose data.
        only: Names of inspections; all when empty.
        progress: Who watches.

    Raises:
        UnknownName: There is no such inspection.
        ProjectError: There are no products or no taxonomy yet.
    """
    chosen = [(name, INSPECTIONS[name]) for name in only or INSPECTIONS]
    subject = Subject(project, progress=progress)
    flaws: list[Flaw] = []
    skipped: dict[str, str] = {}
    at, seq, version = datetime.now(UTC), subject.state.seq, subject.pool.version
    for name, look in chosen:
        try:
            flaws += look(subject, progress)
        except (EmbeddingError, TrainingError) as reason:
            skipped[name] = str(reason)
    found = Inspected(tuple(gravest_first(flaws)), skipped, seq, version, at)
    if not only:
        write_atomically(project.inspection_path, _RECORD.dump_json(found).decode() + "\n")
    return found


def read_inspected(project: Project) -> Inspected | None:
    """What was found last; None before the first time, or where an older version found it.

    Raises ProjectError where it cannot be read.
    """
    path = project.inspection_path
    try:
        text = path.read_text(encoding="utf-8")
        if json.loads(text).get("format_version") != FORMAT_VERSION:
            return None
        return _RECORD.validate_json(text)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError, ValidationError) as error:
        raise ProjectError(
            f"{path} cannot be read ({type(error).__name__}). Delete it and run "
            "`productnet inspect` again."
        ) from error


def check_flaws_file(path: Path) -> None:
    """Raise UsageError where flaws cannot be written: before they are looked for."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Name a file in it, such as {path / 'flaws.csv'}.")
    if path.suffix not in _ENDINGS:
        raise UsageError(
            f'Flaws are written as .parquet, .csv or .json; "{path.name}" ends in none of these.'
        )


def write_flaws(path: Path, found: Inspected) -> None:
    """Write flaws as a table, ``.parquet`` or ``.csv``, or with all else as ``.json``.

    Raises UsageError for another ending.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    check_flaws_file(path)
    if path.suffix == ".json":
        write_atomically(path, _RECORD.dump_json(found, indent=1).decode() + "\n")
        return
    flat = path.suffix == ".csv"
    rows = [_row(flaw, flat=flat) for flaw in found.flaws]
    of_many = pa.string() if flat else pa.list_(pa.string())
    schema = pa.schema(
        [
            ("severity", pa.string()),
            ("inspection", pa.string()),
            ("kind", pa.string()),
            ("seen", pa.string()),
            ("advice", pa.string()),
            ("action", pa.string()),
            ("leaves", of_many),
            ("products", of_many),
            ("count", pa.int64()),
            ("field", pa.string()),
            ("numbers", pa.string()),
        ]
    )
    table = pa.Table.from_pylist(rows, schema=schema)
    with drafted(path) as draft:
        if flat:
            pyarrow.csv.write_csv(table, draft)
        else:
            pq.write_table(table, draft)


def _row(flaw: Flaw, *, flat: bool) -> dict[str, object]:
    row = asdict(flaw)
    row["numbers"] = json.dumps(flaw.numbers)
    for name in ("leaves", "products"):
        row[name] = json.dumps(row[name], ensure_ascii=False) if flat else list(row[name])
    return row
