"""Activity is appended, read a page at a time, and tells what happens once only once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from productnet.database.database import Database
from productnet.errors import UsageError
from productnet.events.activity import Activity
from productnet.events.kinds import Kind


def test_what_happened_is_read_newest_first_a_page_at_a_time(activity: Activity) -> None:
    for number in range(7):
        activity.record(Kind.LEAF_ASSIGNED, person="ann", subject=f"leaf-{number}", task="label")
    seen, cursor = [], None
    while True:
        page = activity.page(cursor, limit=3)
        seen += [event.subject for event in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        activity.record(Kind.SIGNED_IN, person="bob")  # what is new never shifts older pages
    assert seen == [f"leaf-{number}" for number in reversed(range(7))]
    newest = activity.page(limit=1).items[0]
    assert (newest.kind, newest.person, newest.details) == (Kind.SIGNED_IN, "bob", {})


def test_a_full_last_page_is_the_last(activity: Activity) -> None:
    for _ in range(4):
        activity.record(Kind.SIGNED_IN, person="ann")
    first = activity.page(limit=2)
    assert activity.page(first.next_cursor, limit=2).next_cursor is None


def test_events_are_told_apart_by_kind_and_person(activity: Activity) -> None:
    activity.record(Kind.SIGNED_IN, person="ann")
    activity.record(Kind.SIGNED_IN, person="bob")
    activity.record(Kind.EXPORTED, person="bob", what="decisions", rows=12)
    assert [e.person for e in activity.page(kinds=[Kind.SIGNED_IN]).items] == ["bob", "ann"]
    assert [e.details for e in activity.page(person="bob").items] == [
        {"what": "decisions", "rows": 12},
        {},
    ]


@pytest.mark.parametrize("cursor", ["", "-1", "x", "1" * 30, "１"])
def test_a_cursor_that_is_none_is_refused(activity: Activity, cursor: str) -> None:
    with pytest.raises(UsageError, match="is no cursor"):
        activity.page(cursor)


def test_a_leaf_is_done_once_whoever_notices(database: Database) -> None:
    several = [Activity(database) for _ in range(4)]

    def notice(place: int) -> bool:
        told = several[place % 4].leaf_done(
            "mugs", path="Kitchen > Mugs", gold=60, hard_negatives=7
        )
        return told is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(notice, range(40))) == 1
    assert Activity(database).leaf_done("mugs", path="", gold=61, hard_negatives=7) is None
    (event,) = several[0].page().items
    assert (event.subject, event.details["gold"]) == ("mugs", 60)


def test_rounds_and_releases_are_told_once(activity: Activity) -> None:
    assert activity.round_activated(1, person="ann", preset="fast")
    assert activity.round_activated(1) is None
    assert activity.round_activated(2)
    assert activity.release_made("1.0.0")
    assert activity.release_made("1.0.0") is None


@pytest.mark.parametrize("change", ["UPDATE activity SET person = 'eve'", "DELETE FROM activity"])
def test_nothing_that_happened_can_be_changed(
    database: Database, activity: Activity, change: str
) -> None:
    activity.record(Kind.SIGNED_IN, person="ann")
    with pytest.raises(DBAPIError, match="activity is appended"), database.engine.begin() as one:
        one.execute(text(change))
    assert activity.page().items[0].person == "ann"


def test_what_a_transaction_undoes_did_not_happen(database: Database, activity: Activity) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        activity.record_in(connection, Kind.PERSON_ADDED, person="ann", subject="bob")
        raise ZeroDivisionError
    assert not activity.page().items
