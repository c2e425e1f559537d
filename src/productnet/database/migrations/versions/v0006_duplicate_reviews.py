"""Reviews of near-duplicates, which refuse to be changed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_REFUSAL = "reviews of near-duplicates are appended, never changed or deleted"


def upgrade() -> None:
    """Make the table, and the triggers that keep it append-only."""
    dialect = op.get_bind().dialect.name
    op.create_table(
        "duplicate_reviews",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("products", sa.JSON, nullable=False),
        sa.Column("apart", sa.JSON, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undoes", sa.Uuid),
        sa.UniqueConstraint("id", name="duplicate_reviews_id"),
        sa.UniqueConstraint("undoes", name="duplicate_reviews_undoes"),
        sqlite_autoincrement=True,
    )
    for statement in _POSTGRESQL if dialect == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = [
    f"""CREATE TRIGGER duplicate_reviews_no_{action} BEFORE {action} ON duplicate_reviews
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"""
    for action in ("update", "delete")
]

_POSTGRESQL = [
    f"""CREATE FUNCTION duplicate_reviews_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$""",
    """CREATE TRIGGER duplicate_reviews_append_only
        BEFORE UPDATE OR DELETE OR TRUNCATE ON duplicate_reviews
        FOR EACH STATEMENT EXECUTE FUNCTION duplicate_reviews_refuse()""",
]
