"""What was read moments ago, so that a request need not read it again; and the clock for it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

Clock = Callable[[], datetime]

# How long another process may go on without seeing that somebody was signed out.
FRESH = timedelta(seconds=5)

# Past this many entries all are let go, which bounds memory.
_MOST = 10_000

Value = TypeVar("Value")


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


class Recent(Generic[Value]):
    """Values by the digest they were found under, for ``FRESH``; safe between threads.

    What this process changes it forgets at once: ``forget`` also bars values whose reading
    began before it. What another process changes is seen when ``FRESH`` has passed.
    """

    def __init__(self, now: Clock) -> None:
        self._now = now
        self._kept: dict[str, tuple[datetime, Value]] = {}
        self._forgotten = 0
        self._lock = Lock()

    def get(self, digest: str) -> Value | None:
        """The value, if it was kept lately."""
        kept = self._kept.get(digest)
        if kept is None:
            return None
        at, value = kept
        return value if timedelta(0) <= self._now() - at < FRESH else None

    def mark(self) -> int:
        """Taken before reading; ``keep`` wants it back."""
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
            self._forgotten += 1
            self._kept.clear()
