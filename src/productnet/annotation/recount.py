"""The log counted again: read models made of it, and held against it.

``catch_up`` takes in what an older program wrote, ``count_anew`` makes the tables from the log,
and ``compare`` tells where they say something else than it does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from productnet.annotation import read_models as models
from productnet.annotation.counting import follow, pair_row, rows_of
from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.histories import (
    VoteRow,
    all_rows,
    decisions_since,
    in_parts,
    read_histories,
    standing,
)
from productnet.annotation.schema import decisions as log_table
from productnet.annotation.sums import Added, Said, Sums
from productnet.annotation.times import Times
from productnet.database.database import Database
from productnet.progress import SILENT, Progress

# Decisions that lie behind are taken in by the transaction that finds them up to so many; more
# are counted anew in the order of their products, which takes a third of the time a decision.
_FEW = 50_000

_SEEN = select(
    select(func.max(log_table.c.seq)).scalar_subquery(),
    select(models.counted.c.seq).scalar_subquery(),
    select(models.counted.c.made).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far the log and the read models reach.

    Attributes:
        log: Number of the last decision; 0 before the first.
        counted: The last decision that is in the read models.
        made: How often they were made anew.
    """

    log: int
    counted: int
    made: int

    @classmethod
    def of(cls, connection: Connection) -> "Place":
        """As of now."""
        log, counted, made = connection.execute(_SEEN).one()
        return cls(log or 0, counted or 0, made or 0)


def catch_up(connection: Connection, *, progress: Progress = SILENT) -> Place:
    """Take in decisions that are in the log alone, as of an older version; in a writer's turn."""
    place = Place.of(connection)
    if place.log == place.counted:
        return place
    if place.log - place.counted > _FEW or place.log < place.counted:
        count_anew(connection, progress=progress)
        return Place.of(connection)
    for chunk in decisions_since(connection, place.counted):
        products = {decision.product for _, decision in chunk}
        follow(connection, chunk, read_histories(connection, products, before=chunk[0][0]))
    return Place.of(connection)


def count_anew(connection: Connection, *, progress: Progress = SILENT) -> None:
    """Make the read models from the log, in a writer's turn."""
    last = Place.of(connection).log
    for table in (models.pairs, *models.SUMS):
        connection.execute(delete(table))
    total = Sums()
    with progress.task("Counting decisions", total=None) as advance:
        for chunk in in_parts(_counted(connection, total)):
            rows = [
                pair_row(product, category, pair, added.meetings.get(category), last)
                for product, added in chunk
                for category, pair in added.pairs.items()
            ]
            _write_new(connection, models.pairs, rows)
            advance(len(chunk))
    for name, rows in rows_of(total, last).items():
        _write_new(connection, models.pairs.metadata.tables[name], rows)
    again = update(models.counted).values(seq=last, made=models.counted.c.made + 1)
    connection.execute(again)


def _write_new(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Write rows of keys that are not there yet; PostgreSQL takes a stream of them at once."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = [column.name for column in table.columns]
    target = f"{table.name} ({', '.join(names)})"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copying:
        for row in rows:
            copying.write_row([row[name] for name in names])


def _counted(connection: Connection, total: Sums) -> Iterator[tuple[str, Added]]:
    """What each product of the log adds, all of it counted into ``total`` on the way."""
    for product, said in groupby(all_rows(connection), itemgetter(0)):
        rows = list(said)
        for row in rows:
            total.count(row[1], _said(row))
        added = Added.by(standing(rows))
        total.put(added, 1, seq=rows[-1][1])
        yield product, added


def _said(row: VoteRow) -> Said:
    _, _, _, category, verdict, role, annotator, at, _, _, _, seconds = row
    return Said(category, Verdict(verdict) if verdict else None, Role(role), annotator, at, seconds)


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
    with database.reading(one_state=True) as connection:
        found = list(compare(connection, progress=progress))
        decisions = connection.scalar(select(func.count()).select_from(log_table)) or 0
    if found and repair:
        with database.writing() as connection:
            count_anew(connection, progress=progress)
    return Recounted(decisions, found)


def compare(connection: Connection, *, progress: Progress = SILENT) -> Iterator[Difference]:
    """Count the log and tell every row of the read models that says something else.

    The connection has to see one state of the database all the while.
    """
    place = Place.of(connection)
    if place.log != place.counted:
        yield Difference("counted", str(place.counted), str(place.log))
    total = Sums()
    pairs = 0
    with progress.task("Counting decisions", total=None) as advance:
        for part in in_parts(_counted(connection, total)):
            pairs += sum(len(added.pairs) for _, added in part)
            yield from _compare_pairs(connection, dict(part))
            advance(len(part))
    kept = connection.scalar(
        select(func.count()).select_from(models.pairs).where(models.pairs.c.stage != "suggested")
    )
    if kept != pairs:
        yield Difference("pairs", f"{kept} rows", f"{pairs} pairs")
    for name, rows in rows_of(total, place.log).items():
        yield from _compare_rows(connection, models.pairs.metadata.tables[name], rows)


def _compare_pairs(connection: Connection, added: Mapping[str, Added]) -> Iterator[Difference]:
    table = models.pairs
    query = select(table).where(table.c.product.in_(added), table.c.stage != "suggested")
    kept = {(row.product, row.category): row._asdict() for row in connection.execute(query)}
    counted = {
        (product, category): pair_row(product, category, pair, one.meetings.get(category), 0)
        for product, one in added.items()
        for category, pair in one.pairs.items()
    }
    yield from _differences("pairs", kept, counted)


def _compare_rows(
    connection: Connection, table: Table, rows: Sequence[dict[str, object]]
) -> Iterator[Difference]:
    keys = [column.name for column in table.primary_key]
    saying = {column.name for column in table.columns if not column.primary_key}
    saying -= {"changed", "times"}
    found = (row._asdict() for row in connection.execute(select(table)))
    # A row of nothing but zeros says what no row says.
    kept, counted = (
        {tuple(row[key] for key in keys): row for row in some if any(row[one] for one in saying)}
        for some in (found, rows)
    )
    yield from _differences(table.name, kept, counted)


def _differences(
    table: str,
    kept: Mapping[Any, Mapping[str, object]],
    counted: Mapping[Any, Mapping[str, object]],
) -> Iterator[Difference]:
    for key in sorted(kept.keys() | counted.keys()):
        one, other = kept.get(key), counted.get(key)
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
