"""The tables of what is computed from the log up to one decision, that of ``counted``.

Nothing here is a fact: all of it can be counted again from the decisions, and ``recount`` compares
both. ``changed`` is the number of the last decision of the fold that wrote a row, so that
whoever has seen that far asks for what came after.
"""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, LargeBinary, Table, Text, text

from productnet.database.columns import metadata

# What is asked of the pairs of a leaf.
PAIR_NAMES = ("product", "stage", "verdict", "reason", "source", "score", "since")

# Where every pair of product and leaf stands, and the label and audit of it that met. A pair that
# nobody decides any more stays as a row of stage "suggested", so that it is seen to have changed.
pairs = Table(
    "pairs",
    metadata,
    Column("product", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("stage", Text, nullable=False),
    Column("verdict", Text),
    Column("reason", Text, nullable=False),
    Column("source", Text),
    Column("score", Double),
    Column("since", BigInteger, nullable=False),
    Column("labeler", Text),
    Column("label", Text),
    Column("label_seq", BigInteger),
    Column("auditor", Text),
    Column("audit", Text),
    Column("audit_seq", BigInteger),
    Column("changed", BigInteger, nullable=False),
    # What pages ask of a leaf, answered by the index alone: its pairs lie among those of all leaves
    # that were worked on at the same time.
    Index("pairs_category", "category", postgresql_include=PAIR_NAMES),
    # What pages of other leaves ask of a leaf, answered by the index alone.
    Index(
        "pairs_positive",
        "category",
        "since",
        "product",
        "stage",
        postgresql_where=text("verdict = 'positive'"),
        sqlite_where=text("verdict = 'positive'"),
    ),
    Index("pairs_labeler", "labeler", "label_seq"),
    Index("pairs_auditor", "auditor", "audit_seq"),
)


def _counts() -> list[Column[int]]:
    """Pairs by where they stand, as ``sums.Counts``."""
    names = ("positives", "negatives", "unsure", "gold", "shown", "disputed")
    return [Column(name, BigInteger, nullable=False) for name in names]


def _answers() -> list[Column[int] | Column[bytes]]:
    """Answers given, as ``sums.AnswerSum``."""
    return [
        Column("answers", BigInteger, nullable=False),
        Column("hesitations", BigInteger, nullable=False),
        Column("untimed", BigInteger, nullable=False),
        Column("times", LargeBinary, nullable=False),
    ]


leaf_sums = Table(
    "leaf_sums",
    metadata,
    Column("category", Text, primary_key=True),
    Column("begun", BigInteger, nullable=False),
    *_counts(),
    Column("seconds", Double, nullable=False),
    *_answers(),
    Column("changed", BigInteger, nullable=False),
    Index("leaf_sums_changed", "changed"),
)

person_sums = Table(
    "person_sums",
    metadata,
    Column("person", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    *_answers(),
    Column("changed", BigInteger, nullable=False),
    Index("person_sums_changed", "changed"),
)

# A person's last answer in a leaf; and what its counts are to them less what they are, where they
# audited in it.
person_leaves = Table(
    "person_leaves",
    metadata,
    Column("person", Text, primary_key=True),
    Column("category", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
    *_counts(),
    Column("changed", BigInteger, nullable=False),
)

# How often one person's label met another's audit, by what both said.
meeting_sums = Table(
    "meeting_sums",
    metadata,
    Column("category", Text, primary_key=True),
    Column("labeler", Text, primary_key=True),
    Column("auditor", Text, primary_key=True),
    Column("label", Text, primary_key=True),
    Column("audit", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index("meeting_sums_changed", "changed"),
)

# Days count from the first of January of the year 1.
day_sums = Table(
    "day_sums",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("gold", BigInteger, nullable=False),
    *_answers(),
    Column("changed", BigInteger, nullable=False),
)

confused_sums = Table(
    "confused_sums",
    metadata,
    Column("said", Text, primary_key=True),
    Column("gold", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index("confused_sums_changed", "changed"),
)

# One row: the last decision that is in all of the above, and how often they were made anew, after
# which nothing that was read before holds.
counted = Table(
    "counted",
    metadata,
    Column("one", Integer, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("made", BigInteger, nullable=False),
)

SUMS = (leaf_sums, person_sums, person_leaves, meeting_sums, day_sums, confused_sums)
