"""What is on its way to webhooks: a durable queue, from which several processes may send.

A delivery is claimed for as long as an attempt may take. A process that is killed meanwhile
leaves it to the next, under the same message id: it arrives at least once.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, Select, and_, func, select, update

from productnet.database.database import Database
from productnet.errors import UnknownRecord
from productnet.events.activity import MOST, Activity, Detail, Event, row_of
from productnet.events.kinds import Kind
from productnet.events.schema import activity, deliveries, webhooks

# Pauses double twice over from 5 seconds to 6 hours; the last try comes about a day after the
# first: 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, 5.7 h, 6 h, 6 h, 6 h.
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 6 * 3600.0
MOST_ATTEMPTS = 11

# A webhook that nothing has reached for this long is asked no more, until somebody says so.
DISABLED_AFTER = timedelta(days=5)

# HTTP: gone for good.
_GONE = 410


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one webhook.

    Attributes:
        id: Grows.
        webhook: To whom.
        message: The ``webhook-id`` it is sent under, at every attempt.
        kind: Of the event.
        event: The event's id.
        state: Waiting, delivered, or dead after the last try.
        attempts: Times it was sent.
        due_at: When it is sent next, while it waits.
        attempted_at: When an attempt ended last.
        status: HTTP status of the last answer.
        error: What went wrong last.
        created_at: When the event happened.
    """

    id: int
    webhook: UUID
    message: str
    kind: Kind
    event: int
    state: DeliveryState
    attempts: int
    due_at: datetime
    attempted_at: datetime | None
    status: int | None
    error: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Some deliveries, newest first, and how to ask for older ones."""

    items: Sequence[Delivery]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this process alone may attempt until ``until``."""

    id: int
    token: UUID
    until: datetime
    message: str
    webhook: UUID
    url: str
    secret: str
    event: Event
    attempt: int


class Deliveries:
    """The queue of deliveries.

    Args:
        database: Where it is kept.
        activity: Told of webhooks that are disabled.
        rng: Spreads the pauses, so that what failed together does not come back together.
    """

    def __init__(
        self, database: Database, activity: Activity, *, rng: random.Random | None = None
    ) -> None:
        self._database = database
        self._activity = activity
        self._rng = rng or random.Random()

    def claim(self, count: int, *, lease: float) -> list[Claim]:
        """At most ``count`` deliveries that are due, one a webhook, the oldest first.

        Args:
            count: The most.
            lease: Seconds for which nobody else may attempt them.
        """
        now = datetime.now(UTC)
        with self._database.reading() as connection:
            # Looking needs no turn to write, and most looks find nothing.
            if connection.execute(_due(now).limit(1)).first() is None:
                return []
        with self._database.writing() as connection:
            rows = connection.execute(_due(now).limit(count)).all()
            return [self._take(connection, row, now + timedelta(seconds=lease)) for row in rows]

    def _take(self, connection: Connection, row: Row[tuple[object, ...]], until: datetime) -> Claim:
        token = uuid4()
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == row.id)
            .values(claim=token, claimed_until=until, attempts=row.attempts + 1)
        )
        details: Mapping[str, Detail] = row.details
        event = Event(row.event, Kind(row.kind), row.person, row.subject, details, row.at)
        return Claim(
            id=row.id,
            token=token,
            until=until,
            message=row.message,
            webhook=row.webhook,
            url=row.url,
            secret=row.secret,
            event=event,
            attempt=row.attempts + 1,
        )

    def arrived(self, claim: Claim, *, status: int) -> None:
        """The receiver has taken it."""
        values = {"state": DeliveryState.DELIVERED, "status": status, "error": None}
        with self._database.writing() as connection:
            if _settle(connection, claim, values):
                _of(connection, claim.webhook, failing_since=None)

    def failed(self, claim: Claim, *, status: int | None, error: str) -> None:
        """It did not arrive: try again later, or give up after the last try."""
        now = datetime.now(UTC)
        last = claim.attempt >= MOST_ATTEMPTS
        values = {
            "state": DeliveryState.DEAD if last else DeliveryState.WAITING,
            "due_at": now + timedelta(seconds=self.pause(claim.attempt)),
            "status": status,
            "error": error,
        }
        with self._database.writing() as connection:
            if not _settle(connection, claim, values):
                return
            since = connection.scalar(
                select(webhooks.c.failing_since).where(webhooks.c.id == claim.webhook)
            )
            if since is None:
                _of(connection, claim.webhook, failing_since=now)
            if status == _GONE:
                self._disable(connection, claim.webhook, "The host answered that it is gone (410).")
            elif since is not None and now - since >= DISABLED_AFTER:
                why = f"Nothing has arrived for {DISABLED_AFTER.days} days; the last error: {error}"
                self._disable(connection, claim.webhook, why)

    def _disable(self, connection: Connection, webhook: UUID, why: str) -> None:
        _of(connection, webhook, active=False, disabled_because=why)
        self._activity.record_in(connection, Kind.WEBHOOK_DISABLED, subject=str(webhook))

    def pause(self, attempts: int) -> float:
        """Seconds until the try after this many, give or take a quarter."""
        longest: float = min(_FIRST_PAUSE * 4.0 ** (attempts - 1), _LONGEST_PAUSE)
        return longest * self._rng.uniform(0.75, 1.25)

    def send_again(self, delivery: int) -> Delivery:
        """Put a delivery back into the queue, due now, under its message id.

        Raises UnknownRecord.
        """
        values = {"state": DeliveryState.WAITING, "attempts": 0, "due_at": datetime.now(UTC)}
        with self._database.writing() as connection:
            connection.execute(
                update(deliveries).where(deliveries.c.id == delivery).values(**values)
            )
            row = connection.execute(_listed().where(deliveries.c.id == delivery)).first()
        if row is None:
            raise UnknownRecord(f"There is no delivery {delivery}. Its webhook may be deleted.")
        return _delivery(row)

    def page(
        self, cursor: str | None = None, *, webhook: UUID | None = None, limit: int = 50
    ) -> DeliveryPage:
        """Deliveries, newest first; raises UsageError if the cursor is none of ours."""
        most = min(limit, MOST)
        query = _listed().order_by(deliveries.c.id.desc()).limit(most + 1)
        if cursor is not None:
            query = query.where(deliveries.c.id < row_of(cursor))
        if webhook is not None:
            query = query.where(deliveries.c.webhook == webhook)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = [_delivery(row) for row in rows[:most]]
        return DeliveryPage(items, str(items[-1].id) if len(rows) > len(items) and items else None)

    def waiting(self) -> int:
        """How many deliveries are not through yet."""
        with self._database.reading() as connection:
            query = select(func.count()).where(deliveries.c.state == DeliveryState.WAITING)
            return int(connection.scalar(query) or 0)


