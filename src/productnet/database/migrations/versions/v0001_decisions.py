"""The log of decisions, which refuses to be changed.

Written out rather than taken from ``schema``: a revision stays as it was released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_REFUSAL = "decisions are appended, never changed or deleted; undo is another decision"


def upgrade() -> None:
    """Make the table, and the triggers that keep it append-only."""
    dialect = op.get_bind().dialect.name
    op.create_table(
        "decisions",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
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
        sa.UniqueConstraint("id", name="decisions_id"),
        sa.UniqueConstraint("undoes", name="decisions_undoes"),
        sqlite_autoincrement=True,
    )
    op.create_index("decisions_product", "decisions", ["product"])
    for statement in _POSTGRESQL if dialect == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = [
    f"""CREATE TRIGGER decisions_no_{action} BEFORE {action} ON decisions
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"""
    for action in ("update", "delete")
]

_POSTGRESQL = [
    f"""CREATE FUNCTION decisions_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$""",
    """CREATE TRIGGER decisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
        FOR EACH STATEMENT EXECUTE FUNCTION decisions_refuse()""",
]
