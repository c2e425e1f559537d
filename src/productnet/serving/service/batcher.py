"""Dynamic batching: what many ask at once is computed together, by one thread, in bounded time.

An item waits a few milliseconds for company and no longer, and not at all behind a batch that
runs: those who came meanwhile are the next one. There are two lanes. ``quick`` items are somebody
waiting for one answer. ``bulk`` items are lists and streams: they take what room a batch has left,
a quarter of it at least, so that neither lane starves the other. What could not be answered within
the patience that its lane is promised is refused at once.

Memory is bounded: at most ``room`` items wait.
"""

import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from threading import Condition, Thread
from typing import Generic, TypeAlias, TypeVar

from productnet.errors import Overloaded, ServiceClosed

Item = TypeVar("Item")
Result = TypeVar("Result")

# What came of each item: its result, or why there is none.
Outcome: TypeAlias = Result | Exception

# Seconds an item is taken to need before any was computed.
_FIRST_GUESS = 0.005

# Weight of the latest batch in what an item is taken to need.
_LATEST = 0.2

# Share of a batch that bulk items get however many quick ones wait.
_BULK_SHARE = 4

# Items in a batch at least, where so many wait and each takes long.
_LEAST = 4

# Longest wait that is told to whoever is refused, in seconds.
_LONGEST_WAIT = 60


class Lane(StrEnum):
    """Who is waiting: somebody for one answer, or a list or stream for many."""

    QUICK = "quick"
    BULK = "bulk"


# Seconds within which items of each lane are promised to be answered.
PATIENCE = {Lane.QUICK: 0.3, Lane.BULK: 10.0}


@dataclass(eq=False, slots=True)
class _Asked(Generic[Item, Result]):
    """Items that were submitted together, and what has come of them."""

    items: Sequence[Item]
    key: Hashable
    at: float
    future: "Future[list[Outcome[Result]]]" = field(default_factory=Future)
    outcomes: "list[Outcome[Result] | None]" = field(default_factory=list)
    taken: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        self.left = len(self.items)
        self.outcomes = [None] * self.left


