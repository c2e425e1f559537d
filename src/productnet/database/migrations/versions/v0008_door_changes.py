"""A number that counts up whenever a session, a key or an account is closed or changed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table, with its one row."""
    op.create_table(
        "door_changes",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO door_changes (one, number) VALUES (1, 0)")
