"""The database at one moment, copied while others write, and put back.

SQLite by its online backup, within one read transaction, so that writers neither wait nor make it
start over. PostgreSQL by ``pg_dump`` of an exported snapshot, whose rows are counted in it.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from productnet.backup.manifest import DatabaseEntry
from productnet.database.database import REVISION, Database
from productnet.errors import BackupError
from productnet.progress import SILENT, Progress

# Pages of SQLite copied between two words on progress: 4 MB.
_PAGES = 1_000


def take(database: Database, to: Path, *, progress: Progress = SILENT) -> DatabaseEntry:
    """Copy the database as it is now into a file, and tell what is in the copy."""
    if database.engine.dialect.name == "sqlite":
        return _take_sqlite(Path(str(database.engine.url.database)), to, progress)
    return _take_postgresql(database, to, progress)


def check_sqlite(file: Path, entry: DatabaseEntry) -> None:
    """Raise BackupError unless this copy is sound and holds what it should."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as opened:
            faults = [row[0] for row in opened.execute("PRAGMA integrity_check")]
            if faults != ["ok"]:
                raise BackupError(
                    f"The database in the backup is damaged: {faults[0]}. Use another backup."
                )
            found = _count_sqlite(opened)
    except sqlite3.DatabaseError as error:
        raise BackupError(
            f"The database in the backup is damaged: {error}. Use another backup."
        ) from error
    _compare(found, entry)


def check_dump(file: Path) -> None:
    """Raise BackupError unless ``pg_restore`` can read this file's list of contents."""
    _run([_program("pg_restore"), "--list", str(file)], {})


def put_back(url: str, file: Path, entry: DatabaseEntry) -> None:
    """Restore a dump into an empty PostgreSQL database, all or nothing.

    Raises:
        BackupError: The database is not empty, or does not hold afterwards what it should.
    """
    target = _postgresql(url)
    engine = create_engine(target)
    try:
        with engine.begin() as connection:
            _prepare(connection, str(entry.schema_name))
        command = [_program("pg_restore"), "--exit-on-error", "--single-transaction"]
        # What belongs to one schema leaves out its creation: "public" is there already.
        command += ["--no-owner", "--no-privileges", f"--schema={entry.schema_name}"]
        environment = _environment(engine.dialect.create_connect_args(target)[1])
        _run([*command, f"--dbname={target.database}", str(file)], environment)
        with engine.connect() as connection:
            _compare(_count_postgresql(connection, str(entry.schema_name)), entry)
    except DBAPIError as error:
        raise BackupError(
            f"The database {target} cannot be restored into: {error.orig}. Check its URL, and "
            "that it exists and is empty."
        ) from error
    finally:
        engine.dispose()


def _take_sqlite(source: Path, to: Path, progress: Progress) -> DatabaseEntry:
    with (
        closing(sqlite3.connect(source, isolation_level=None)) as live,
        closing(sqlite3.connect(to, isolation_level=None)) as copy,
        progress.task("Copying the database", total=None) as advance,
    ):
        # A transaction that has read keeps its view: what is written meanwhile goes to the
        # write-ahead log and is not in the copy.
        live.execute("BEGIN")
        live.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        live.backup(copy, pages=_PAGES, progress=lambda *_: advance(1), sleep=0)
        live.execute("COMMIT")
        # One file, without a write-ahead log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        return _count_sqlite(copy)


def _count_sqlite(connection: sqlite3.Connection) -> DatabaseEntry:
    named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    tables = sorted(row[0] for row in connection.execute(named))
    if "decisions" not in tables:
        raise BackupError("The database holds no decisions table. Check `database_url`.")

    def number(query: str) -> int:
        return int(connection.execute(query).fetchone()[0] or 0)

    return DatabaseEntry(
        kind="sqlite",
        revision=connection.execute("SELECT version_num FROM alembic_version").fetchone()[0],
        rows={table: number(f'SELECT count(*) FROM "{table}"') for table in tables},
        last_seq=number("SELECT max(seq) FROM decisions"),
    )


