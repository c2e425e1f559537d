"""What is old is forgotten: never what is young, waits, or can happen once only."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError

from productnet.database.database import Database
from productnet.events.activity import Activity
from productnet.events.kinds import Kind
from productnet.events.retention import Forgotten, forget
from productnet.events.schema import activity as events
from productnet.events.schema import deliveries
from productnet.events.webhooks import Webhooks

NOW = datetime.now(UTC)


def add(database: Database, *, days: float, key: str | None = None) -> int:
    """An event of so many days ago."""
    row = {"kind": Kind.LEAF_ASSIGNED, "details": {}, "at": NOW - timedelta(days=days), "key": key}
    with database.writing() as connection:
        added: int = connection.execute(
            insert(events).values(row).returning(events.c.id)
        ).scalar_one()
    return added


def left(database: Database) -> set[int]:
    with database.reading() as connection:
        return set(connection.execute(select(events.c.id)).scalars())


def test_old_activity_goes_but_what_happens_once_only(database: Database) -> None:
    old = [add(database, days=731 + number) for number in range(1_100)]
    young, done = add(database, days=729), add(database, days=900, key="leaf.done:mugs")
    before = {"activity_before": NOW - timedelta(days=730), "deliveries_before": NOW}
    assert forget(database, **before) == Forgotten(activity=len(old), deliveries=0)
    assert left(database) == {young, done}
    assert forget(database, **before) == Forgotten(0, 0)


@pytest.mark.parametrize(("days", "key"), [(89, None), (900, "leaf.done:mugs")])
def test_the_database_refuses_to_lose_what_is_young_or_happens_once(
    database: Database, days: float, key: str | None
) -> None:
    one = add(database, days=days, key=key)
    with pytest.raises(DBAPIError, match="nor deleted before"), database.engine.begin() as raw:
        raw.execute(events.delete().where(events.c.id == one))
    with pytest.raises(DBAPIError, match="activity is appended"), database.engine.begin() as raw:
        raw.execute(events.update().values(person="somebody else"))
    assert left(database) == {one}


def test_messages_go_when_they_are_over_and_take_no_event_along(
    database: Database, activity: Activity
) -> None:
    webhooks = Webhooks(database, activity, private_hosts=("127.0.0.1",))
    hook = webhooks.add("https://127.0.0.1/hook", [Kind.LEAF_DONE], person="root").webhook
    made = {}
    for number, (state, days) in enumerate(
        [("delivered", 31), ("dead", 31), ("waiting", 800), ("delivered", 29)]
    ):
        event, at = add(database, days=800), NOW - timedelta(days=days)
        made[number] = event
        row = {"webhook": hook.id, "event": event, "message": f"msg_{number}", "state": state}
        row |= {"attempts": 1, "due_at": at, "created_at": at}
        with database.writing() as connection:
            connection.execute(insert(deliveries).values(row))
    gone = forget(
        database,
        activity_before=NOW - timedelta(days=730),
        deliveries_before=NOW - timedelta(days=30),
    )
    assert gone == Forgotten(activity=2, deliveries=2)
    with database.reading() as connection:
        kept = set(connection.execute(select(deliveries.c.message)).scalars())
    assert kept == {"msg_2", "msg_3"}
    assert {made[2], made[3]} <= left(database)
    assert not {made[0], made[1]} & left(database)
