"""The log counted again, and the read models held against it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, func, select

from productnet.annotation.histories import in_parts
from productnet.annotation.quality.times import Times
from productnet.annotation.read_models import tables
from productnet.annotation.read_models.checkpoint import Place, counted, fold, make_anew
from productnet.annotation.read_models.counting import pair_row, rows_of
from productnet.annotation.read_models.sums import Added, Sums
from productnet.annotation.schema import decisions as log_table
from productnet.database.database import Database
from productnet.progress import SILENT, Progress


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is kept otherwise than the log has it.

    Attributes:
        what: The table and the key of the row.
        kept: What the row says; empty where it is missing.
        counted: What the log comes to; empty where there should be no such row.
    """

    what: str
    kept: str
    counted: str


@dataclass(frozen=True, slots=True)
class Recounted:
    """What a count of the whole log has found.

    Attributes:
        decisions: How many there are.
        differences: What was kept otherwise.
    """

    decisions: int
    differences: list[Difference]


def recount(database: Database, *, repair: bool = False, progress: Progress = SILENT) -> Recounted:
    """Count the log, compare the read models, and where asked to make them anew if they differ.

    Others may write meanwhile: one state of the database is looked at.
    """
    fold(database, progress=progress)
    with database.reading(one_state=True) as connection:
        found = list(compare(connection, progress=progress))
        decisions = connection.scalar(select(func.count()).select_from(log_table)) or 0
    if found and repair:
        make_anew(database, progress=progress)
    return Recounted(decisions, found)


def compare(connection: Connection, *, progress: Progress = SILENT) -> Iterator[Difference]:
    """Count the log as far as it is folded, and tell every row that says something else.

    The connection has to see one state of the database all the while.
    """
    place = Place.of(connection)
    if place.behind < 0:
        yield Difference("counted", str(place.folded), str(place.log))
    total = Sums()
    pairs = 0
    with progress.task("Counting decisions", total=None) as advance:
        for part in in_parts(counted(connection, total, until=place.folded)):
            pairs += sum(len(added.pairs) for _, added in part)
            yield from _compare_pairs(connection, dict(part))
            advance(len(part))
    kept = connection.scalar(
        select(func.count()).select_from(tables.pairs).where(tables.pairs.c.stage != "suggested")
    )
    if kept != pairs:
        yield Difference("pairs", f"{kept} rows", f"{pairs} pairs")
    for name, rows in rows_of(total, place.folded).items():
        yield from _compare_rows(connection, tables.pairs.metadata.tables[name], rows)


def _compare_pairs(connection: Connection, added: Mapping[str, Added]) -> Iterator[Difference]:
    table = tables.pairs
    query = select(table).where(table.c.product.in_(added), table.c.stage != "suggested")
    kept = {(row.product, row.category): row._asdict() for row in connection.execute(query)}
    found = {
        (product, category): pair_row(product, category, pair, one.meetings.get(category), 0)
        for product, one in added.items()
        for category, pair in one.pairs.items()
    }
    yield from _differences("pairs", kept, found)


def _compare_rows(
    connection: Connection, table: Table, rows: Sequence[dict[str, object]]
) -> Iterator[Difference]:
    keys = [column.name for column in table.primary_key]
    saying = {column.name for column in table.columns if not column.primary_key}
    saying -= {"changed", "times"}
    there = (row._asdict() for row in connection.execute(select(table)))
    # A row of nothing but zeros says what no row says.
    kept, found = (
        {tuple(row[key] for key in keys): row for row in some if any(row[one] for one in saying)}
        for some in (there, rows)
    )
    yield from _differences(table.name, kept, found)


def _differences(
    table: str,
    kept: Mapping[Any, Mapping[str, object]],
    found: Mapping[Any, Mapping[str, object]],
) -> Iterator[Difference]:
    for key in sorted(kept.keys() | found.keys()):
        one, other = kept.get(key), found.get(key)
        if one is None or other is None or _comparable(one) != _comparable(other):
            yield Difference(f"{table} {key}", _told(one), _told(other))


def _comparable(row: Mapping[str, object]) -> dict[str, object]:
    """A row without what depends on the order in which it was counted."""
    said = {name: value for name, value in row.items() if name != "changed"}
    if isinstance(times := said.get("times"), bytes):
        said["times"] = Times(times).counts()
    if isinstance(seconds := said.get("seconds"), float):
        said["seconds"] = float(f"{seconds:.9g}")
    return said


def _told(row: Mapping[str, object] | None) -> str:
    return "" if row is None else str(_comparable(row))