def _due(now: datetime) -> Select[tuple[object, ...]]:
    """The oldest due delivery of each webhook that nobody is sending to now, with its event."""
    waits = and_(deliveries.c.state == DeliveryState.WAITING, webhooks.c.active)
    busy = select(deliveries.c.webhook).where(deliveries.c.claimed_until > now)
    first = (
        select(func.min(deliveries.c.id))
        .join(webhooks, webhooks.c.id == deliveries.c.webhook)
        .where(waits, deliveries.c.due_at <= now, deliveries.c.webhook.not_in(busy))
        .group_by(deliveries.c.webhook)
    )
    return (
        select(
            deliveries,
            webhooks.c.url,
            webhooks.c.secret,
            activity.c.kind,
            activity.c.person,
            activity.c.subject,
            activity.c.details,
            activity.c.at,
        )
        .join(webhooks, webhooks.c.id == deliveries.c.webhook)
        .join(activity, activity.c.id == deliveries.c.event)
        .where(deliveries.c.id.in_(first))
        .order_by(deliveries.c.id)
    )


def _settle(connection: Connection, claim: Claim, values: Mapping[str, object]) -> bool:
    """Write what became of an attempt, unless the claim ran out and somebody else took over."""
    ours = and_(deliveries.c.id == claim.id, deliveries.c.claim == claim.token)
    done = {"claim": None, "claimed_until": None, "attempted_at": datetime.now(UTC)}
    settled = connection.execute(update(deliveries).where(ours).values(**values, **done))
    return settled.rowcount == 1


def _of(connection: Connection, webhook: UUID, **values: object) -> None:
    connection.execute(update(webhooks).where(webhooks.c.id == webhook).values(**values))


def _listed() -> Select[tuple[object, ...]]:
    return select(deliveries, activity.c.kind).join(activity, activity.c.id == deliveries.c.event)


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook=row.webhook,
        message=row.message,
        kind=Kind(row.kind),
        event=row.event,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        due_at=row.due_at,
        attempted_at=row.attempted_at,
        status=row.status,
        error=row.error,
        created_at=row.created_at,
    )
