"""Where quality numbers get their sums from: counted from a log, or kept in a database's tables."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection, Table, select

from productnet.annotation.decisions import Decision, Task, Verdict
from productnet.annotation.past import ReadableLog
from productnet.annotation.quality.drift import BEFORE, LATELY
from productnet.annotation.read_models import tables
from productnet.annotation.read_models.checkpoint import fold
from productnet.annotation.read_models.counting import answers_of
from productnet.annotation.read_models.sums import (
    NOTHING,
    Added,
    DaySum,
    LeafSum,
    Met,
    Said,
    Sums,
    task_of,
)
from productnet.annotation.schema import decisions
from productnet.database.database import Database

# Answers of a person that drift looks at.
_LOOKED_AT = LATELY + BEFORE


@dataclass(slots=True)
class Changes:
    """What a refresh has changed.

    Attributes:
        leaves: Leaves with other sums.
        people: People at a task with other sums.
        met: How much counts of meetings rose, or fell.
    """

    leaves: set[str] = field(default_factory=set)
    people: set[tuple[str, Task]] = field(default_factory=set)
    met: Counter[Met] = field(default_factory=Counter)


class SumsSource(Protocol):
    """Sums of a log.

    Attributes:
        sums: As of the last refresh; nobody else changes them.
    """

    sums: Sums

    def refresh(self) -> Changes:
        """Take in what was decided since the last time."""
        ...

    def agreed(self, person: str, task: Task) -> Sequence[bool]:
        """Whether their last answers agreed with the other side's, in the order of the log."""
        ...

    def seconds(self, person: str, task: Task, *, pause: float) -> Sequence[float]:
        """What their last answers took, in order, without those that took more than a pause."""
        ...


class KeptSums:
    """The sums that a database keeps; a refresh costs what has changed since the one before."""

    def __init__(self, database: Database) -> None:
        self.sums = Sums()
        self._database = database
        self._seen = self._made = 0

    def refresh(self) -> Changes:
        """Take in what was decided since the last time."""
        changes = Changes()
        fold(self._database)
        with self._database.reading() as connection:
            query = select(tables.counted.c.seq, tables.counted.c.made)
            newest, made = connection.execute(query).one()
            if made != self._made:
                self._forget_all(made, changes)
            if newest <= self._seen:
                return changes
            self._read_answers(connection, changes)
            self._read_counts(connection, changes)
        self._seen = newest
        return changes

    def _forget_all(self, made: int, changes: Changes) -> None:
        """The tables were made anew: nothing that was read of them holds."""
        for met, count in self.sums.met.items():
            changes.met[met] -= count
        changes.leaves |= self.sums.leaves.keys()
        changes.people |= self.sums.people.keys()
        self.sums, self._seen, self._made = Sums(), 0, made

    def _read_answers(self, connection: Connection, changes: Changes) -> None:
        leaves = self._changed(connection, tables.leaf_sums)
        for row in sorted(leaves, key=lambda row: row.begun):
            # Counts of pairs are the state's to tell.
            self.sums.leaves[row.category] = LeafSum(row.begun, answers=answers_of(row))
            changes.leaves.add(row.category)
        for row in self._changed(connection, tables.person_sums):
            key = row.person, Task(row.task)
            self.sums.people[key] = answers_of(row)
            changes.people.add(key)
        for row in self._changed(connection, tables.day_sums):
            self.sums.days[row.day] = DaySum(answers_of(row), row.gold)

    def _read_counts(self, connection: Connection, changes: Changes) -> None:
        for row in self._changed(connection, tables.meeting_sums):
            met = Met(
                row.category, row.labeler, row.auditor, Verdict(row.label), Verdict(row.audit)
            )
            changes.met[met] += row.count - self.sums.met[met]
            self.sums.met[met] = row.count
        for row in self._changed(connection, tables.confused_sums):
            self.sums.confused[row.said, row.gold] = row.count

    def _changed(self, connection: Connection, table: Table) -> Iterator[Any]:
        yield from connection.execute(select(table).where(table.c.changed > self._seen)).all()

    def agreed(self, person: str, task: Task) -> Sequence[bool]:
        """Whether their last answers agreed with the other side's, in the order of the log."""
        columns = tables.pairs.c
        if task is Task.ADJUDICATE:
            return []  # it meets nobody's answer: it settles two
        own, seq = {
            Task.LABEL: (columns.labeler, columns.label_seq),
            Task.AUDIT: (columns.auditor, columns.audit_seq),
        }[task]
        query = select(columns.label, columns.audit).where(own == person)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(seq.desc()).limit(_LOOKED_AT)).all()
        return [label == audit for label, audit in reversed(rows)]

    def seconds(self, person: str, task: Task, *, pause: float) -> Sequence[float]:
        """What their last answers took, in order, without those that took more than a pause."""
        columns = decisions.c
        # A role has the name of its task.
        mine = columns.annotator == person, columns.role == task, columns.seconds <= pause
        query = select(columns.seconds).where(*mine).order_by(columns.seq.desc())
        with self._database.reading() as connection:
            return connection.scalars(query.limit(_LOOKED_AT)).all()[::-1]


class CountedSums:
    """The sums of any log, counted in memory: for one that is read once.

    Safe where the state of the log is ahead of what was read of it.
    """

    def __init__(self, log: ReadableLog) -> None:
        self.sums = Sums()
        self._log = log
        self._seq = 0
        self._added: dict[str, Added] = {}
        self._seconds: defaultdict[tuple[str, Task], list[float]] = defaultdict(list)
        self._agreed: defaultdict[tuple[str, Task], dict[int, bool]] = defaultdict(dict)

    def refresh(self) -> Changes:
        """Take in what was decided since the last time."""
        changes = Changes()
        touched: dict[str, None] = {}
        for seq, decision in self._log.since(self._seq):
            self.sums.count(seq, Said.of(decision))
            self._time(decision, changes)
            changes.leaves.add(decision.category)
            touched[decision.product] = None
            self._seq = seq
        state = self._log.state()
        for product in touched:
            history = tuple(vote for vote in state.history(product) if vote.seq <= self._seq)
            self._put(self._added.pop(product, NOTHING), -1, changes)
            added = self._added[product] = Added.by(history)
            self._put(added, 1, changes)
        return changes

    def _time(self, decision: Decision, changes: Changes) -> None:
        task = task_of(decision)
        if task is None:
            return
        key = decision.annotator, task
        changes.people.add(key)
        if decision.seconds is not None:
            self._seconds[key].append(decision.seconds)

    def _put(self, added: Added, times: int, changes: Changes) -> None:
        self.sums.put(added, times, seq=self._seq)
        changes.leaves |= added.pairs.keys()
        for leaf, meeting in added.meetings.items():
            changes.met[Met.of(leaf, meeting)] += times
            agrees = meeting.label is meeting.audit
            for key, seq in (
                ((meeting.labeler, Task.LABEL), meeting.label_seq),
                ((meeting.auditor, Task.AUDIT), meeting.audit_seq),
            ):
                if times > 0:
                    self._agreed[key][seq] = agrees
                else:
                    del self._agreed[key][seq]

    def agreed(self, person: str, task: Task) -> Sequence[bool]:
        """Whether their last answers agreed with the other side's, in the order of the log."""
        agreed = self._agreed[person, task]
        return [agreed[seq] for seq in sorted(agreed)]

    def seconds(self, person: str, task: Task, *, pause: float) -> Sequence[float]:
        """What their last answers took, in order, without those that took more than a pause."""
        return [took for took in self._seconds[person, task] if took <= pause]
