"""Assignments: which leaf was given to whom for which task, as appended facts.

An assignment puts a leaf at the head of a person's queue and out of everybody else's. The last
one of a leaf and task counts; one that names nobody gives the leaf back to all.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from sqlalchemy import insert, select

from productnet.annotation.decisions import Task
from productnet.annotation.schema import assignments as table
from productnet.database.database import Database


@dataclass(frozen=True, slots=True)
class Assignment:
    """A leaf given to a person.

    Attributes:
        leaf: The leaf.
        task: What is to be done in it.
        person: Who is to do it; None where it was given back to all.
        assigned_by: Who decided that.
        at: When.
    """

    leaf: str
    task: Task
    person: str | None
    assigned_by: str
    at: datetime


class Assignments:
    """All assignments, with those that count now kept in memory.

    Safe between threads, and between processes on one database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._seq = 0
        self._current: dict[tuple[str, Task], Assignment] = {}
        self._catching_up = Lock()

    def assign(self, leaf: str, task: Task, person: str | None, *, assigned_by: str) -> Assignment:
        """Give a leaf to a person, or with None back to all."""
        assignment = Assignment(leaf, task, person, assigned_by, datetime.now(UTC))
        row = {
            "category": leaf,
            "task": task,
            "person": person,
            "assigned_by": assigned_by,
            "at": assignment.at,
        }
        with self._database.writing() as connection:
            connection.execute(insert(table).values(row))
        return assignment

    def current(self) -> list[Assignment]:
        """The assignments that count, the longest standing first."""
        with self._catching_up, self._database.reading() as connection:
            query = select(table).where(table.c.seq > self._seq).order_by(table.c.seq)
            for row in connection.execute(query):
                key = row.category, Task(row.task)
                # The newest goes to the end, so that the order is that of their making.
                self._current.pop(key, None)
                if row.person is not None:
                    self._current[key] = Assignment(*key, row.person, row.assigned_by, row.at)
                self._seq = row.seq
            return list(self._current.values())
