"""The one table of the log, and how its values are written in SQLite and PostgreSQL."""

from datetime import datetime
from sys import intern
from uuid import UUID

from sqlalchemy import Column, Double, Index, Table, Text, UniqueConstraint, Uuid

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.database.columns import RowNumber, UtcTime, metadata

decisions = Table(
    "decisions",
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
    UniqueConstraint("id", name="decisions_id"),
    # A decision is taken back once.
    UniqueConstraint("undoes", name="decisions_undoes"),
    Index("decisions_product", "product"),
    # A sequence number is never given twice, even if the last row were lost.
    sqlite_autoincrement=True,
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
