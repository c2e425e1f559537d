"""What is forgotten of events when it is old: messages that are over, and activity.

The database refuses to lose activity that is younger than 90 days, and what can happen once only,
such as a leaf being done: it would be told again.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, Table, and_, delete, select

from productnet.database.database import Database
from productnet.events.deliveries import DeliveryState
from productnet.events.schema import activity, deliveries

# Rows forgotten in one transaction, so that whoever records an answer hardly waits.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was forgotten.

    Attributes:
        activity: Events.
        deliveries: Messages to webhooks.
    """

    activity: int
    deliveries: int


def forget(
    database: Database, *, activity_before: datetime, deliveries_before: datetime
) -> Forgotten:
    """Forget what is older; safe while people work, and in several processes at once.

    Args:
        database: The project's.
        activity_before: Events from before this time go, but what happens once only.
        deliveries_before: Messages from before this time go that have arrived or are dead. What
            still waits is kept.
    """
    over = deliveries.c.state.in_([DeliveryState.DELIVERED, DeliveryState.DEAD])
    sent = _forget(database, deliveries, and_(over, deliveries.c.created_at < deliveries_before))
    told = _forget(
        database,
        activity,
        and_(
            activity.c.at < activity_before,
            activity.c.key.is_(None),
            # A message that is kept says what it was about.
            activity.c.id.not_in(select(deliveries.c.event)),
        ),
    )
    return Forgotten(activity=told, deliveries=sent)


def _forget(database: Database, table: Table, which: ColumnElement[bool]) -> int:
    some: Select[tuple[int]] = select(table.c.id).where(which).order_by(table.c.id).limit(_AT_ONCE)
    count = 0
    while True:
        with database.reading() as connection:
            # Looking needs no turn to write, and most looks find nothing.
            ids = connection.execute(some).scalars().all()
        if not ids:
            return count
        with database.writing() as connection:
            count += connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount
