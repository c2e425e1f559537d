"""The tables of people come to a database of any released schema, as the code declares them."""

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from productnet.database import database as database_module
from productnet.database.columns import metadata
from productnet.database.database import Database
from productnet.people import schema
from productnet.people.doors import Doors

OURS = {
    table.name
    for table in (
        schema.people,
        schema.sessions,
        schema.api_keys,
        schema.door_changes,
        schema.one_time_tokens,
        schema.sign_in_attempts,
    )
}


def test_the_tables_are_as_declared(database: Database) -> None:
    with database.reading() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in OURS},
        )
        differences = compare_metadata(context, metadata)
    assert [one for one in differences if any(name in str(one) for name in OURS)] == []


@pytest.mark.parametrize("before", ["0001", "0002"])
def test_an_older_database_gets_them(
    database_url: str, before: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = command.upgrade

    def upgrade(config: Config, revision: str) -> None:
        real(config, before if revision == "head" else revision)

    with monkeypatch.context() as old:
        old.setattr(command, "upgrade", upgrade)
        old.setattr(database_module, "REVISION", before)
        Database.open(database_url).close()
    with Database.open(database_url) as database:
        assert Doors.open(database).people.add("ann", roles=["admin"]).name == "ann"
