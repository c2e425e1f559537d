"""Leases, assignments, and check items with their answers.

A lease lasts minutes and is written over; the other three tables are appended to, as the log is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_REFUSAL = "what was assigned, planted or answered is appended, never changed or deleted"
_APPENDED = ("assignments", "check_items", "check_answers")


def upgrade() -> None:
    """Make the tables, and the triggers that keep three of them append-only."""
    op.create_table(
        "leases",
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "assignments",
        _number(),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("assigned_by", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "check_items",
        _number(),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("expected", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.UniqueConstraint("person", "product", "category", name="check_items_pair"),
        sqlite_autoincrement=True,
    )
    op.create_index("check_items_product", "check_items", ["product"])
    op.create_table(
        "check_answers",
        _number(),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("product", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seconds", sa.Double),
        sa.Column("source", sa.Text),
        sa.Column("model_version", sa.Text),
        sa.Column("score", sa.Double),
        sa.Column("note", sa.Text),
        sa.Column("undoes", sa.Uuid),
        sa.UniqueConstraint("id", name="check_answers_id"),
        sa.UniqueConstraint("undoes", name="check_answers_undoes"),
        sqlite_autoincrement=True,
    )
    op.create_index("check_answers_product", "check_answers", ["product"])
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRESQL if postgresql else _SQLITE:
        op.execute(statement)


def _number() -> sa.Column[int]:
    return sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


_SQLITE = [
    f"""CREATE TRIGGER {table}_no_{action} BEFORE {action} ON {table}
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"""
    for table in _APPENDED
    for action in ("update", "delete")
]

_POSTGRESQL = [
    f"""CREATE FUNCTION workflow_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$""",
    *(
        f"""CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION workflow_refuse()"""
        for table in _APPENDED
    ),
]
