"""A database of every released schema is brought up to date with all that is in it."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.annotation.schema import to_row
from productnet.database import database
from productnet.database.columns import metadata

AT = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)


def decision(number: int, role: Role, by: str, **details: object) -> Decision:
    fields = {"verdict": Verdict.POSITIVE, "note": "näive ☕", "seconds": 1.5, **details}
    return Decision(
        id=UUID(int=number),
        product="p1",
        category="mugs",
        role=role,
        annotator=by,
        at=AT,
        **fields,  # type: ignore[arg-type]
    )


OLD = [
    decision(1, Role.LABEL, "ann", source="active", score=0.7, model_version="round-0001"),
    decision(2, Role.LABEL, "bob", verdict=Verdict.UNSURE),
    decision(3, Role.UNDO, "bob", verdict=None, undoes=UUID(int=2)),
    decision(4, Role.AUDIT, "bob"),
]


def made_at(url: str, revision: str) -> None:
    """A database as the release with this schema left it."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    config = Config()
    folder = Path(database.__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        columns = ", ".join(to_row(OLD[0]))
        values = ", ".join(f":{name}" for name in to_row(OLD[0]))
        statement = text(f"INSERT INTO decisions ({columns}) VALUES ({values})")
        sqlite = connection.dialect.name == "sqlite"
        for old in OLD:
            row = to_row(old)
            if sqlite:
                row["id"] = old.id.hex
                row["undoes"] = old.undoes.hex if old.undoes else None
                row["at"] = f"{old.at:%Y-%m-%d %H:%M:%S.%f}"
            row = {
                key: str(value) if isinstance(value, Role | Verdict) else value
                for key, value in row.items()
            }
            connection.execute(statement, row)
    engine.dispose()


@pytest.mark.parametrize("revision", ["0001"])
def test_what_was_in_it_is_kept(database_url: str, revision: str) -> None:
    made_at(database_url, revision)
    with DecisionLog.open(database_url) as log:
        assert [one for _, one in log.since()] == OLD
        assert log.state().gold_labels() == {"p1": "mugs"}
        doubt = decision(5, Role.CHALLENGE, "model", verdict=Verdict.NEGATIVE)
        assert log.append(doubt) == 1
        assert list(log.state().disputed("mugs")) == ["p1"]


def test_the_migrated_tables_are_those_the_code_declares(database_url: str) -> None:
    DecisionLog.open(database_url).close()
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    found = inspect(engine)
    for table in metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
        assert columns == {column.name: column.nullable for column in table.columns}
        indexed = {tuple(index["column_names"]) for index in found.get_indexes(table.name)}
        assert {tuple(index.columns.keys()) for index in table.indexes} <= indexed
    engine.dispose()
