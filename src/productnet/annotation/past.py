"""The log as it was: everything up to a sequence number or a moment, and nothing after."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from typing import Protocol

from productnet.annotation.decisions import Decision
from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.errors import UsageError

# Decisions taken into the state at a time.
_CHUNK = 5_000


class ReadableLog(Protocol):
    """What projections of a log read of it."""

    def since(self, seq: int = 0) -> Iterator[tuple[int, Decision]]:
        """Sequence number and decision of everything after ``seq``."""
        ...

    def state(self) -> State:
        """The state of all pairs."""
        ...


class PastLog:
    """A log up to a sequence number; what came after is never seen.

    Attributes:
        seq: The last sequence number in it; 0 of an empty log.
    """

    def __init__(self, log: DecisionLog, *, until: int) -> None:
        self._log = log
        self._until = until
        self._state = State()
        chunk: list[tuple[int, Decision]] = []
        for numbered in self.since():
            chunk.append(numbered)
            if len(chunk) == _CHUNK:
                self._state.apply(chunk)
                chunk = []
        self._state.apply(chunk)
        self.seq = self._state.seq

    def since(self, seq: int = 0) -> Iterator[tuple[int, Decision]]:
        """Sequence number and decision of everything after ``seq``, a chunk in memory at a time."""
        return takewhile(lambda numbered: numbered[0] <= self._until, self._log.since(seq))

    def state(self) -> State:
        """The state of all pairs then."""
        return self._state


def parse_moment(text: str) -> int | datetime:
    """A sequence number, or a time in ISO 8601, which is UTC unless it says otherwise.

    Raises UsageError for anything else.
    """
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f'"{text}" is neither a sequence number of the log, such as 1204, nor a time, such as '
            "2026-01-31T18:00."
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def sequence_at(log: DecisionLog, moment: int | datetime | None) -> int:
    """The last sequence number of the log at that moment.

    A time means the log before the first decision that was taken after it. Answers that wait in a
    browser arrive late, so what was there at that time may be less; a sequence number is exact.

    Args:
        log: The whole log.
        moment: A sequence number, a time, or None for now.

    Raises:
        UsageError: The log does not reach so far, or nothing was decided until then.
    """
    newest = log.newest()
    if moment is None:
        return newest
    if isinstance(moment, int):
        if not 0 < moment <= newest:
            raise UsageError(
                f"The log ends at sequence number {newest}, so there is no state as of {moment}."
            )
        return moment
    last = 0
    for seq, decision in log.since():
        if decision.at > moment:
            break
        last = seq
    if not last:
        raise UsageError(f"Nothing was decided until {moment.isoformat()}. Name a later time.")
    return last
