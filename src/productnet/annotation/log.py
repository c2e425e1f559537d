"""The append-only log of decisions, and the state computed from it.

One object owns both the log and the cached state, so that the second is never older than asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Self
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, select

from productnet.annotation.commits import Check, Commits, Outcome, Sent, Status
from productnet.annotation.decisions import Decision
from productnet.annotation.histories import decisions_since, what_is_said
from productnet.annotation.quality.aside import Aside, find_answer
from productnet.annotation.read_models.checkpoint import Place, fold
from productnet.annotation.read_models.kept_state import KeptState
from productnet.annotation.schema import decisions as table
from productnet.annotation.schema import from_row, to_row
from productnet.annotation.state import State
from productnet.annotation.verdicts import History, after
from productnet.closing import Closing
from productnet.database.database import Database
from productnet.errors import ProductNetError, WorkflowError

_NEWEST = select(func.max(table.c.seq))

_LEAVES_SINCE = (
    select(table.c.category, func.max(table.c.seq))
    .where(table.c.seq > bindparam("after"))
    .group_by(table.c.category)
)

_NUMBERED = insert(table).returning(table.c.seq, sort_by_parameter_order=True)

# Decisions that a process keeps in memory because no read model holds them yet, about 2 kB each;
# a portal folds them in long before.
_LONGEST_TAIL = 5_000

# What a decision that is about to be written comes after: every other one.
_LAST = 2**62


class DecisionLog(Closing):
    """Decisions in the order they were committed.

    Safe to share between threads, and between processes on one database.

    Example:
        >>> log = DecisionLog.open("sqlite:///decisions.db")  # doctest: +SKIP
        >>> log.append(decision)  # doctest: +SKIP
        >>> log.state().positives("mugs")  # doctest: +SKIP
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._state = KeptState(database)
        self._folding = Lock()
        self._looking = Lock()
        self._commits = Commits(self._write)

    @classmethod
    def open(cls, url: str) -> Self:
        """The log at this SQLAlchemy URL, made if it is new, migrated if it is old.

        Raises:
            WorkflowError: It cannot be opened; the text says what to do.
        """
        return cls(Database.open(url))

    def append(self, *decisions: Decision, check: Check | None = None) -> int:
        """Record decisions, all or none; when this returns they are on disk.

        A label that answers a check item is kept ``aside`` and counts as new.

        Args:
            decisions: In order. One that is in the log already, sent again, is passed over.
            check: Called with each new decision and its product's standing votes, those of
                decisions before it in this call included. Nobody else writes meanwhile, so what
                it finds to be true stays true until the decision is recorded.

        Returns:
            How many were new.

        Raises:
            WorkflowError: The id belongs to another decision; or as ``check`` raises.
        """
        outcomes = self._send(decisions, check, whole=True)
        refused = next((outcome.error for outcome in outcomes if outcome.error), None)
        if refused:
            raise refused
        return sum(outcome.status is Status.RECORDED for outcome in outcomes)

    def append_each(
        self, decisions: Sequence[Decision], *, check: Check | None = None
    ) -> list[Outcome]:
        """Record decisions, each by itself: one that is refused does not stop the others.

        When this returns, what was not refused is on disk. Arguments are as of ``append``.

        Raises:
            WorkflowError: The database could not take them; nothing was recorded.
        """
        return self._send(decisions, check, whole=False)

    def _send(
        self, decisions: Sequence[Decision], check: Check | None, *, whole: bool
    ) -> list[Outcome]:
        if not decisions:
            return []
        return self._commits.send(Sent(decisions, check, whole))

    def _write(self, batch: Sequence[Sent]) -> None:
        """Write what several senders sent in one transaction."""
        with self.database.writing(rings=True) as connection:
            known, histories = what_is_said(
                connection, [one for sent in batch for one in sent.decisions]
            )
            checked = [one for sent in batch if sent.check for one in sent.decisions]
            draft = _Draft(histories, known, Aside(connection, checked))
            for sent in batch:
                sent.outcomes = draft.take(sent)
            written = draft.write(connection)
            # Nobody else writes before this transaction ends.
            newest = written[-1][0] if written else connection.scalar(_NEWEST) or 0
        self._state.take_own(written, histories, newest=newest)

    def since(self, seq: int = 0) -> Iterator[tuple[int, Decision]]:
        """Sequence number and decision of everything after ``seq``, a chunk in memory at a time."""
        with self.database.reading() as connection:
            for chunk in decisions_since(connection, seq):
                yield from chunk

    def leaves_since(self, seq: int) -> tuple[int, list[str]]:
        """The number of the last decision, and the leaves of all after ``seq``, each once."""
        with self.database.reading() as connection:
            rows = connection.execute(_LEAVES_SINCE, {"after": seq}).all()
        newest = max((last for _, last in rows), default=seq)
        return newest, [leaf for leaf, _ in sorted(rows, key=lambda row: row[1])]

    def find(self, decision_id: UUID) -> Decision | None:
        """The decision of this id, be it an answer to a check item."""
        with self.database.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == decision_id)).first()
            return from_row(row)[1] if row else find_answer(connection, decision_id)

    def about(self, *products: str) -> dict[str, list[Decision]]:
        """By product, everything ever said of it, undone or not, in order."""
        said: dict[str, list[Decision]] = {product: [] for product in products}
        query = select(table).where(table.c.product.in_(products)).order_by(table.c.seq)
        with self.database.reading() as connection:
            for row in connection.execute(query):
                said[row.product].append(from_row(row)[1])
        return said

    def newest(self) -> int:
        """The sequence number of the last decision; 0 where there is none."""
        with self.database.reading() as connection:
            return connection.scalar(_NEWEST) or 0

    def state(self) -> KeptState:
        """The state of all pairs, with everything committed until now."""
        while True:
            place = Place.of_now(self.database)
            if 0 <= place.behind <= _LONGEST_TAIL:
                self._state.catch_up(place)
                return self._state
            with self._folding:
                fold(self.database)

    def recent(self) -> KeptState:
        """The state with everything that was in the log when this object wrote to it last.

        As a rule it takes no look: what was written last is known, and of several who wrote
        together after another process did, one looks for all.
        """
        if not self._state.holds_own:
            with self._looking:
                if not self._state.holds_own:
                    self.state()
        return self._state

    def whole(self) -> State:
        """The state of all pairs as of now, in memory: for whoever is going to look at all of it.

        It takes about 27 µs and 400 bytes a decision.
        """
        state = State()
        with self.database.reading() as connection:
            for chunk in decisions_since(connection, 0):
                state.apply(chunk)
        return state

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


