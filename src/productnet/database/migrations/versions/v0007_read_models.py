"""What is computed from the log, in tables: pairs, and sums of leaves, people, days.

They begin empty; whoever opens the log counts into them what is in it already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables, and an index of a person's last answers."""
    op.create_index("decisions_annotator", "decisions", ["annotator", "role", "seq"])
    op.create_index("check_answers_annotator", "check_answers", ["annotator", "category"])
    op.create_table(
        "pairs",
        sa.Column("product", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("stage", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("score", sa.Double),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("labeler", sa.Text),
        sa.Column("label", sa.Text),
        sa.Column("label_seq", sa.BigInteger),
        sa.Column("auditor", sa.Text),
        sa.Column("audit", sa.Text),
        sa.Column("audit_seq", sa.BigInteger),
        _changed(),
    )
    op.create_index("pairs_category", "pairs", ["category", "changed"])
    op.create_index(
        "pairs_positive",
        "pairs",
        ["category", "since", "product", "stage"],
        postgresql_where=sa.text("verdict = 'positive'"),
        sqlite_where=sa.text("verdict = 'positive'"),
    )
    op.create_index("pairs_labeler", "pairs", ["labeler", "label_seq"])
    op.create_index("pairs_auditor", "pairs", ["auditor", "audit_seq"])
    op.create_table(
        "leaf_sums",
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("begun", sa.BigInteger, nullable=False),
        *_counts(),
        sa.Column("seconds", sa.Double, nullable=False),
        *_answers(),
        _changed(),
    )
    op.create_table(
        "person_sums",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("task", sa.Text, primary_key=True),
        *_answers(),
        _changed(),
    )
    op.create_table(
        "person_leaves",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
        *_counts(),
        _changed(),
    )
    op.create_table(
        "meeting_sums",
        *(
            sa.Column(name, sa.Text, primary_key=True)
            for name in ("category", "labeler", "auditor", "label", "audit")
        ),
        sa.Column("count", sa.BigInteger, nullable=False),
        _changed(),
    )
    op.create_table(
        "day_sums",
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("gold", sa.BigInteger, nullable=False),
        *_answers(),
        _changed(),
    )
    op.create_table(
        "confused_sums",
        sa.Column("said", sa.Text, primary_key=True),
        sa.Column("gold", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        _changed(),
    )
    for table in ("leaf_sums", "person_sums", "meeting_sums", "confused_sums"):
        op.create_index(f"{table}_changed", table, ["changed"])
    op.create_table(
        "counted",
        sa.Column("one", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO counted (one, seq, made) VALUES (1, 0, 0)")


def _changed() -> sa.Column[int]:
    return sa.Column("changed", sa.BigInteger, nullable=False)


def _counts() -> list[sa.Column[int]]:
    names = ("positives", "negatives", "unsure", "gold", "shown", "disputed")
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def _answers() -> list[sa.Column[int] | sa.Column[bytes]]:
    names = ("answers", "hesitations", "untimed")
    return [
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in names),
        sa.Column("times", sa.LargeBinary, nullable=False),
    ]
