"""Every test here that asks for ``database`` runs over SQLite and over PostgreSQL."""

from collections.abc import Iterator

import pytest

from productnet.database.database import Database
from productnet.events.activity import Activity


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


@pytest.fixture
def activity(database: Database) -> Activity:
    return Activity(database)
