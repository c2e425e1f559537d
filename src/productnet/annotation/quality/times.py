"""How long answers took, as counts in bins, so that a million of them take no more than a few.

A bin is a tenth of a second wide up to ten seconds, a second up to ten minutes, a minute beyond;
each also keeps the sum of what is in it. A bin holds its upper end, so that a pause of whole
seconds divides them exactly.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

_FINE, _COARSE = 10.0, 600.0
_FINE_BINS, _COARSE_BINS = 100, 690
_LAST = 65_535

# Bin, answers in it, seconds they took.
_PACKED = struct.Struct("<HId")


@dataclass(frozen=True, slots=True)
class Speed:
    """How long answers took.

    Attributes:
        timed: Answers whose time counts.
        median: Half of them took at most so many seconds, to the bin; None of nothing.
        p90: Nine of ten took at most so many.
        pauses: Answers left out because they took longer than a person looks at a product.
        untimed: Answers that came without a time.
    """

    timed: int
    median: float | None
    p90: float | None
    pauses: int
    untimed: int


class Times:
    """Seconds of answers; starts from what ``packed`` gave."""

    __slots__ = ("_bins",)

    def __init__(self, packed: bytes = b"") -> None:
        self._bins = {place: (count, sum) for place, count, sum in _PACKED.iter_unpack(packed)}

    def add(self, seconds: float) -> None:
        """Take in one answer."""
        place = _bin(seconds)
        count, sum = self._bins.get(place, (0, 0.0))
        self._bins[place] = count + 1, sum + seconds

    def merge(self, other: "Times") -> None:
        """Take in what another holds."""
        for place, (count, sum) in other._bins.items():
            mine, took = self._bins.get(place, (0, 0.0))
            self._bins[place] = mine + count, took + sum

    def packed(self) -> bytes:
        """As it is written to a database."""
        return b"".join(_PACKED.pack(place, *self._bins[place]) for place in sorted(self._bins))

    def counts(self) -> dict[int, int]:
        """Answers in each bin, whatever order they were taken in."""
        return {place: count for place, (count, _) in self._bins.items()}

    def total(self, *, pause: float) -> float:
        """Seconds of all answers that took at most ``pause``."""
        return sum(took for _, _, took in self._within(pause))

    def speed(self, *, pause: float, untimed: int) -> Speed:
        """What they come to, by nearest rank; those longer than ``pause`` are left out."""
        within = list(self._within(pause))
        timed = sum(count for _, count, _ in within)
        pauses = sum(count for count, _ in self._bins.values()) - timed
        if not timed:
            return Speed(0, None, None, pauses, untimed)
        return Speed(timed, _rank(within, timed, 0.5), _rank(within, timed, 0.9), pauses, untimed)

    def _within(self, pause: float) -> Iterator[tuple[int, int, float]]:
        for place in sorted(self._bins):
            if _upper(place) > pause:
                return
            yield (place, *self._bins[place])


def _rank(bins: list[tuple[int, int, float]], timed: int, share: float) -> float:
    """The mean of the bin in which this share of answers ends."""
    wanted = ceil(share * timed)
    for _, count, took in bins:
        wanted -= count
        if wanted <= 0:
            return took / count
    raise AssertionError("a share of answers lies among them")


def _bin(seconds: float) -> int:
    if seconds <= _FINE:
        return ceil(round(seconds * 10, 6))
    if seconds <= _COARSE:
        return _FINE_BINS - int(_FINE) + ceil(round(seconds, 6))
    return min(_COARSE_BINS - int(_COARSE / 60) + ceil(min(seconds / 60, _LAST)), _LAST)


def _upper(place: int) -> float:
    if place <= _FINE_BINS:
        return place / 10
    if place <= _COARSE_BINS:
        return float(place - _FINE_BINS + int(_FINE))
    return 60.0 * (place - _COARSE_BINS + int(_COARSE / 60))
