"""A bell between the processes on one database: LISTEN and NOTIFY of PostgreSQL.

Whoever writes rings it in the same transaction, so it is heard at the commit and never without
it. It only says that there is something to look at: one that is missed, while a connection is
away, costs the time until the next look. SQLite has none; there a wait is a wait.
"""

import logging
from collections.abc import Callable
from threading import Event

from sqlalchemy import Connection, Engine, func, select

_logger = logging.getLogger(__name__)

# PostgreSQL takes no longer message.
_LONGEST = 7_900

# Seconds until a connection that could not be made is tried again.
_AGAIN = 2.0


class Bell:
    """Heard by everybody who waits at the same schema of the same database.

    One thread may wait; any may ring.

    Attributes:
        silent: Whether this database has none, so that nothing is ever heard.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.silent = engine.dialect.name != "postgresql"
        self._name: str | None = None
        self._ear: _Ear | None = None
        self._closed = Event()
        self._hears = True

    def ring(self, connection: Connection, message: str) -> None:
        """Ring when this transaction is committed; at once outside of one."""
        if self.silent or len(message.encode()) > _LONGEST:
            return
        connection.execute(select(func.pg_notify(self.channel(connection), message)))

    def wait(self, seconds: float) -> list[str]:
        """Wait until it rings, or so long; the messages that were heard."""
        if self.silent:
            self._closed.wait(seconds)
            return []
        try:
            if self._ear is None:
                with self._engine.connect() as connection:
                    self._ear = _Ear(self._engine, self.channel(connection))
            heard = self._ear.wait(seconds)
        except Exception as error:  # whatever the driver raises, one waits and tries again
            if self._hears:  # told once, however long it lasts
                _logger.warning("Nothing is heard from other processes: %s", type(error).__name__)
            self._hears = False
            self._hang_up()
            self._closed.wait(max(seconds, _AGAIN))
            return []
        self._hears = True
        return heard

    def close(self) -> None:
        """Let go of the connection; to be called when nobody waits any more."""
        self._closed.set()
        self._hang_up()

    def wake(self) -> None:
        """Let whoever waits without a database go; the others come back within their seconds."""
        self._closed.set()

    def _hang_up(self) -> None:
        ear, self._ear = self._ear, None
        if ear is not None:
            ear.close()

    def channel(self, connection: Connection) -> str:
        """Where it rings: projects may share a database, each in its schema."""
        if self._name is None:
            schema = connection.scalar(select(func.current_schema()))
            self._name = f"productnet_{schema}"[:63]
        return self._name


class _Ear:
    """A connection of its own that listens."""

    def __init__(self, engine: Engine, channel: str) -> None:
        from psycopg import Connection as Listening
        from psycopg import sql

        arguments, named = engine.dialect.create_connect_args(engine.url)
        self._connection = Listening.connect(*arguments, **named, autocommit=True)
        self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        self.close: Callable[[], None] = self._connection.close

    def wait(self, seconds: float) -> list[str]:
        """Messages as they come within so many seconds; several that come together at once."""
        return [heard.payload for heard in self._connection.notifies(timeout=seconds, stop_after=1)]
