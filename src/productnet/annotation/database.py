"""Opening the database behind the log: connections, durability, migrations, one writer at a time.

SQLite runs in WAL mode with full synchronisation: what is acknowledged survives a power cut.
PostgreSQL is named by URL and needs the extra ``productnet[postgres]``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from productnet.errors import WorkflowError

# The newest file in migrations/versions; a test holds the two together.
REVISION = "0001"

# Seconds to wait for a connection, and a writer for its turn, before giving up.
_PATIENCE = 30

# PostgreSQL's writers queue on this advisory lock, so that sequence numbers are committed in
# their own order and a reader that has seen one has seen all before it.
_WRITERS = 0x70726F64


def open_database(url: str) -> Engine:
    """Connect, and bring the schema up to date.

    Raises:
        WorkflowError: The URL is no database we know, it cannot be reached, its driver is not
            installed, or a newer version of ProductNet wrote it.
    """
    usable = _usable(url)
    waiting = "timeout" if usable.get_backend_name() == "sqlite" else "connect_timeout"
    engine = create_engine(usable, connect_args={waiting: _PATIENCE})
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    try:
        _migrate(engine)
    except OperationalError as error:
        engine.dispose()
        raise WorkflowError(
            f"The decision database {engine.url} cannot be opened: {error.orig}. Check "
            "`database_url` in productnet.toml, and that the server runs and the folder exists."
        ) from error
    except DatabaseError as error:
        engine.dispose()
        raise _damaged(engine, error) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that reads; raises WorkflowError if the database is damaged or gone."""
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise _damaged(engine, error) from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer, here or in another process, overlaps.

    It is committed, durably, when the block ends; an error in the block undoes it.

    Raises:
        WorkflowError: The database could not take it; nothing was acknowledged.
    """
    writer = engine.execution_options(begin="BEGIN IMMEDIATE")
    try:
        with writer.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITERS})"))
            yield connection
    except DBAPIError as error:
        raise WorkflowError(
            f"The decision database did not confirm what was sent: {error.orig}. "
            "Send it again: what arrived the first time is recorded once."
        ) from error


def _damaged(engine: Engine, error: DBAPIError) -> WorkflowError:
    return WorkflowError(
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


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        current = _revision(connection)
    if current == REVISION:
        return
    if current is not None and current > REVISION:
        raise WorkflowError(
            f"The decision database {engine.url} has schema {current}, of a newer ProductNet than "
            f"this one, which knows {REVISION}. Upgrade with `pip install -U productnet`."
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
