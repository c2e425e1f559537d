"""What changes while a page is open, told to browsers as server-sent events.

One thread looks, whoever it was that changed something: this process, another portal on the same
database, or a command typed in a terminal. On PostgreSQL it is called by the database's bell, by
which processes also pass on what only one of them knows.
"""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from productnet.database.database import Database
from productnet.errors import DatabaseUnavailable

_logger = logging.getLogger(__name__)

# Seconds between two looks at most, and at least.
_EVERY = 0.5
_LEAST = 0.3

# Updates in one message to other processes, of which none may be longer than 7,900 bytes.
_AT_ONCE = 25

# Seconds of silence after which a comment is sent, so that proxies keep the line open.
_KEEP_ALIVE = 15.0

# Seconds between two looks whether a listener may still listen.
_ASK_EVERY = 5.0

# Events a slow browser may lie behind before its line is closed; it then asks anew.
_MOST_WAITING = 256


@dataclass(frozen=True, slots=True)
class Update:
    """Something that changed.

    Attributes:
        kind: Such as "progress".
        data: What about it, to be written as JSON.
    """

    kind: str
    data: dict[str, object]

    def as_event(self) -> bytes:
        """As server-sent events are written."""
        return f"event: {self.kind}\ndata: {json.dumps(self.data)}\n\n".encode()


Look = Callable[[], Iterable[Update]]


class Updates:
    """Looks again and again, and tells everybody who listens.

    Args:
        looks: Each gives what has changed since it was called last.
        database: By whose bell it is called before the time is up, where it has one.
    """

    def __init__(self, looks: Iterable[Look], database: Database | None = None) -> None:
        self._looks = list(looks)
        self._database = database
        self._for_others: list[Update] = []
        # By which this process knows what it said itself.
        self._name = uuid4().hex
        self._listeners: set[_Listener] = set()
        self._lock = Lock()
        self._stopped = Event()
        self._thread = Thread(target=self._go_on_looking, name="updates", daemon=True)
        self._thread.start()

    def tell_all(self, update: Update) -> None:
        """Tell everybody who listens, be it to another process on this database."""
        self.tell(update)
        if self._database is not None and not self._database.bell.silent:
            with self._lock:
                self._for_others.append(update)

    def tell(self, update: Update) -> None:
        """Tell everybody who listens here now; from any thread."""
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tell(update)

    async def listen(self, *, still: Callable[[], bool] = lambda: True) -> AsyncIterator[bytes]:
        """Events as they come, until the listener goes away or the portal closes.

        Args:
            still: Whether the listener may go on; asked every few seconds, in a thread.
        """
        with self._listening() as listener:
            yield b"retry: 2000\n\n"
            asked = said = time.monotonic()
            while True:
                update: Update | _Silence | None = _SILENCE
                with suppress(TimeoutError):
                    update = await asyncio.wait_for(listener.queue.get(), _ASK_EVERY)
                if update is None:
                    return
                now = time.monotonic()
                if now - asked >= _ASK_EVERY:
                    asked = now
                    if not await run_in_threadpool(still):
                        return
                if not isinstance(update, _Silence):
                    said = now
                    yield update.as_event()
                elif now - said >= _KEEP_ALIVE:
                    said = now
                    yield b": still here\n\n"

    def close(self) -> None:
        """Stop looking, and let every listener go."""
        self._stopped.set()
        if self._database is not None:
            self._database.bell.wake()
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.end()
        self._thread.join(timeout=10)

    @contextmanager
    def _listening(self) -> Iterator["_Listener"]:
        listener = _Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        if self._stopped.is_set():
            listener.end()
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def _wait(self) -> None:
        """Until it is time to look again; what other processes say meanwhile is passed on."""
        if self._database is None:
            self._stopped.wait(_EVERY)
            return
        # Answers come a hundred a second at times: one look is for all of a moment.
        self._stopped.wait(_LEAST)
        for message in self._database.bell.wait(_EVERY - _LEAST):
            self._pass_on(message)
        self._tell_others(self._database)

    def _tell_others(self, database: Database) -> None:
        """What is to be told to other processes since the last time, in few messages."""
        with self._lock:
            told, self._for_others = self._for_others, []
        parts = [told[start : start + _AT_ONCE] for start in range(0, len(told), _AT_ONCE)]
        try:
            for part in parts:
                said = [[update.kind, update.data] for update in part]
                with database.reading() as connection:
                    database.bell.ring(connection, json.dumps([self._name, said]))
        except DatabaseUnavailable:
            _logger.warning("Other processes were not told of %s changes", len(told))

    def _pass_on(self, message: str) -> None:
        if not message:
            return
        try:
            name, said = json.loads(message)
            updates = [Update(str(kind), dict(data)) for kind, data in said]
        except (ValueError, TypeError):
            _logger.warning("A message of another process is none that this one understands")
            return
        if name != self._name:
            for update in updates:
                self.tell(update)

    def _go_on_looking(self) -> None:
        failing: dict[Look, str] = {}
        while not self._stopped.is_set():
            self._wait()
            for look in self._looks:
                try:
                    updates = list(look())
                except Exception as error:
                    # A database that is away for a moment comes back; people go on meanwhile.
                    # What fails in the same way again and again is told once.
                    if failing.get(look) != repr(error):
                        _logger.warning("Looking for updates failed", exc_info=True)
                    failing[look] = repr(error)
                    continue
                failing.pop(look, None)
                for update in updates:
                    self.tell(update)


class _Silence:
    """That nothing was to be told for a while."""


_SILENCE = _Silence()


class _Listener:
    """One open line to a browser."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.queue: asyncio.Queue[Update | None] = asyncio.Queue(_MOST_WAITING)

    def tell(self, update: Update) -> None:
        """Queue an update, from any thread."""
        with suppress(RuntimeError):  # its loop is closed, so nobody listens any more
            self._loop.call_soon_threadsafe(self._put, update)

    def end(self) -> None:
        """Close the line, from any thread."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._put, None)

    def _put(self, update: Update | None) -> None:
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            update = None
        self.queue.put_nowait(update)