class _Draft:
    """What a transaction is about to write, and how the log would stand after it."""

    def __init__(
        self,
        histories: Mapping[str, History],
        known: dict[UUID, Decision],
        aside: Aside,
    ) -> None:
        self._fresh: list[Decision] = []
        self._aside = aside
        self._known = known | aside.known
        self._before = histories
        self._histories: dict[str, History] = {}

    def take(self, sent: Sent) -> list[Outcome]:
        """Answer one sender; of what is sent whole, nothing stays if any of it is refused."""
        if not sent.whole:
            return [self._try(decision, sent.check) for decision in sent.decisions]
        fresh, aside = len(self._fresh), self._aside.mark()
        before = self._known.copy(), self._histories.copy()
        outcomes = []
        for decision in sent.decisions:
            outcomes.append(self._try(decision, sent.check))
            if outcomes[-1].error:
                del self._fresh[fresh:]
                self._aside.back_to(aside)
                self._known, self._histories = before
                break
        return outcomes

    def _try(self, decision: Decision, check: Check | None) -> Outcome:
        try:
            first = self._known.get(decision.id)
            if first:
                _refuse_other_content(first, decision)
                return Outcome(decision.id, Status.KNOWN)
            history = self._histories.get(decision.product, self._before[decision.product])
            taken = check is not None and self._aside.takes(decision, history)
            if check and not taken:
                check(decision, history)
        except ProductNetError as error:
            return Outcome(decision.id, Status.REFUSED, error)
        self._known[decision.id] = decision
        if not taken:
            seq = _LAST + len(self._fresh)
            self._histories[decision.product] = after(history, seq, decision)
            self._fresh.append(decision)
        return Outcome(decision.id, Status.RECORDED)

    def write(self, connection: Connection) -> list[tuple[int, Decision]]:
        """Write everything that was let through, and tell under which sequence numbers."""
        self._aside.write(connection)
        if not self._fresh:
            return []
        numbers = connection.scalars(_NUMBERED, [to_row(decision) for decision in self._fresh])
        return list(zip(numbers, self._fresh, strict=True))


def _refuse_other_content(first: Decision, sent: Decision) -> None:
    if not first.says_the_same_as(sent):
        raise WorkflowError(
            f"Decision {sent.id} is recorded with other content: {first.verdict} of "
            f'"{first.product}" in "{first.category}" by {first.annotator}. '
            "Send a new decision under a new id."
        )
