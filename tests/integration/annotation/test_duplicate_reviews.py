"""Reviews of near-duplicates are appended, counted once, taken back, and never changed."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from productnet.annotation.duplicate_reviews import DuplicateReviews
from productnet.database.database import Database
from productnet.errors import DatabaseUnavailable, WorkflowError

ONE, TWO = UUID(int=1), UUID(int=2)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database.open(database_url) as opened:
        yield opened


def test_what_is_sent_twice_is_recorded_once(database: Database) -> None:
    reviews = DuplicateReviews(database)
    first = reviews.record(ONE, ["b", "a", "c"], apart=["c"], person="ann")
    assert (first.products, first.apart, first.person) == (("a", "b", "c"), ("c",), "ann")
    assert reviews.record(ONE, ["b", "a", "c"], apart=[], person="ann") == first
    assert reviews.standing() == [first]
    assert reviews.seq == 1
    assert DuplicateReviews(database).told_apart()("c", "a")


def test_all_but_one_apart_is_all_apart(database: Database) -> None:
    found = DuplicateReviews(database).record(ONE, ["a", "b", "c"], apart=["a", "b"], person="ann")
    assert found.apart == ("a", "b", "c")


def test_a_review_is_taken_back_by_who_gave_it(database: Database) -> None:
    reviews = DuplicateReviews(database)
    reviews.record(ONE, ["a", "b"], apart=[], person="ann")
    reviews.record(TWO, ["a", "b"], apart=["a", "b"], person="bob")
    assert reviews.told_apart()("a", "b")
    assert not reviews.told_apart(until=1)("a", "b")
    with pytest.raises(WorkflowError, match="is bob's, and only they can take it back"):
        reviews.take_back(uuid4(), TWO, person="ann")
    back = uuid4()
    undone = reviews.take_back(back, TWO, person="bob")
    # The word before it counts again, and sending it again changes nothing.
    assert [one.id for one in reviews.standing()] == [ONE]
    assert reviews.take_back(back, TWO, person="bob") == undone
    with pytest.raises(WorkflowError, match="There is no review .* to take back"):
        reviews.take_back(uuid4(), TWO, person="bob")
    assert reviews.told_apart(until=2)("a", "b")


def test_what_makes_no_sense_is_refused(database: Database) -> None:
    reviews = DuplicateReviews(database)
    with pytest.raises(WorkflowError, match="of 2 to 50 products; this one is of 1"):
        reviews.record(ONE, ["a", "a"], apart=[], person="ann")
    with pytest.raises(WorkflowError, match='"x" is told apart but is not among those'):
        reviews.record(ONE, ["a", "b"], apart=["x"], person="ann")
    assert reviews.seq == 0


@pytest.mark.parametrize(
    "change", ["UPDATE duplicate_reviews SET person = 'eve'", "DELETE FROM duplicate_reviews"]
)
def test_the_database_refuses_to_change_them(database: Database, change: str) -> None:
    DuplicateReviews(database).record(ONE, ["a", "b"], apart=[], person="ann")
    refused = pytest.raises((DBAPIError, DatabaseUnavailable), match="appended, never changed")
    with refused, database.writing() as connection:
        connection.execute(text(change))
