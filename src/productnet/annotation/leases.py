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

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select, update

from productnet.annotation.decisions import Task
from productnet.annotation.schema import leases as table
from productnet.database.columns import UtcTime, insert_into
from productnet.database.database import Database
from productnet.errors import LeaseHeld, UsageError

# The tasks that are done by one person at a time; disputes are settled one by one.
LEASED = (Task.LABEL, Task.AUDIT)

_AS_TAKEN = table.c.taken_at, table.c.category

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

    Attributes:
        standing: Which rows of the table are leases that have not expired.
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
        # Asked in the same errand as everything else.
        self._by_database = clock is None and database.engine.name == "postgresql"
        self._clock = clock or _utc_now
        now: ColumnElement[datetime] = bindparam("now", type_=UtcTime)
        if self._by_database:
            now = func.clock_timestamp()
        self.standing = table.c.expires_at > now
        self._current = select(table).where(self.standing).order_by(*_AS_TAKEN)
        self._locked = (
            select(table, now.label("now"))
            .where(table.c.category == bindparam("leaf"))
            # In one order, so that two who want both do not wait for each other.
            .order_by(table.c.task)
        )

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
            rows = self._lock_rows(connection, leaf)
            return self._take(connection, leaf, task, person, rows)

    def take_first(self, leaves: Sequence[str], task: Task, person: str) -> Lease | None:
        """Take the first of these leaves that is free; None where none is.

        Many may ask for the same leaves at once, and each is given another: a leaf that somebody
        else is about to take is passed over rather than waited for.
        """
        if task not in LEASED:
            return None
        with self._database.writing(in_turn=False) as connection:
            for leaf in leaves:
                rows = self._lock_rows(connection, leaf, skip=True)
                if len(rows) < len(LEASED):
                    continue
                with suppress(LeaseHeld):
                    return self._take(connection, leaf, task, person, rows)
        return None

    def _take(
        self, connection: Connection, leaf: str, task: Task, person: str, rows: Sequence[Row[Any]]
    ) -> Lease:
        """Take a leaf of which this transaction holds the rows."""
        now = rows[0].now.astimezone(UTC)
        beside = [_from_row(row) for row in rows if row.expires_at > now]
        for other in beside:
            _refuse_beside(other, task, person)
        taken_at = next((own.taken_at for own in beside if own.task is task), now)
        lease = Lease(leaf, task, person, taken_at, now + self._lifetime)
        own = table.c.category == leaf, table.c.task == task
        connection.execute(update(table).where(*own).values(_to_row(lease)))
        return lease

    def _lock_rows(
        self, connection: Connection, leaf: str, *, skip: bool = False
    ) -> Sequence[Row[Any]]:
        """The leaf's rows, expired ones too, for this transaction alone until its end."""
        query, asked = self._locked.with_for_update(skip_locked=skip), self.asked(leaf=leaf)
        rows = connection.execute(query, asked).all()
        if not rows:  # nobody ever took it, or somebody else is about to
            _make_rows(connection, leaf)
            rows = connection.execute(query, asked).all()
        return rows

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
            query = self._current
            if leaf is not None:
                query = query.where(table.c.category == leaf)
            return [_from_row(row) for row in connection.execute(query, self.asked())]

    def held(self, person: str) -> list[Lease]:
        """The leases that a person has, in the order taken."""
        query = self._current.where(table.c.holder == person)
        with self._database.reading() as connection:
            return [_from_row(row) for row in connection.execute(query, self.asked())]

    def _free(self, which: ColumnElement[bool]) -> int:
        with self._database.writing(in_turn=False) as connection:
            free = update(table).where(which, self.standing).values(expires_at=LONG_AGO)
            return connection.execute(free, self.asked()).rowcount

    def asked(self, **values: str) -> dict[str, object]:
        """With what a query is asked that has ``standing`` in it: the time, and these values."""
        return dict(values) if self._by_database else {"now": self._clock(), **values}


def _utc_now() -> datetime:
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


def _make_rows(connection: Connection, leaf: str) -> None:
    """Give a leaf its rows, free: what is to be locked has to be there."""
    rows = [_to_row(Lease(leaf, task, "", LONG_AGO, LONG_AGO)) for task in LEASED]
    connection.execute(insert_into(connection.dialect.name, table).on_conflict_do_nothing(), rows)


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
