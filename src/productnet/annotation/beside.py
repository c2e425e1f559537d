"""What people are told of a leaf beside its counts, or instead: as little as lets nobody guess.

Whoever audits a leaf is told no count of it. And a person's own answers to check items are told
with the rest, as if they were answers like others: a count that stands still would tell what was
a check.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from threading import Lock

from sqlalchemy import Connection, bindparam, func, literal, select

from productnet.annotation.decisions import Decision, Role, Task, Verdict
from productnet.annotation.leases import Leases
from productnet.annotation.quality.aside import standing_answers
from productnet.annotation.schema import check_answers, from_row, leases
from productnet.annotation.state import LeafProgress
from productnet.database.database import Database

# People whose answers to check items are kept in memory, as sums by leaf.
_MOST = 2_000

_WOULD_ADD = {
    Verdict.POSITIVE: LeafProgress(labelled_positive=1, to_audit=1),
    Verdict.NEGATIVE: LeafProgress(labelled_negative=1),
    Verdict.UNSURE: LeafProgress(unsure=1),
}

_ANSWERED_SINCE = (
    select(check_answers.c.annotator).where(check_answers.c.seq > bindparam("after")).distinct()
)
_ANSWERS_OF = (
    select(check_answers)
    .where(check_answers.c.annotator == bindparam("person"))
    .order_by(check_answers.c.seq)
)

Added = Mapping[str, LeafProgress]


class Beside:
    """What is told beside the counts of leaves; safe between threads and processes.

    What people's answers to check items add up to is kept until they give another. Each question
    begins with a look at the number of the last one, so it is never older than that.

    Args:
        database: Where answers to check items are kept.
        held: Who is at work on which leaf.
    """

    def __init__(self, database: Database, held: Leases) -> None:
        self._database = database
        self._held = held
        self._kept: dict[str, Added] = {}
        # The last answer, by anybody, that what is kept holds.
        self._seen = 0
        self._lock = Lock()
        one = select(literal(1).label("one")).subquery()
        audits = (
            (leases.c.holder == bindparam("person"))
            & (leases.c.task == literal(str(Task.AUDIT)))
            & held.standing
        )
        newest = select(func.max(check_answers.c.seq)).scalar_subquery()
        self._look = select(newest, leases.c.category).select_from(one.outerjoin(leases, audits))

    def of(self, person: str) -> tuple[Collection[str], Added]:
        """The leaves that a person audits now, and what their answers to check items add to each.

        It takes one errand as a rule.
        """
        with self._database.reading() as connection:
            rows = connection.execute(self._look, self._held.asked(person=person)).all()
            added = self._added(connection, person, newest=rows[0][0] or 0)
        return {leaf for _, leaf in rows if leaf is not None}, added

    def _added(self, connection: Connection, person: str, *, newest: int) -> Added:
        self._take_notice(connection, newest)
        with self._lock:
            seen, known = self._seen, self._kept.get(person)
        if known is not None:
            return known
        rows = connection.execute(_ANSWERS_OF, {"person": person}).all()
        added = added_by([from_row(row)[1] for row in rows])
        with self._lock:
            # What was answered meanwhile may not be in what was read.
            if seen == self._seen:
                if len(self._kept) >= _MOST:
                    self._kept.clear()
                self._kept[person] = added
        return added

    def _take_notice(self, connection: Connection, newest: int) -> None:
        """Forget the sums of those who answered since."""
        with self._lock:
            if newest <= self._seen:
                return
            for person in connection.scalars(_ANSWERED_SINCE, {"after": self._seen}):
                self._kept.pop(person, None)
            self._seen = newest


def added_by(given: Iterable[Decision]) -> Added:
    """What answers to check items, in order, would have added to each leaf's progress."""
    said = list(given)
    added: defaultdict[str, LeafProgress] = defaultdict(LeafProgress)
    for one in said:
        if one.role is Role.LABEL:
            added[one.category] += LeafProgress(decisions=1, seconds=one.seconds or 0.0)
    for one in standing_answers(said):
        if one.verdict is not None:
            added[one.category] += _WOULD_ADD[one.verdict]
    return dict(added)
