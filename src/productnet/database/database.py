"""A database: connections, durability, migrations, one writer at a time.

SQLite runs in WAL mode with full synchronisation: what is acknowledged survives a power cut.
PostgreSQL is named by URL and needs the extra ``productnet[postgres]``.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Final, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as TooBusy
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from productnet.closing import Closing
from productnet.database.bell import Bell
from productnet.errors import DatabaseUnavailable, WorkflowError

# The newest file in migrations/versions; a test holds the two together.
REVISION = "0009"

# Seconds to wait for a connection, and a writer for its turn, before giving up.
_PATIENCE = 30

# Connections of one process that read and that write, at most. Those that were opened stay open:
# with fewer kept than are used at a time, half of all answers of a busy portal opened one anew,
# which costs more than an answer.
_MOST_READERS, _MOST_WRITERS = 28, 12

# The one used last is used next, so that no more are open than are used at a time.
_POOL: Final = {"max_overflow": 0, "pool_use_lifo": True}

# Seconds after which a connection that lay still is asked whether it lives before it is used. To
# ask each time would be a fifth of what a small answer costs; a server that went away meanwhile
# costs one request, which its sender repeats.
_TRUSTED = 5.0

# PostgreSQL's writers queue on this advisory lock, so that sequence numbers are committed in
# their own order and a reader that has seen one has seen all before it.
_WRITERS = 0x70726F64
_TURN = text(f"SELECT pg_advisory_xact_lock({_WRITERS})")
_TURN_AND_BELL = text(f"SELECT pg_advisory_xact_lock({_WRITERS}), pg_notify(:channel, '')")


class Database(Closing):
    """The database of a project, of which everything that keeps tables has its part.

    Safe to share between threads; several processes may each open the same one.

    Attributes:
        engine: SQLAlchemy's engine.
        readers: The one that reads: the same for SQLite.
        bell: Rings in other processes on the same database.
        on_turn: Told how many seconds each writer waited for its turn.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.bell = Bell(engine)
        # PostgreSQL would begin and end a transaction around every look, two more errands each;
        # the statements of one see what is committed at their own time either way.
        self.readers = _autocommitting(engine) if engine.name == "postgresql" else engine
        self.on_turn: Callable[[float], None] = lambda seconds: None
        # Writers of this process queue here rather than poll the database.
        self._writers = Lock()

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect, and bring the schema up to date.

        Raises:
            WorkflowError: The URL is no database we know, it cannot be reached, its driver is
                not installed, or a newer version of ProductNet wrote it.
        """
        usable = _usable(url)
        sqlite = usable.get_backend_name() == "sqlite"
        engine = create_engine(
            usable,
            connect_args={"timeout" if sqlite else "connect_timeout": _PATIENCE},
            pool_size=_MOST_WRITERS + (_MOST_READERS if sqlite else 0),
            **_POOL,
        )
        if sqlite:
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            _listen_to_postgres(engine)
        database = cls(engine)
        try:
            database._migrate()
        except OperationalError as error:
            engine.dispose()
            raise WorkflowError(
                f"The decision database {engine.url} cannot be opened: {error.orig}. Check "
                "`database_url` in productnet.toml, and that the server runs and the folder "
                "exists."
            ) from error
        except DatabaseError as error:
            engine.dispose()
            raise _damaged(engine, error) from error
        except BaseException:
            engine.dispose()
            raise
        return database

    @contextmanager
    def reading(self, *, one_state: bool = False) -> Iterator[Connection]:
        """A connection that reads.

        Args:
            one_state: Whether all that is read has to be of one and the same state.

        Raises:
            DatabaseUnavailable: The database is damaged, away, or too busy.
        """
        readers = self.readers
        if one_state and self.engine.dialect.name == "postgresql":
            readers = self.engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            with readers.connect() as connection:
                yield connection
        except DBAPIError as error:
            raise _damaged(self.engine, error) from error
        except TooBusy as error:
            raise _too_busy() from error

    @contextmanager
    def writing(self, *, in_turn: bool = True, rings: bool = False) -> Iterator[Connection]:
        """A transaction that no other writer, here or in another process, overlaps.

        It is committed, durably, when the block ends; an error in the block undoes it.

        Args:
            in_turn: Without, PostgreSQL keeps writers apart by the rows they lock alone: for what
                is no part of the log. SQLite has one writer at a time in any case.
            rings: Whether the commit rings the bell; for what is written in turn.

        Raises:
            DatabaseUnavailable: The database could not take it; nothing was acknowledged.
        """
        writer = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        asked = time.perf_counter()
        try:
            queued = in_turn or self.engine.dialect.name == "sqlite"
            with self._writers if queued else nullcontext(), writer.begin() as connection:
                if in_turn and self.engine.dialect.name == "postgresql":
                    if rings:  # in the same errand
                        channel = self.bell.channel(connection)
                        connection.execute(_TURN_AND_BELL, {"channel": channel})
                    else:
                        connection.execute(_TURN)
                self.on_turn(time.perf_counter() - asked)
                yield connection
        except DBAPIError as error:
            raise DatabaseUnavailable(
                f"The decision database did not confirm what was sent: {error.orig}. "
                "Send it again: what arrived the first time is recorded once."
            ) from error
        except TooBusy as error:
            raise _too_busy() from error

    def ping(self) -> None:
        """Ask the database for nothing, to see that it answers; raises as ``reading``."""
        with self.reading() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Let go of the database."""
        self.bell.close()
        self.engine.dispose()
        self.readers.dispose()

    def _migrate(self) -> None:
        with self.engine.connect() as connection:
            current = _revision(connection)
        if current == REVISION:
            return
        if current is not None and current > REVISION:
            raise WorkflowError(
                f"The decision database {self.engine.url} has schema {current}, of a newer "
                f"ProductNet than this one, which knows {REVISION}. Upgrade with "
                "`pip install -U productnet`."
            )
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _autocommitting(engine: Engine) -> Engine:
    """Another engine of the same database, each of whose statements stands by itself."""
    readers = create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": _PATIENCE},
        pool_size=_MOST_READERS,
        # There is no transaction to be rolled back.
        skip_autocommit_rollback=True,
        **_POOL,
    )
    _listen_to_postgres(readers)
    return readers


