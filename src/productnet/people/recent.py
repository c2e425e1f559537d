"""What was read of who may come in, kept until it changes; and the clock for it.

Whatever closes a door (a session ended, a key revoked, an account changed) counts up a number in
the same transaction. A process asks for that number every ``FRESH``, once for all it remembers.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import Connection, select, update

from productnet.database.database import Database
from productnet.people.schema import door_changes

Clock = Callable[[], datetime]

# How long another process may go on without seeing that somebody was signed out.
FRESH = timedelta(seconds=5)

# How long at most anything is kept: what was changed in the tables by hand counts nothing up.
LONGEST_KEPT = timedelta(minutes=5)

# Past this many entries all are let go, which bounds memory.
_MOST = 10_000

_CHANGES = select(door_changes.c.number)
_ONE_MORE = update(door_changes).values(number=door_changes.c.number + 1)

Value = TypeVar("Value")


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def tell_others(connection: Connection) -> None:
    """Have every process read anew who may come in, once this transaction is committed."""
    connection.execute(_ONE_MORE)


class Recent(Generic[Value]):
    """Values by the digest they were found under, until something changes; safe between threads.

    What this process changes it forgets at once: ``forget`` also bars values whose reading
    began before it. What another process changes is seen when ``FRESH`` has passed.
    """

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now
        self._kept: dict[str, tuple[datetime, Value]] = {}
        self._forgotten = 0
        self._changes: int | None = None
        self._looked_at: datetime | None = None
        self._lock = Lock()
        self._looking = Lock()

    def get(self, digest: str) -> Value | None:
        """The value, if it is kept; asks the database at most once in ``FRESH``."""
        if not self._knows():
            self._look()
        return self._value(digest)

    def at_once(self, digest: str) -> Value | None:
        """As ``get``; but None where the database would have to be asked."""
        return self._value(digest) if self._knows() else None

    def mark(self) -> int:
        """Taken after ``get`` and before reading; ``keep`` wants it back."""
        return self._forgotten

    def keep(self, digest: str, value: Value, *, mark: int) -> None:
        """Keep what was read, unless something was forgotten since ``mark``."""
        with self._lock:
            if mark != self._forgotten:
                return
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[digest] = (self._now(), value)

    def amend(self, digest: str, value: Value) -> None:
        """Put another value in the place of one that is kept; it stays as old as that was."""
        with self._lock:
            if digest in self._kept:
                self._kept[digest] = (self._kept[digest][0], value)

    def forget(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._forget()

    def _forget(self) -> None:
        self._forgotten += 1
        self._kept.clear()

    def _knows(self) -> bool:
        """Whether it was asked lately that nothing has changed."""
        return self._looked_at is not None and self._is_within(FRESH, self._looked_at)

    def _look(self) -> None:
        with self._looking:
            if self._knows():
                return
            began = self._now()
            with self._database.reading() as connection:
                changes = connection.execute(_CHANGES).scalar_one()
            with self._lock:
                if changes != self._changes:
                    self._changes = changes
                    self._forget()
                self._looked_at = began

    def _value(self, digest: str) -> Value | None:
        kept = self._kept.get(digest)
        if kept is None:
            return None
        at, value = kept
        return value if self._is_within(LONGEST_KEPT, at) else None

    def _is_within(self, long: timedelta, since: datetime) -> bool:
        return timedelta(0) <= self._now() - since < long
