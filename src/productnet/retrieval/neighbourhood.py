"""Big pools: scoring confined to the neighbourhood of a leaf's positives, and a little by chance.

After SEALS (Coleman et al. 2020, "Similarity search for efficient active learning and search of
rare concepts"), which scores the union of the nearest products of all that is labelled. Ours is
around the positives alone: a place in it is worth more spent on further neighbours of a positive.
On masked fashion, 50 neighbours of each positive hold .84 of a page of the surest products and
.69 of one of the most ambiguous; 20 of each positive and of each negative, which are as many
products, .77 and .52. The negatives that confuse lie near positives, and sure ones everywhere.

What the neighbourhood cannot hold is a part of the leaf that looks like none of its positives.
Products by chance find such islands, and one positive there puts its neighbours in.
"""

import zlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from productnet.local.model import Floats, Rows
from productnet.local.training import LabelledRows

if TYPE_CHECKING:
    from productnet.retrieval.resources import Vectors

# Neighbours of each positive, while there are few positives; then fewer, so that the
# neighbourhood of a leaf stays within some 50 MB of vectors.
NEIGHBOURS = 500
_MOST_PRODUCTS = 50_000

# A neighbourhood with fewer undecided products than half of what one positive brings grows, up
# to so many neighbours of each.
MOST_NEIGHBOURS = 4_000

# Products scored by chance. Drawn anew from time to time only: reading them costs more than
# scoring them, and a page in the making should not lose its candidates at every decision.
OUTSIDE = 10_000
_DRAWN_ANEW = 20

# Neighbours kept in memory, 64 MB of them; and leaves whose vectors are.
_MOST_KEPT = 8_000_000
_MOST_LEAVES = 8


@dataclass(frozen=True, slots=True)
class Region:
    """The part of a big pool that is scored for a leaf.

    Attributes:
        rows: Rows (n,) of the embedding matrix, ascending; what is labelled is among them.
        vectors: Theirs (n, D).
        by_chance: Which of them (c,) were drawn from the whole pool.
    """

    rows: Rows
    vectors: Floats
    by_chance: Rows


class Neighbourhoods:
    """The neighbourhoods of leaves in one embedding set; safe to share between threads.

    The index is asked of each product once, so that a decision costs one query at most.

    Args:
        embeddings: Where the neighbours are.
        each: Neighbours of each positive, of a leaf with few.
        most: Neighbours of each where too few of them are undecided.
        outside: Products drawn by chance.
    """

    def __init__(
        self,
        embeddings: "Vectors",
        *,
        each: int = NEIGHBOURS,
        most: int = MOST_NEIGHBOURS,
        outside: int = OUTSIDE,
    ) -> None:
        self._embeddings = embeddings
        self._each = each
        self._most = most
        self._outside = outside
        self._lock = Lock()
        # Least recently used first: the k neighbours of a row, and the last region of a leaf.
        self._lists: OrderedDict[tuple[int, int], Rows] = OrderedDict()
        self._kept = 0
        self._regions: OrderedDict[str, tuple[Rows, Floats]] = OrderedDict()

    def region(self, leaf: str, labelled: LabelledRows, *, hidden: Rows, seed: int) -> Region:
        """What to score for a leaf; the same for the same decisions and seed.

        Args:
            leaf: Its id.
            labelled: What people said of it.
            hidden: Rows that will not be proposed; where few others are near, more are taken in.
            seed: Draws the products outside.
        """
        size = len(self._embeddings.ids)
        known = np.concatenate([labelled.positives, labelled.negatives])
        each = self._each
        while each > 1 and each * len(labelled.positives) > _MOST_PRODUCTS:
            each //= 2
        near = self.around(labelled.positives, each=each, hidden=hidden, fewest=self._each // 2)
        rng = np.random.default_rng([seed, zlib.crc32(leaf.encode()), len(known) // _DRAWN_ANEW])
        drawn = rng.choice(size, min(self._outside, size), replace=False)
        drawn = np.setdiff1d(drawn, known, assume_unique=True)
        rows = _union([near, known, drawn])
        return Region(rows, self._vectors(leaf, rows), np.searchsorted(rows, drawn))

    def around(self, positives: Rows, *, each: int, hidden: Rows, fewest: int) -> Rows:
        """The products (n,) nearest to each of these, ascending.

        Args:
            positives: Whose neighbours are wanted; one at least.
            each: How many of each.
            hidden: Rows that do not count.
            fewest: Products wanted beside them; ``each`` grows until so many are there.
        """
        while True:
            near = _union([positives, *self._neighbours(positives, each)])
            near = near[np.searchsorted(near, 0) :]
            left = len(near) - int(_contains(near, hidden).sum())
            if left >= fewest or each >= self._most:
                return near
            each = min(2 * each, self._most)

    def _neighbours(self, rows: Rows, each: int) -> list[Rows]:
        """The nearest products of each row, nearest first; -1 follows where fewer were found.

        Always the first ones of equally many: the index cuts through products at one distance
        elsewhere when asked for another number, and what was asked before must not matter.
        """
        k = min(max(each, self._each), len(self._embeddings.ids))
        keys = [(row, k) for row in rows.tolist()]
        with self._lock:
            lists = {key: self._lists[key] for key in keys if key in self._lists}
        new = [key for key in keys if key not in lists]
        if new:
            found = self._embeddings.neighbours(np.array(new)[:, 0], k=k)
            lists |= {key: neighbours.copy() for key, neighbours in zip(new, found, strict=True)}
        with self._lock:
            self._keep(lists)
        return [neighbours[:each] for neighbours in lists.values()]

    def _keep(self, lists: Mapping[tuple[int, int], Rows]) -> None:
        for key, neighbours in lists.items():
            self._kept += len(neighbours) - len(self._lists.pop(key, ()))
            self._lists[key] = neighbours
        while self._kept > _MOST_KEPT:
            self._kept -= len(self._lists.popitem(last=False)[1])

    def _vectors(self, leaf: str, rows: Rows) -> Floats:
        """Vectors (n, D) of a leaf's region; only what is new since its last one is read."""
        with self._lock:
            before = self._regions.get(leaf)
        if before is None:
            vectors = self._embeddings.read(rows)
        else:
            vectors = before[1].take(np.searchsorted(before[0], rows), axis=0, mode="clip")
            new = ~_contains(before[0], rows)
            vectors[new] = self._embeddings.read(rows[new])
        with self._lock:
            self._regions[leaf] = rows, vectors
            self._regions.move_to_end(leaf)
            if len(self._regions) > _MOST_LEAVES:
                self._regions.popitem(last=False)
        return vectors


def _union(parts: Sequence[Rows]) -> Rows:
    """Rows (n,) of any part, ascending; ``np.unique`` hashes, which takes ten times as long."""
    rows = np.sort(np.concatenate(parts))
    return rows[np.diff(rows, prepend=-2) > 0]


def _contains(ascending: Rows, rows: Rows) -> npt.NDArray[np.bool_]:
    """Which of these rows (n,) are among the others, of which there is one at least."""
    found: npt.NDArray[np.bool_] = (
        ascending.take(np.searchsorted(ascending, rows), mode="clip") == rows
    )
    return found