def _listen_to_postgres(engine: Engine) -> None:
    event.listen(engine, "connect", _prepare_postgres)
    event.listen(engine, "checkin", _remember_use)
    event.listen(engine, "checkout", _ask_if_alive)


def _too_busy() -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"No connection to the decision database was free for {_PATIENCE} seconds. Try again; "
        "where it happens often, serve fewer people with one process."
    )


def _damaged(engine: Engine, error: DBAPIError) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"The decision database {engine.url} cannot be read: {error.orig}. If it is damaged, put "
        "it back from a backup; decisions are kept nowhere else, so do not delete it."
    )


def _usable(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise WorkflowError(
            f'"{url}" is not a database URL. Write `database_url` as '
            "postgresql://user:password@host/database, or leave it out for SQLite."
        ) from error
    kind = parsed.get_backend_name()
    if kind == "sqlite":
        return parsed
    if kind != "postgresql":
        raise WorkflowError(
            f'Decisions cannot be kept in "{kind}". Use PostgreSQL (postgresql://…) or SQLite.'
        )
    if find_spec("psycopg") is None:
        raise WorkflowError(
            "PostgreSQL needs the driver psycopg, which is not installed. "
            "Install it with `pip install 'productnet[postgres]'`."
        )
    return parsed.set(drivername="postgresql+psycopg")


def _prepare_sqlite(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    # The driver would begin transactions by itself, and too late for BEGIN IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


def _prepare_postgres(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{_PATIENCE}s'")
    cursor.close()
    connection.commit()


def _remember_use(connection: DBAPIConnection | None, record: ConnectionPoolEntry) -> None:
    record.info["used"] = time.monotonic()


def _ask_if_alive(
    connection: DBAPIConnection, record: ConnectionPoolEntry, proxy: PoolProxiedConnection
) -> None:
    """Have the pool replace a connection that lay still and is dead."""
    used = record.info.get("used")
    if used is None or time.monotonic() - used < _TRUSTED:
        return
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        cursor.close()
        connection.rollback()
    except Exception as error:  # whatever the driver raises, the connection is of no use
        raise DisconnectionError from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
