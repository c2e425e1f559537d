"""What a process has in memory of leaves, moved on pair by pair, and dropped when it gets too much.

Nothing here is safe between threads: whoever owns it has a lock.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sized
from typing import Generic, TypeVar

from productnet.annotation.read_models.sums import NO_PAIRS, Counts
from productnet.annotation.state import LeafProgress, Positives, Summary
from productnet.annotation.verdicts import PairState

_Value = TypeVar("_Value", bound=Sized)


class Kept(Generic[_Value]):
    """What was asked for lately, by name."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, _Value] = OrderedDict()

    def get(self, name: str) -> _Value | None:
        """What is kept of this name, which counts as asked for now."""
        found = self._values.get(name)
        if found is not None:
            self._values.move_to_end(name)
        return found

    def peek(self, name: str) -> _Value | None:
        """What is kept of this name, not asked for by anybody."""
        return self._values.get(name)

    def put(self, name: str, value: _Value, *, most: int) -> None:
        """Keep this, and of others no more than have ``most`` items together with it."""
        self._values[name] = value
        self._values.move_to_end(name)
        total = sum(map(len, self._values.values()))
        while total > most and len(self._values) > 1:
            total -= len(self._values.popitem(last=False)[1])

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()


class LeafCounts:
    """Counts of a leaf, its answers, and the time spent in it."""

    __slots__ = ("_progress", "answers", "begun", "counts", "seconds")

    def __init__(
        self, begun: int, answers: int = 0, seconds: float = 0.0, counts: Counts = NO_PAIRS
    ) -> None:
        self.begun = begun
        self.answers = answers
        self.seconds = seconds
        self.counts = counts
        self._progress: LeafProgress | None = None

    def answered(self, *, seconds: float, counts: bool) -> None:
        """A decision was recorded; not all count as answers."""
        self.answers += counts
        self.seconds += seconds
        self._progress = None

    def moved(self, before: PairState | None, now: PairState | None) -> None:
        """A pair stands elsewhere."""
        if before is not None:
            self.counts = self.counts.plus(Counts.of(before), -1)
        if now is not None:
            self.counts = self.counts.plus(Counts.of(now))
        self._progress = None

    def progress(self, less: Counts = NO_PAIRS) -> LeafProgress:
        """As people are told them; with ``less`` added where somebody may not know all."""
        if any(less):
            counts = self.counts.plus(less)
            return counts.progress(decisions=self.answers, seconds=self.seconds)
        if self._progress is None:
            self._progress = self.counts.progress(decisions=self.answers, seconds=self.seconds)
        return self._progress


class LeafPairs:
    """The decided pairs of a leaf; their order, and what follows of them, is made when asked."""

    __slots__ = ("_ordered", "_pairs", "_summary")

    def __init__(self, pairs: Iterable[tuple[str, PairState]] = ()) -> None:
        self._pairs = dict(pairs)
        self._ordered: dict[str, PairState] | None = None
        self._summary: Summary | None = None

    def __len__(self) -> int:
        return len(self._pairs)

    def get(self, product: str) -> PairState | None:
        """Where a pair stands."""
        return self._pairs.get(product)

    def move(self, product: str, pair: PairState | None) -> None:
        """A pair stands elsewhere, or nobody decides it any more."""
        if pair is None:
            self._pairs.pop(product, None)
        else:
            self._pairs[product] = pair
        self._ordered = self._summary = None

    def ordered(self) -> Mapping[str, PairState]:
        """By product, in the order of the log; not to be changed."""
        if self._ordered is None:
            self._ordered = dict(sorted(self._pairs.items(), key=lambda item: item[1].since))
        return self._ordered

    def summary(self) -> Summary:
        """What is asked of them again and again."""
        if self._summary is None:
            self._summary = Summary.of(self.ordered())
        return self._summary


class LeafPositives:
    """The positives of a leaf alone, for the pages of its siblings."""

    __slots__ = ("_found", "_since")

    def __init__(self, since: Mapping[str, tuple[int, bool]]) -> None:
        # By product, since which decision, and whether it is gold.
        self._since = dict(since)
        self._found: Positives | None = None

    def __len__(self) -> int:
        return len(self._since)

    def move(self, product: str, pair: PairState | None) -> None:
        """A pair of the leaf stands elsewhere."""
        if pair is not None and pair.verdict == "positive":
            self._since[product] = pair.since, pair.gold
        elif self._since.pop(product, None) is None:
            return
        self._found = None

    def positives(self) -> Positives:
        """In the order of the log."""
        if self._found is None:
            ordered = sorted(self._since, key=self._since.__getitem__)
            gold = tuple(product for product in ordered if self._since[product][1])
            self._found = Positives(tuple(ordered), gold)
        return self._found
