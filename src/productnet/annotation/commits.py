"""Group commit: decisions sent at the same time are written in one transaction.

A commit waits for the disk, and only one writer writes at a time; with a transaction for each
sender, a hundred annotators would wait for a hundred disks in a row. Whoever gets the turn writes
what everybody waiting has sent, and each still gets an answer of their own.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from productnet.annotation.decisions import Decision
from productnet.annotation.verdicts import History
from productnet.errors import ProductNetError

# Refuses a decision by raising, given the votes about its product that stand before it.
Check = Callable[[Decision, History], None]


class Status(StrEnum):
    """What became of a decision that was sent."""

    RECORDED = "recorded"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to one decision.

    Attributes:
        id: The decision's.
        status: Recorded now, known since an earlier sending, or refused.
        error: Why it was refused.
    """

    id: UUID
    status: Status
    error: ProductNetError | None = None


@dataclass(slots=True)
class Sent:
    """Decisions of one sender, on their way.

    Attributes:
        decisions: In order.
        check: What refuses them, if anything does.
        whole: All or none; otherwise each stands by itself.
        outcomes: One for each decision, once it is answered.
        error: What kept all of them from being written.
        answered: Whether the sender need not wait any longer.
    """

    decisions: Sequence[Decision]
    check: Check | None
    whole: bool
    outcomes: list[Outcome] = field(default_factory=list)
    error: Exception | None = None
    answered: bool = False


class Commits:
    """Senders waiting for the disk, and the one among them who writes for all.

    Args:
        write: Writes what several sent in one transaction and fills in their outcomes. An error
            means that nothing was written.
    """

    def __init__(self, write: Callable[[Sequence[Sent]], None]) -> None:
        self._write = write
        self._waiting: deque[Sent] = deque()
        self._turn = Lock()

    def send(self, sent: Sent) -> list[Outcome]:
        """Wait until it is written, by this thread or another; raises what kept it from being."""
        self._waiting.append(sent)
        with self._turn:
            if not sent.answered:
                batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
                # A writer that was interrupted took this one along and left it unanswered; to
                # write it again is harmless.
                mine = [] if any(one is sent for one in batch) else [sent]
                self._answer(mine + batch)
        if sent.error:
            raise sent.error
        return sent.outcomes

    def _answer(self, batch: Sequence[Sent]) -> None:
        try:
            self._write(batch)
        except Exception as error:
            # One sender's fault must not be another's; a fault of the database is everybody's.
            of_database = isinstance(error, ProductNetError)
            of_one = isinstance(error.__cause__, IntegrityError) or not of_database
            if of_one and len(batch) > 1:
                for sent in batch:
                    self._answer([sent])
                return
            for sent in batch:
                sent.error = error
        for sent in batch:
            sent.answered = True
