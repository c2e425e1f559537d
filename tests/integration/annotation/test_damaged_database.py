"""A decision database that is damaged is reported, and never written over."""

import sqlite3
from pathlib import Path

import pytest

from productnet.annotation.log import DecisionLog
from productnet.errors import WorkflowError


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    file = tmp_path / "decisions.db"
    file.write_bytes(b"no database" * 100)
    with pytest.raises(WorkflowError, match="not a database. If it is damaged, put it back"):
        DecisionLog.open(f"sqlite:///{file}")
    assert file.read_bytes() == b"no database" * 100


def test_a_database_damaged_where_the_decisions_are(tmp_path: Path) -> None:
    file = tmp_path / "decisions.db"
    DecisionLog.open(f"sqlite:///{file}").close()
    with sqlite3.connect(file) as connection:
        page_size = connection.execute("PRAGMA page_size").fetchone()[0]
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'decisions'"
        page = connection.execute(query).fetchone()[0]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with file.open("r+b") as damaged:
        damaged.seek((page - 1) * page_size)
        damaged.write(b"\xff" * page_size)
    with DecisionLog.open(f"sqlite:///{file}") as log, pytest.raises(WorkflowError, match="backup"):
        log.state()
