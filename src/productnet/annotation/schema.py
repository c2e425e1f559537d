"""The tables of the workflow, and how a decision is written in SQLite and PostgreSQL."""

from datetime import datetime
from sys import intern
from uuid import UUID

from sqlalchemy import JSON, Column, Double, Index, Table, Text, UniqueConstraint, Uuid

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.database.columns import RowNumber, UtcTime, metadata


def _of_decisions(name: str, *also: Index) -> Table:
    """A table whose rows are decisions."""
    return Table(
        name,
        metadata,
        Column("seq", RowNumber, primary_key=True),
        Column("id", Uuid, nullable=False),
        Column("product", Text, nullable=False),
        Column("category", Text, nullable=False),
        Column("verdict", Text),
        Column("role", Text, nullable=False),
        Column("annotator", Text, nullable=False),
        Column("at", UtcTime, nullable=False),
        Column("seconds", Double),
        Column("source", Text),
        Column("model_version", Text),
        Column("score", Double),
        Column("note", Text),
        Column("undoes", Uuid),
        UniqueConstraint("id", name=f"{name}_id"),
        # A decision is taken back once.
        UniqueConstraint("undoes", name=f"{name}_undoes"),
        Index(f"{name}_product", "product"),
        *also,
        # A sequence number is never given twice, even if the last row were lost.
        sqlite_autoincrement=True,
    )


# The log.
decisions = _of_decisions("decisions", Index("decisions_annotator", "annotator", "role", "seq"))

# Answers to check items, which are no part of the log: nothing about a product follows from them.
check_answers = _of_decisions(
    "check_answers", Index("check_answers_annotator", "annotator", "category")
)

# Products with a known answer that a person is shown again, as one candidate among others.
check_items = Table(
    "check_items",
    metadata,
    Column("seq", RowNumber, primary_key=True),
    Column("person", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("expected", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    UniqueConstraint("person", "product", "category", name="check_items_pair"),
    Index("check_items_product", "product"),
    sqlite_autoincrement=True,
)

# Who was given which leaf for which task; the last row of a leaf and task counts.
assignments = Table(
    "assignments",
    metadata,
    Column("seq", RowNumber, primary_key=True),
    Column("category", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("person", Text),
    Column("assigned_by", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    sqlite_autoincrement=True,
)

# What was said of products that look like one: those shown, and those of them that are others.
duplicate_reviews = Table(
    "duplicate_reviews",
    metadata,
    Column("seq", RowNumber, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("products", JSON, nullable=False),
    Column("apart", JSON, nullable=False),
    Column("person", Text, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("undoes", Uuid),
    UniqueConstraint("id", name="duplicate_reviews_id"),
    UniqueConstraint("undoes", name="duplicate_reviews_undoes"),
    sqlite_autoincrement=True,
)

# The one table here that is written over: a lease is over in minutes, and nothing rests on it.
leases = Table(
    "leases",
    metadata,
    Column("category", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("taken_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)


def to_row(decision: Decision) -> dict[str, object]:
    """A decision as the values of a row."""
    return {
        "id": decision.id,
        "product": decision.product,
        "category": decision.category,
        "verdict": decision.verdict,
        "role": decision.role,
        "annotator": decision.annotator,
        "at": decision.at,
        "seconds": decision.seconds,
        "source": decision.source,
        "model_version": decision.model_version,
        "score": decision.score,
        "note": decision.note,
        "undoes": decision.undoes,
    }


# The columns above, in their order.
LogRow = tuple[
    int,
    UUID,
    str,
    str,
    str | None,
    str,
    str,
    datetime,
    float | None,
    str | None,
    str | None,
    float | None,
    str | None,
    UUID | None,
]


def from_row(row: LogRow) -> tuple[int, Decision]:
    """Sequence number and decision of a row; texts that repeat share their memory."""
    (
        seq,
        id,
        product,
        category,
        verdict,
        role,
        annotator,
        at,
        seconds,
        source,
        model_version,
        score,
        note,
        undoes,
    ) = row
    decision = Decision(
        id=id,
        product=product,
        category=intern(category),
        verdict=Verdict(verdict) if verdict else None,
        role=Role(role),
        annotator=intern(annotator),
        at=at,
        seconds=seconds,
        source=_shared(source),
        model_version=model_version,
        score=score,
        note=note,
        undoes=undoes,
    )
    return seq, decision


def _shared(text: str | None) -> str | None:
    return None if text is None else intern(text)
