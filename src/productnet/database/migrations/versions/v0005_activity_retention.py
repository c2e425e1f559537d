"""Activity can be forgotten when it is old: the retention that a project sets, never sooner."""

from alembic import op

revision = "0005"
down_revision = "0004"

# Whatever a program asks for, what is younger than this stays, and what happens once only.
_DAYS = 90

_REFUSAL = f"activity is appended, never changed, nor deleted before it is {_DAYS} days old"


def upgrade() -> None:
    """Exchange the triggers that keep activity append-only."""
    dialect = op.get_bind().dialect.name
    for statement in _POSTGRESQL if dialect == "postgresql" else _SQLITE:
        op.execute(statement)


_SQLITE = [
    "DROP TRIGGER activity_no_delete",
    f"""CREATE TRIGGER activity_no_delete BEFORE DELETE ON activity
        WHEN OLD.key IS NOT NULL OR OLD.at > datetime('now', '-{_DAYS} days')
        BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END""",
]

_POSTGRESQL = [
    "DROP TRIGGER activity_append_only ON activity",
    f"""CREATE OR REPLACE FUNCTION activity_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$""",
    """CREATE TRIGGER activity_append_only BEFORE UPDATE OR TRUNCATE ON activity
        FOR EACH STATEMENT EXECUTE FUNCTION activity_refuse()""",
    f"""CREATE TRIGGER activity_no_delete BEFORE DELETE ON activity FOR EACH ROW
        WHEN (OLD.key IS NOT NULL OR OLD.at > now() - interval '{_DAYS} days')
        EXECUTE FUNCTION activity_refuse()""",
]