class Batcher(Generic[Item, Result]):
    """Joins items of many callers into batches.

    Args:
        work: Computes a batch of one key: a result an item, or an exception in its place. Where it
            raises, each item is tried by itself, so that only those at fault have none.
        most: Items in a batch, at most.
        wait: Seconds that an item waits for company.
        patience: Seconds within which items are promised to be answered, by lane.
        room: Items that may wait, over both lanes.
        told: Hears of every batch: its items, and the seconds it took.
    """

    def __init__(
        self,
        work: Callable[[Hashable, list[Item]], Sequence[Outcome[Result]]],
        *,
        most: int = 32,
        wait: float = 0.003,
        patience: Mapping[Lane, float] | None = None,
        room: int = 4_096,
        told: Callable[[int, float], None] | None = None,
    ) -> None:
        self._work = work
        self._most = most
        self._wait = wait
        self._patience = PATIENCE | dict(patience or {})
        self._room = room
        self._told = told
        self._lanes: dict[Lane, deque[_Asked[Item, Result]]] = {lane: deque() for lane in Lane}
        self._waiting = dict.fromkeys(Lane, 0)
        self._running = 0
        self._began = 0.0
        self._seconds = _FIRST_GUESS
        self._closed = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name="batches", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> dict[Lane, int]:
        """Items that wait, by lane."""
        return dict(self._waiting)

    @property
    def seconds_an_item(self) -> float:
        """What an item took lately, batched as it was."""
        return self._seconds

    def submit(
        self, items: Sequence[Item], *, key: Hashable = None, lane: Lane = Lane.QUICK
    ) -> "Future[list[Outcome[Result]]]":
        """Have items computed; the future gives an outcome each, and never raises of its own.

        Cancelled before its items are taken, they are not computed.

        Args:
            items: One or more, which may end up in several batches.
            key: Only items of one key share a batch.
            lane: Who is waiting for them.

        Raises:
            Overloaded: They could not be answered in time, or there is no room for them.
            ServiceClosed: The batcher was closed.
        """
        asked: _Asked[Item, Result] = _Asked(items, key, time.monotonic())
        if not items:
            asked.future.set_result([])
            return asked.future
        with self._changed:
            if self._closed:
                raise ServiceClosed("The service is closing down. Ask again in a few seconds.")
            self._check_room(len(items), lane)
            self._lanes[lane].append(asked)
            self._waiting[lane] += len(items)
            self._changed.notify()
        return asked.future

    def has_room(self, lane: Lane) -> bool:
        """Whether one more item would be taken now."""
        with self._changed:
            return self._refusal(1, lane) is None

    def is_alive(self) -> bool:
        """Whether items are being computed."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Compute what waits, and take no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _check_room(self, count: int, lane: Lane) -> None:
        wait = self._refusal(count, lane)
        if wait is not None:
            raise Overloaded(
                f"{sum(self._waiting.values()):,} products wait already, and {count:,} more could "
                f"not be answered in time. Ask again in {wait} s.",
                wait=wait,
            )

    def _refusal(self, count: int, lane: Lane) -> int | None:
        """Seconds to come back after; None where these items may come in."""
        ahead = sum(self._waiting.values()) if lane is Lane.BULK else self._waiting[Lane.QUICK]
        wait = ahead * self._seconds
        if self._running:
            wait += max(0.0, self._began + self._running * self._seconds - time.monotonic())
        # Whoever finds nobody waiting waits for the end of a batch, and is not refused for that.
        in_time = not ahead or wait <= self._patience[lane]
        if in_time and sum(self._waiting.values()) + count <= self._room:
            return None
        return min(_LONGEST_WAIT, max(1, ceil(wait)))

    def _run(self) -> None:
        while batch := self._next():
            key = batch[0][0].key
            outcomes = self._compute(key, [asked.items[place] for asked, place in batch])
            took = time.monotonic() - self._began
            with self._changed:
                self._running = 0
                self._seconds += _LATEST * (took / len(batch) - self._seconds)
            for (asked, place), outcome in zip(batch, outcomes, strict=True):
                asked.outcomes[place] = outcome
                asked.left -= 1
                if not asked.left:
                    done = [one for one in asked.outcomes if one is not None]
                    asked.future.set_result(done)
            if self._told is not None:
                self._told(len(batch), took)

    def _compute(self, key: Hashable, items: list[Item]) -> Sequence[Outcome[Result]]:
        try:
            return self._work(key, items)
        except Exception as error:
            # Whatever it is, this thread answers everybody else for as long as the service lives.
            if len(items) == 1:
                return [error]
        return [self._compute(key, [item])[0] for item in items]

    def _next(self) -> list[tuple[_Asked[Item, Result], int]]:
        """The items of the next batch; none when the batcher is closed and nothing waits."""
        with self._changed:
            while not (batch := self._taken()):
                if self._closed and not any(self._lanes.values()):
                    return []
                oldest = min((lane[0].at for lane in self._lanes.values() if lane), default=None)
                left = None if oldest is None else oldest + self._wait - time.monotonic()
                if left is None or left > 0:
                    self._changed.wait(left)
            self._running = len(batch)
            self._began = time.monotonic()
            return batch

    def _taken(self) -> list[tuple[_Asked[Item, Result], int]]:
        """A batch, if there is a full one or somebody has waited long enough."""
        heads = [lane[0] for lane in self._lanes.values() if lane]
        if not heads:
            return []
        oldest = min(heads, key=lambda asked: asked.at)
        most = self._most
        if self._waiting[Lane.QUICK]:
            # Who comes while it runs waits for its end, and must not be refused for that alone.
            in_time = int(self._patience[Lane.QUICK] / 2 / self._seconds)
            most = min(most, max(_LEAST, in_time))
        full = sum(self._waiting.values()) >= most
        if not (full or self._closed or time.monotonic() >= oldest.at + self._wait):
            return []
        batch: list[tuple[_Asked[Item, Result], int]] = []
        kept_for_bulk = min(self._waiting[Lane.BULK], most // _BULK_SHARE)
        self._take(Lane.QUICK, oldest.key, most - kept_for_bulk, batch)
        self._take(Lane.BULK, oldest.key, most, batch)
        self._take(Lane.QUICK, oldest.key, most, batch)
        return batch

    def _take(
        self,
        lane: Lane,
        key: Hashable,
        most: int,
        batch: list[tuple[_Asked[Item, Result], int]],
    ) -> None:
        queue = self._lanes[lane]
        while queue and queue[0].key == key and len(batch) < most:
            asked = queue[0]
            if not asked.taken and not asked.future.set_running_or_notify_cancel():
                queue.popleft()
                self._waiting[lane] -= len(asked.items)
                continue
            count = min(most - len(batch), len(asked.items) - asked.taken)
            batch += [(asked, asked.taken + number) for number in range(count)]
            asked.taken += count
            self._waiting[lane] -= count
            if asked.taken == len(asked.items):
                queue.popleft()