def _take_postgresql(database: Database, to: Path, progress: Progress) -> DatabaseEntry:
    engine = database.engine.execution_options(isolation_level="REPEATABLE READ")
    with progress.task("Copying the database", total=None), engine.connect() as connection:
        schema = str(connection.scalar(text("SELECT current_schema()")))
        snapshot = connection.scalar(text("SELECT pg_export_snapshot()"))
        found = _count_postgresql(connection, schema)
        url = engine.url
        command = [_program("pg_dump"), "--format=custom", f"--snapshot={snapshot}"]
        command += [f"--schema={schema}", f"--file={to}"]
        _run(command, _environment(engine.dialect.create_connect_args(url)[1]))
        return found


def _count_postgresql(connection: Connection, schema: str) -> DatabaseEntry:
    quoted = connection.dialect.identifier_preparer.quote
    tables = sorted(inspect(connection).get_table_names(schema=schema))

    def number(query: str) -> int:
        return int(connection.scalar(text(query)) or 0)

    def named(table: str) -> str:
        return f"{quoted(schema)}.{quoted(table)}"

    return DatabaseEntry(
        kind="postgresql",
        revision=str(
            connection.scalar(text(f"SELECT version_num FROM {named('alembic_version')}"))
        ),
        schema_name=schema,
        rows={table: number(f"SELECT count(*) FROM {named(table)}") for table in tables},
        last_seq=number(f"SELECT max(seq) FROM {named('decisions')}"),
    )


def _prepare(connection: Connection, schema: str) -> None:
    """Make the schema; raise BackupError where it holds anything."""
    inspector = inspect(connection)
    if schema in inspector.get_schema_names() and inspector.get_table_names(schema=schema):
        raise BackupError(
            f"The database {connection.engine.url} holds tables in schema {schema} already, and "
            "nothing is restored over them. Make an empty database, and name it with "
            "--database-url or the environment variable PRODUCTNET_DATABASE_URL."
        )
    quoted = connection.dialect.identifier_preparer.quote(schema)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {quoted}"))


def _compare(found: DatabaseEntry, entry: DatabaseEntry) -> None:
    if entry.revision > REVISION:
        raise BackupError(
            f"The backup's database has schema {entry.revision}, of a newer ProductNet than this "
            f"one, which knows {REVISION}. Upgrade with `pip install -U productnet`."
        )
    for what, there, said in (
        ("schema", found.revision, entry.revision),
        ("last decision", found.last_seq, entry.last_seq),
        *((f"rows of {table}", found.rows.get(table), n) for table, n in entry.rows.items()),
    ):
        if there != said:
            raise BackupError(
                f"The database in the backup is not what was backed up: its {what} is {there}, not "
                f"{said}. Use another backup."
            )


def _postgresql(url: str) -> URL:
    parsed = make_url(url)
    if parsed.get_backend_name() != "postgresql":
        raise BackupError(
            f"The backup holds a PostgreSQL database, and {parsed} is none. Name one with "
            "--database-url."
        )
    return parsed.set(drivername="postgresql+psycopg")


def _environment(arguments: Mapping[str, object]) -> dict[str, str]:
    """How libpq's programs are told where to connect; nothing of it is on a command line."""
    from psycopg.pq import Conninfo

    variables = {
        option.keyword.decode(): option.envvar.decode()
        for option in Conninfo.get_defaults()
        if option.envvar
    }
    given = {name: str(value) for name, value in arguments.items() if name != "context"}
    return {variables[name]: value for name, value in given.items() if name in variables}


def _program(name: str) -> str:
    """A program of PostgreSQL's; the newest where there are several."""
    packaged = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: float(path.parts[-3]),
        reverse=True,
    )
    found = str(packaged[0]) if packaged else shutil.which(name)
    if found is None:
        raise BackupError(
            f"{name} is not installed here. Install PostgreSQL's client programs, of the server's "
            "version or a newer one."
        )
    return found


def _run(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **environment}
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise BackupError(f"{Path(command[0]).name} failed: {said[-1]}.")
