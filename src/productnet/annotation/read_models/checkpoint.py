"""The read models as a checkpoint of the log: moved on from time to time, or made anew.

They hold the log up to one decision, all of it and nothing after. Whoever answers from them adds
what was decided since, so an answer never waits for them to be written, and many decisions are
written down together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, update

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.histories import VoteRow, all_rows, in_parts, standing
from productnet.annotation.read_models import tables
from productnet.annotation.read_models.counting import follow, pair_row, rows_of
from productnet.annotation.read_models.effects import read_effects
from productnet.annotation.read_models.sums import Added, Said, Sums
from productnet.annotation.schema import decisions as log_table
from productnet.database.database import Database
from productnet.progress import SILENT, Progress

# Decisions folded in by one transaction: on SQLite, whoever decides waits for it.
_AT_ONCE = 250

# Where more lie behind than this and than half of the log, all are counted in the order of their
# products, which takes a third of the time a decision.
_FEW = 50_000

_SEEN = select(
    select(func.max(log_table.c.seq)).scalar_subquery(), tables.counted.c.seq, tables.counted.c.made
)

_CLAIM = select(tables.counted.c.seq).with_for_update()


@dataclass(frozen=True, slots=True)
class Place:
    """How far the log and the read models reach.

    Attributes:
        log: Number of the last decision; 0 before the first.
        folded: The last decision that is in the read tables.
        made: How often they were made anew.
    """

    log: int
    folded: int
    made: int

    @classmethod
    def of(cls, connection: Connection) -> "Place":
        """As of now."""
        log, folded, made = connection.execute(_SEEN).one()
        return cls(log or 0, folded, made)

    @classmethod
    def of_now(cls, database: Database) -> "Place":
        """As of now, for who has no connection."""
        with database.reading() as connection:
            return cls.of(connection)

    @property
    def behind(self) -> int:
        """Decisions that are in the log alone; below zero where a log was emptied."""
        return self.log - self.folded


def fold(database: Database, *, progress: Progress = SILENT) -> None:
    """Take into the read models what was decided since they were moved on last.

    Several processes may do so at once: one waits for the other, and finds less to do. Nobody who
    decides waits for it on PostgreSQL; on SQLite for a few hundred decisions at most.
    """
    while True:
        place = Place.of_now(database)
        if not place.behind:
            return
        if place.behind < 0 or place.behind > max(_FEW, place.log // 2):
            make_anew(database, progress=progress)
            return
        _fold_some(database, place)


def fold_a_little(database: Database, *, least: int) -> None:
    """Take a few hundred decisions into the read models, where at least so many lie behind.

    For who serves meanwhile: whatever else this process does waits for it, some 20 ms.
    """
    place = Place.of_now(database)
    if place.behind >= max(least, 1):
        _fold_some(database, place)


def _fold_some(database: Database, place: Place) -> None:
    # Read and worked out while nobody waits for it.
    with database.reading() as connection:
        effects = next(read_effects(connection, place.folded, at_once=_AT_ONCE), [])
    with database.writing(in_turn=False) as connection:
        if effects and connection.execute(_CLAIM).scalar_one() == place.folded:
            follow(connection, effects)


def make_anew(database: Database, *, progress: Progress = SILENT) -> None:
    """Make the read models from the whole log, while nobody decides."""
    with database.writing() as connection:
        connection.execute(_CLAIM)
        _count_anew(connection, progress=progress)


def _count_anew(connection: Connection, *, progress: Progress) -> None:
    last = Place.of(connection).log
    for table in (tables.pairs, *tables.SUMS):
        connection.execute(delete(table))
    total = Sums()
    with progress.task("Counting decisions", total=None) as advance:
        for chunk in in_parts(counted(connection, total, until=last)):
            rows = [
                pair_row(product, category, pair, added.meetings.get(category), last)
                for product, added in chunk
                for category, pair in added.pairs.items()
            ]
            _write_new(connection, tables.pairs, rows)
            advance(len(chunk))
    for name, of_table in rows_of(total, last).items():
        _write_new(connection, tables.pairs.metadata.tables[name], of_table)
    again = update(tables.counted).values(seq=last, made=tables.counted.c.made + 1)
    connection.execute(again)


def counted(connection: Connection, total: Sums, *, until: int) -> Iterator[tuple[str, Added]]:
    """What each product of the log adds, all of it counted into ``total`` on the way."""
    for product, said in groupby(all_rows(connection, until=until), itemgetter(0)):
        rows = list(said)
        for row in rows:
            total.count(row[1], _said(row))
        added = Added.by(standing(rows))
        total.put(added, 1, seq=rows[-1][1])
        yield product, added


def _said(row: VoteRow) -> Said:
    _, _, _, category, verdict, role, annotator, at, _, _, _, seconds = row
    return Said(category, Verdict(verdict) if verdict else None, Role(role), annotator, at, seconds)


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
