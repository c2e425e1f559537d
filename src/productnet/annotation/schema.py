"""The one table of the log, and how its values are written in SQLite and PostgreSQL."""

from datetime import UTC, datetime
from sys import intern
from typing import cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    MetaData,
    Row,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)

from productnet.annotation.decisions import Decision, Role, Verdict


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC, to the microsecond; SQLite keeps no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC."""
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From UTC."""
        if value is None or value.tzinfo:
            return value.astimezone(UTC) if value else None
        return value.replace(tzinfo=UTC)


metadata = MetaData()

decisions = Table(
    "decisions",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
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


def from_row(row: Row[tuple[object, ...]]) -> Decision:
    """A row as a decision; texts that repeat from row to row share their memory."""
    values = row._mapping
    return Decision(
        id=cast(UUID, values["id"]),
        product=cast(str, values["product"]),
        category=intern(cast(str, values["category"])),
        verdict=Verdict(values["verdict"]) if values["verdict"] else None,
        role=Role(values["role"]),
        annotator=intern(cast(str, values["annotator"])),
        at=cast(datetime, values["at"]),
        seconds=cast(float | None, values["seconds"]),
        source=_shared(cast(str | None, values["source"])),
        model_version=cast(str | None, values["model_version"]),
        score=cast(float | None, values["score"]),
        note=cast(str | None, values["note"]),
        undoes=cast(UUID | None, values["undoes"]),
    )


def _shared(text: str | None) -> str | None:
    return None if text is None else intern(text)
