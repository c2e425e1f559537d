"""The append-only log of decisions, and the state computed from it.

One object owns both the log and the cached state, so that the second is never older than asked.
"""

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from types import TracebackType
from typing import Self
from uuid import UUID

from sqlalchemy import Connection, insert, select

from productnet.annotation.decisions import Decision
from productnet.annotation.schema import decisions as table
from productnet.annotation.schema import from_row, to_row
from productnet.annotation.state import State
from productnet.annotation.verdicts import History, after
from productnet.database.database import Database
from productnet.errors import WorkflowError

# Rows read, and looked up, at a time: what bounds memory while a long log is read.
_CHUNK = 5_000

# Refuses a decision by raising, given the votes about its product that stand before it.
Check = Callable[[Decision, History], None]


class DecisionLog:
    """Decisions in the order they were committed.

    Safe to share between threads, and between processes on one database.

    Example:
        >>> log = DecisionLog.open("sqlite:///decisions.db")  # doctest: +SKIP
        >>> log.append(decision)  # doctest: +SKIP
        >>> log.state().positives("mugs")  # doctest: +SKIP
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._state = State()
        # Whoever holds this lock and the database's turn to write took the turn first.
        self._catching_up = Lock()

    @classmethod
    def open(cls, url: str) -> Self:
        """The log at this SQLAlchemy URL, made if it is new, migrated if it is old.

        Raises:
            WorkflowError: It cannot be opened; the text says what to do.
        """
        return cls(Database.open(url))

    def append(self, *decisions: Decision, check: Check | None = None) -> int:
        """Record decisions, all or none; when this returns they are on disk.

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
        if not decisions:
            return 0
        with self._database.writing() as connection:
            fresh = _without_repeats(connection, decisions)
            if check and fresh:
                self._catch_up(connection)
                self._check_each(fresh, check)
            if fresh:
                connection.execute(insert(table), [to_row(decision) for decision in fresh])
        return len(fresh)

    def _check_each(self, decisions: Sequence[Decision], check: Check) -> None:
        histories: dict[str, History] = {}
        for seq, decision in enumerate(decisions, start=self._state.seq + 1):
            product = decision.product
            history = histories.get(product, self._state.history(product))
            check(decision, history)
            histories[product] = after(history, seq, decision)

    def since(self, seq: int = 0) -> Iterator[tuple[int, Decision]]:
        """Sequence number and decision of everything after ``seq``, a chunk in memory at a time."""
        with self._database.reading() as connection:
            for chunk in _chunks_since(connection, seq):
                yield from chunk

    def find(self, decision_id: UUID) -> Decision | None:
        """The decision of this id."""
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == decision_id)).first()
        return from_row(row)[1] if row else None

    def about(self, product: str) -> list[Decision]:
        """Everything ever said of a product, undone or not, in order."""
        query = select(table).where(table.c.product == product).order_by(table.c.seq)
        with self._database.reading() as connection:
            return [from_row(row)[1] for row in connection.execute(query)]

    def state(self) -> State:
        """The state of all pairs, with everything committed until now."""
        with self._database.reading() as connection:
            self._catch_up(connection)
        return self._state

    def _catch_up(self, connection: Connection) -> None:
        with self._catching_up:
            for chunk in _chunks_since(connection, self._state.seq):
                self._state.apply(chunk)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _chunks_since(connection: Connection, seq: int) -> Iterator[list[tuple[int, Decision]]]:
    query = select(table).order_by(table.c.seq).limit(_CHUNK)
    while rows := connection.execute(query.where(table.c.seq > seq)).all():
        seq = rows[-1].seq
        yield [from_row(row) for row in rows]


def _without_repeats(connection: Connection, sent: Sequence[Decision]) -> list[Decision]:
    """The decisions that are in neither the log nor an earlier place of ``sent``."""
    known: dict[UUID, Decision] = {}
    for start in range(0, len(sent), _CHUNK):
        ids = [decision.id for decision in sent[start : start + _CHUNK]]
        for row in connection.execute(select(table).where(table.c.id.in_(ids))):
            known[row.id] = from_row(row)[1]
    fresh: list[Decision] = []
    for decision in sent:
        first = known.get(decision.id)
        if first is None:
            known[decision.id] = decision
            fresh.append(decision)
        elif not first.says_the_same_as(decision):
            raise WorkflowError(
                f"Decision {decision.id} is recorded with other content: {first.verdict} of "
                f'"{first.product}" in "{first.category}" by {first.annotator}. '
                "Send a new decision under a new id."
            )
    return fresh
