"""Activity, which refuses to be changed; webhooks; and the queue of what is sent to them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_REFUSAL = "activity is appended, never changed or deleted"


def upgrade() -> None:
    """Make the tables, and the triggers that keep activity append-only."""
    dialect = op.get_bind().dialect.name
    row_number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    time = sa.DateTime(timezone=True)
    op.create_table(
        "activity",
        sa.Column("id", row_number, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("subject", sa.Text),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("at", time, nullable=False),
        sa.Column("key", sa.Text),
        sa.UniqueConstraint("key", name="activity_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.JSON, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_by", sa.Text),
        sa.Column("created_at", time, nullable=False),
        sa.Column("failing_since", time),
        sa.Column("disabled_because", sa.Text),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", row_number, primary_key=True),
        sa.Column("webhook", sa.Uuid, nullable=False),
        sa.Column("event", row_number, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", time, nullable=False),
        sa.Column("claimed_until", time),
        sa.Column("claim", sa.Uuid),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("created_at", time, nullable=False),
        sa.Column("attempted_at", time),
        sa.UniqueConstraint("webhook", "event", name="deliveries_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("deliveries_due", "deliveries", ["state", "due_at"])
    for statement in _POSTGRESQL if dialect == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = [
    f"""CREATE TRIGGER activity_no_{action} BEFORE {action} ON activity
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"""
    for action in ("update", "delete")
]

_POSTGRESQL = [
    f"""CREATE FUNCTION activity_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$""",
    """CREATE TRIGGER activity_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON activity
        FOR EACH STATEMENT EXECUTE FUNCTION activity_refuse()""",
]
