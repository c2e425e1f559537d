"""Assignments are appended, and the last of a leaf and task counts."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from productnet.annotation.assignments import Assignments
from productnet.annotation.decisions import Task
from productnet.database.database import Database


def given_to(assignments: Assignments) -> list[tuple[str, Task, str | None]]:
    return [(one.leaf, one.task, one.person) for one in assignments.current()]


def test_the_last_one_counts(database_url: str) -> None:
    with Database.open(database_url) as database, Database.open(database_url) as elsewhere:
        mine, yours = Assignments(database), Assignments(elsewhere)
        mine.assign("mugs", Task.LABEL, "ann", assigned_by="lead")
        mine.assign("mugs", Task.AUDIT, "bob", assigned_by="lead")
        yours.assign("cups", Task.LABEL, "ann", assigned_by="lead")
        assert given_to(mine) == [
            ("mugs", Task.LABEL, "ann"),
            ("mugs", Task.AUDIT, "bob"),
            ("cups", Task.LABEL, "ann"),
        ]
        yours.assign("mugs", Task.LABEL, "cy", assigned_by="lead")
        yours.assign("mugs", Task.AUDIT, None, assigned_by="lead")
        assert given_to(mine) == given_to(yours) == given_to(Assignments(database))
        assert given_to(mine) == [("cups", Task.LABEL, "ann"), ("mugs", Task.LABEL, "cy")]


@pytest.mark.parametrize(
    "change", ["UPDATE assignments SET person = 'x'", "DELETE FROM assignments"]
)
def test_the_database_refuses_to_forget_one(database_url: str, change: str) -> None:
    with Database.open(database_url) as database:
        Assignments(database).assign("mugs", Task.LABEL, "ann", assigned_by="lead")
        with (
            pytest.raises(DBAPIError, match="appended, never changed"),
            database.engine.begin() as raw,
        ):
            raw.execute(text(change))
