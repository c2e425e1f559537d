"""An index that answers by itself what pages ask of a leaf.

The pairs of a leaf lie among those of all leaves that were worked on at the same time, a page of
the table each; PostgreSQL keeps what is asked of them in the index beside their leaf.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_READ = ["product", "stage", "verdict", "reason", "source", "score", "since"]


def upgrade() -> None:
    """Put it in the place of the one before."""
    op.drop_index("pairs_category", "pairs")
    op.create_index("pairs_category", "pairs", ["category"], postgresql_include=_READ)
    if op.get_bind().dialect.name == "postgresql":
        # An index answers alone for what a vacuum has been over: by default, not before a fifth of
        # the table is new.
        op.execute(
            sa.text(
                "ALTER TABLE pairs SET (autovacuum_vacuum_insert_scale_factor = 0.02, "
                "autovacuum_vacuum_scale_factor = 0.02)"
            )
        )
