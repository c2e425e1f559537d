"""Leases: who is at work on a leaf, so that two people never label or audit it at once (rule 1).

A lease is short and renewed while its holder works. Closing the tab frees it; a crash frees it
when it expires. It keeps people apart and nothing else: a decision needs none, since an answer
may reach the log long after it was given.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, select, update

from productnet.annotation.decisions import Task
from productnet.annotation.schema import leases as table
from productnet.database.columns import insert_into
from productnet.database.database import Database
from productnet.errors import LeaseHeld, UsageError

# The tasks that are done by one person at a time; disputes are settled one by one.
LEASED = (Task.LABEL, Task.AUDIT)

# When a lease that nobody has ended.
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lease:
    """One person at work on one leaf.

    Attributes:
        leaf: The leaf.
        task: Label or audit.
        holder: Who is at work.
        taken_at: When they began.
        expires_at: When it ends unless it is renewed.
    """

    leaf: str
    task: Task
    holder: str
    taken_at: datetime
    expires_at: datetime


class Leases:
    """The leases of a project, safe between threads and between processes on one database.

    A person may hold several, one for each leaf they have open; taking one releases none.

    Args:
        database: Where they are kept.
        lifetime: How long one lasts from the last time it was taken or renewed.
        clock: What time it is, in UTC; PostgreSQL's own clock by default, so that machines whose
            clocks differ agree, and this machine's for SQLite.
    """

    def __init__(
        self,
        database: Database,
        *,
        lifetime: timedelta,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        self._database = database
        self._lifetime = lifetime
        self._clock = clock

    def take(self, leaf: str, task: Task, person: str) -> Lease:
        """Take a lease, or renew one's own; on return nobody else has it until it expires.

        Raises:
            LeaseHeld: Somebody else has it, or this person has the leaf's other task.
            UsageError: The task is done without a lease.
        """
        if task not in LEASED:
            raise UsageError(
                f'There are no leases for the task "{task}": disputes are settled one by one. '
                "Take a leaf to label or to audit."
            )
        with self._database.writing(in_turn=False) as connection:
            _make_rows(connection, [leaf])
            return self._take(connection, leaf, task, person, self._lock_rows(connection, leaf))

    def take_first(self, leaves: Sequence[str], task: Task, person: str) -> Lease | None:
        """Take the first of these leaves that is free; None where none is.

        Many may ask for the same leaves at once, and each is given another: a leaf that somebody
        else is about to take is passed over rather than waited for.
        """
        if task not in LEASED:
            return None
        with self._database.writing(in_turn=False) as connection:
            _make_rows(connection, leaves)
            for leaf in leaves:
                rows = self._lock_rows(connection, leaf, skip=True)
                if len(rows) < len(LEASED):
                    continue
                with suppress(LeaseHeld):
                    return self._take(connection, leaf, task, person, rows)
        return None

    def _take(
        self, connection: Connection, leaf: str, task: Task, person: str, rows: Sequence[Lease]
    ) -> Lease:
        """Take a leaf of which this transaction holds the rows."""
        now = self._now(connection)
        beside = [row for row in rows if row.expires_at > now]
        for other in beside:
            _refuse_beside(other, task, person)
        taken_at = next((own.taken_at for own in beside if own.task is task), now)
        lease = Lease(leaf, task, person, taken_at, now + self._lifetime)
        own = table.c.category == leaf, table.c.task == task
        connection.execute(update(table).where(*own).values(_to_row(lease)))
        return lease

    def _lock_rows(self, connection: Connection, leaf: str, *, skip: bool = False) -> list[Lease]:
        """The leaf's rows, expired ones too, for this transaction alone until its end."""
        # In one order, so that two who want both do not wait for each other.
        query = select(table).where(table.c.category == leaf).order_by(table.c.task)
        query = query.with_for_update(skip_locked=skip)
        return [_from_row(row) for row in connection.execute(query)]

    def release(self, leaf: str, task: Task, person: str) -> bool:
        """Free a leaf; whether this person had it. Somebody else's is left alone."""
        own = and_(table.c.category == leaf, table.c.task == task, table.c.holder == person)
        return self._free(own) > 0

    def release_all(self, person: str) -> int:
        """Free everything a person holds, as when they sign out; how many there were."""
        return self._free(table.c.holder == person)

    def current(self, leaf: str | None = None) -> list[Lease]:
        """The leases that have not expired, of this leaf or of all, in the order taken."""
        with self._database.reading() as connection:
            return self._read(connection, leaf)

    def held(self, person: str) -> list[Lease]:
        """The leases that a person has, in the order taken."""
        with self._database.reading() as connection:
            return self._read(connection, holder=person)

    def _free(self, which: ColumnElement[bool]) -> int:
        with self._database.writing(in_turn=False) as connection:
            free = update(table).where(which, self._standing(connection))
            return connection.execute(free.values(expires_at=LONG_AGO)).rowcount

    def _read(
        self,
        connection: Connection,
        leaf: str | None = None,
        *,
        holder: str | None = None,
    ) -> list[Lease]:
        query = select(table).where(self._standing(connection))
        if leaf is not None:
            query = query.where(table.c.category == leaf)
        if holder is not None:
            query = query.where(table.c.holder == holder)
        rows = connection.execute(query.order_by(table.c.taken_at, table.c.category))
        return [_from_row(row) for row in rows]

    def _standing(self, connection: Connection) -> ColumnElement[bool]:
        if self._clock is None and connection.dialect.name == "postgresql":
            return table.c.expires_at > func.clock_timestamp()  # in one errand rather than two
        return table.c.expires_at > self._now(connection)

    def _now(self, connection: Connection) -> datetime:
        if self._clock:
            return self._clock()
        if connection.dialect.name == "postgresql":
            told: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            return told.astimezone(UTC)
        return datetime.now(UTC)


def _refuse_beside(other: Lease, task: Task, person: str) -> None:
    """Raise LeaseHeld where a lease of the same leaf stands in the way."""
    until = f"{other.expires_at:%H:%M:%S} UTC"
    if other.task is task and other.holder != person:
        raise LeaseHeld(
            f'{other.holder} is at work on leaf "{other.leaf}" ({task}) until {until}, or longer '
            "if they go on. Take another leaf of the queue."
        )
    if other.task is not task and other.holder == person:
        raise LeaseHeld(
            f'{person} holds leaf "{other.leaf}" to {other.task} until {until}, and nobody does '
            f"both at once. Leave it there first, or take another leaf to {task}."
        )


def _make_rows(connection: Connection, leaves: Sequence[str]) -> None:
    """Give leaves their rows, free: what is to be locked has to be there."""
    rows = [
        _to_row(Lease(leaf, task, "", LONG_AGO, LONG_AGO)) for leaf in leaves for task in LEASED
    ]
    if rows:
        connection.execute(
            insert_into(connection.dialect.name, table).on_conflict_do_nothing(), rows
        )


def _from_row(row: Row[Any]) -> Lease:
    return Lease(row.category, Task(row.task), row.holder, row.taken_at, row.expires_at)


def _to_row(lease: Lease) -> dict[str, object]:
    return {
        "category": lease.leaf,
        "task": lease.task,
        "holder": lease.holder,
        "taken_at": lease.taken_at,
        "expires_at": lease.expires_at,
    }
