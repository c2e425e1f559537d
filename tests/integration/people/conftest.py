"""The doors of a new database, and a clock that a test turns."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher

from productnet.database.database import Database
from productnet.people import passwords
from productnet.people.doors import Doors

PASSWORD = "tall vase, red mug"


class TurnedClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasswordHasher(time_cost=1, memory_cost=64)
    monkeypatch.setattr(passwords, "_hasher", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", hasher.hash("nobody's"))


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


@pytest.fixture
def doors(database: Database, clock: TurnedClock) -> Doors:
    """With ann, who labels, and boss, who is the admin."""
    opened = Doors.open(database, now=clock)
    opened.people.add("ann", roles=["labeler"], password=PASSWORD)
    opened.people.add("boss", roles=["admin"], password=PASSWORD)
    return opened


@pytest.fixture
def other_process(database_url: str, clock: TurnedClock) -> Iterator[Doors]:
    """The same doors, as another process sees them."""
    with Database.open(database_url) as opened:
        yield Doors.open(opened, now=clock)
