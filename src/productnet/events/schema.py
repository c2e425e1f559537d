"""The tables of events: what happened, who wants to know, and what is on its way to them."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from productnet.database.columns import RowNumber, UtcTime, metadata

activity = Table(
    "activity",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("person", Text),
    Column("subject", Text),
    Column("details", JSON, nullable=False),
    Column("at", UtcTime, nullable=False),
    # What can happen once only, such as a leaf being done, carries a name that is taken once.
    Column("key", Text),
    UniqueConstraint("key", name="activity_key"),
    sqlite_autoincrement=True,
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    # Kept as it is, since every message is signed with it; whoever reads the database can sign.
    Column("secret", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_by", Text),
    Column("created_at", UtcTime, nullable=False),
    # Since when nothing has arrived; none after a success.
    Column("failing_since", UtcTime),
    Column("disabled_because", Text),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", RowNumber, primary_key=True),
    Column("webhook", Uuid, nullable=False),
    Column("event", RowNumber, nullable=False),
    # The webhook-id header: the same at every attempt, so that a receiver can pass repeats over.
    Column("message", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    # Until when the process that took it may be sending it.
    Column("claimed_until", UtcTime),
    Column("claim", Uuid),
    Column("status", Integer),
    Column("error", Text),
    Column("created_at", UtcTime, nullable=False),
    Column("attempted_at", UtcTime),
    UniqueConstraint("webhook", "event", name="deliveries_once"),
    Index("deliveries_due", "state", "due_at"),
    sqlite_autoincrement=True,
)
