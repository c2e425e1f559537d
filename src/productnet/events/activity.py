"""The activity log: who did what, appended and never changed, newest first when it is read.

It tells leaves, rounds and people apart by their ids; what a product says is never in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from uuid import uuid4

from sqlalchemy import Connection, insert, select

from productnet.database.database import Database
from productnet.errors import UsageError
from productnet.events.kinds import TOLD, Kind
from productnet.events.schema import activity, deliveries, webhooks

# A value of an event's details.
Detail = str | int | float | bool | None | Sequence[str]

# Most events of one page.
MOST = 500


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        id: Grows from event to event.
        kind: What.
        person: Who did it; None where nobody did.
        subject: The leaf, round, version, person … it happened to.
        details: What else is worth knowing.
        at: When, UTC.
    """

    id: int
    kind: Kind
    person: str | None
    subject: str | None
    details: Mapping[str, Detail]
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some events, newest first, and how to ask for older ones; None when there are none."""

    items: Sequence[Event]
    next_cursor: str | None


class Activity:
    """What happened in a project.

    Safe to share between threads, and between processes on one database.

    Example:
        >>> activity = Activity(database)  # doctest: +SKIP
        >>> activity.record(Kind.LEAF_ASSIGNED, person="ann", subject="mugs")  # doctest: +SKIP
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        # Keys that are taken already: what is asked after every decision needs no query.
        self._taken: set[str] = set()
        self._lock = Lock()

    def record(
        self,
        kind: Kind,
        *,
        person: str | None = None,
        subject: str | None = None,
        once: str | None = None,
        **details: Detail,
    ) -> Event | None:
        """Append an event and, in the same transaction, a delivery to each webhook that asked.

        Args:
            kind: What happened.
            person: Who did it.
            subject: To what.
            once: A name under which this happens once for ever, whoever records it how often.
            details: What else is worth knowing; never a product's text.

        Returns:
            The event; None where it was recorded under ``once`` before.
        """
        if once is not None and self._is_taken(once):
            return None
        with self._database.writing() as connection:
            return self.record_in(
                connection, kind, person=person, subject=subject, once=once, **details
            )

    def record_in(
        self,
        connection: Connection,
        kind: Kind,
        *,
        person: str | None = None,
        subject: str | None = None,
        once: str | None = None,
        **details: Detail,
    ) -> Event | None:
        """As ``record``, within a transaction of ``Database.writing``, with what it tells of."""
        if once is not None and _holds(connection, once):
            return None
        at = datetime.now(UTC)
        row = {"kind": kind, "person": person, "subject": subject, "details": details, "at": at}
        adding = insert(activity).values(**row, key=once).returning(activity.c.id)
        event = Event(connection.execute(adding).scalar_one(), kind, person, subject, details, at)
        if kind in TOLD:
            _queue(connection, event)
        return event

    def leaf_done(
        self, leaf: str, *, path: str, gold: int, hard_negatives: int, person: str | None = None
    ) -> Event | None:
        """A leaf has reached its targets; None where that was known already."""
        return self.record(
            Kind.LEAF_DONE,
            person=person,
            subject=leaf,
            once=f"{Kind.LEAF_DONE}:{leaf}",
            path=path,
            gold=gold,
            hard_negatives=hard_negatives,
        )

    def recall(self) -> None:
        """Read what was recorded once for ever, so that asking again costs nothing."""
        with self._database.reading() as connection:
            taken = connection.scalars(select(activity.c.key).where(activity.c.key.is_not(None)))
            with self._lock:
                self._taken.update(key for key in taken if key is not None)

    def round_activated(
        self, number: int, *, person: str | None = None, **details: Detail
    ) -> Event | None:
        """A round is in use; None where that was known already."""
        once = f"{Kind.ROUND_ACTIVATED}:{number}"
        return self.record(
            Kind.ROUND_ACTIVATED, person=person, subject=str(number), once=once, **details
        )

    def release_made(
        self, version: str, *, person: str | None = None, **details: Detail
    ) -> Event | None:
        """A release is there; None where that was known already."""
        once = f"{Kind.RELEASE_MADE}:{version}"
        return self.record(Kind.RELEASE_MADE, person=person, subject=version, once=once, **details)

    def page(
        self,
        cursor: str | None = None,
        *,
        limit: int = 50,
        kinds: Sequence[Kind] = (),
        person: str | None = None,
    ) -> Page:
        """Events, newest first, older than the page that gave ``cursor``.

        Raises UsageError if the cursor is none of ours.
        """
        query = select(activity).order_by(activity.c.id.desc()).limit(min(limit, MOST) + 1)
        if cursor is not None:
            query = query.where(activity.c.id < row_of(cursor))
        if kinds:
            query = query.where(activity.c.kind.in_(kinds))
        if person is not None:
            query = query.where(activity.c.person == person)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = [
            Event(row.id, Kind(row.kind), row.person, row.subject, row.details, row.at)
            for row in rows[: min(limit, MOST)]
        ]
        return Page(items, str(items[-1].id) if len(rows) > len(items) and items else None)

    def _is_taken(self, once: str) -> bool:
        with self._lock:
            if once in self._taken:
                return True
        with self._database.reading() as connection:
            if not _holds(connection, once):
                return False
        with self._lock:
            self._taken.add(once)
        return True


def row_of(cursor: str) -> int:
    """The row a cursor names; raises UsageError if it names none."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise UsageError(
            f'"{cursor[:40]}" is no cursor. Send the next_cursor of the page before, or leave it '
            "out for the first page."
        )
    return int(cursor)


def _holds(connection: Connection, once: str) -> bool:
    found = connection.scalar(select(activity.c.id).where(activity.c.key == once))
    return found is not None


def _queue(connection: Connection, event: Event) -> None:
    asked = connection.execute(select(webhooks.c.id, webhooks.c.kinds).where(webhooks.c.active))
    rows = [
        {
            "webhook": webhook,
            "event": event.id,
            "message": f"msg_{uuid4().hex}",
            "state": "waiting",
            "attempts": 0,
            "due_at": event.at,
            "created_at": event.at,
        }
        for webhook, kinds in asked
        if event.kind in kinds
    ]
    if rows:
        connection.execute(insert(deliveries), rows)
