"""What came of the trials of one strategy on one pool, as figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.candidates.pools import Ground
from benchmarks.candidates.trials import Mask, Rows

Numbers = npt.NDArray[np.float64]

# What was shown in trials of one strategy, by seed and leaf.
Trials = Mapping[tuple[int, int], Rows]


def figures_of(
    ground: Ground, trials: Trials, *, checkpoints: Sequence[int], begun: int = 0
) -> dict[str, Any]:
    """Means over leaves, then over seeds, with the standard error over seeds.

    Over all leaves, and under ``rare`` over those with less than 2% of the pool (None without
    any). What is in the start, or shown before, is neither counted nor to be found.

    Args:
        ground: The pool.
        trials: Every leaf under every seed.
        checkpoints: Views after which is counted, the last being all.
        begun: Views at the head of the rows that went before.
    """
    seeds = sorted({seed for seed, _ in trials})
    leaves = sorted({leaf for _, leaf in trials})
    rare = [leaf for leaf in leaves if ground.rare[leaf]]
    counts = {
        trial: _count(ground, trial, rows, checkpoints, begun) for trial, rows in trials.items()
    }

    def means(kept: Sequence[int]) -> dict[str, Any]:
        return _means([[counts[seed, leaf] for leaf in kept] for seed in seeds], checkpoints)

    return {"seeds": len(seeds), **means(leaves), "rare": means(rare) if rare else None}


def curve_of(ground: Ground, trials: Trials, leaves: Mask | None = None) -> Numbers:
    """Positives found after 1, 2 ... views (V,), the mean over leaves and seeds."""
    kept = [
        np.cumsum(ground.bench.labels[rows] == leaf)
        for (_, leaf), rows in trials.items()
        if leaves is None or leaves[leaf]
    ]
    curve: Numbers = np.mean(kept, axis=0)
    return curve


@dataclass(frozen=True, slots=True)
class _Count:
    """One trial counted; by number of views (C,) where it is an array.

    Attributes:
        available: Positives there were to find.
        found: Positives found.
        hard: Negatives shown that belong to a sibling leaf.
        chance: Positives that chance finds on average.
        most: Positives that could be found at most.
        covered: Positives found and all their near-duplicates, but for those of the start: whoever
            shows one card for all copies is not worse off than who shows each.
        distinct: Positives found of which no near-duplicate, and none of the title, came before.
        cosine: Mean over pairs of them; NaN without any pair.
    """

    available: float
    found: Numbers
    hard: Numbers
    chance: Numbers
    most: Numbers
    covered: Numbers
    distinct: Numbers
    cosine: float


def _count(
    ground: Ground, trial: tuple[int, int], rows: Rows, checkpoints: Sequence[int], begun: int
) -> _Count:
    seed, leaf = trial
    before, after = rows[:begun], rows[begun:]
    labels = ground.bench.labels
    belongs = labels == leaf
    sibling = (labels >= 0) & ~belongs & (ground.parents[labels] == ground.parents[leaf])
    free = ~ground.bench.test[seed]
    known = np.concatenate([ground.bench.starts[trial], before])
    free[known] = False
    available = int((belongs & free).sum())
    views = np.minimum(checkpoints, int(free.sum()))

    def by_view(worth: npt.NDArray[np.int64] | Mask) -> Numbers:
        """The sum over what was shown (V,) until each checkpoint (C,)."""
        summed: Numbers = np.cumsum(worth, dtype=float)[views - 1]
        return summed

    hit = belongs[after]
    first_of_copies = hit & _first_of_each(np.where(hit, ground.copies[after], -1))
    first_of_group = hit & _first_of_each(np.where(hit, ground.groups[after], -1))
    copies = np.bincount(ground.copies[belongs & free], minlength=ground.copies.max() + 1)
    copies[ground.copies[known[belongs[known]]]] = 0
    return _Count(
        available=available,
        found=by_view(hit),
        hard=by_view(sibling[after]),
        chance=views * (available / free.sum()),  # the mean of a hypergeometric draw
        most=np.minimum(views, available).astype(float),
        covered=by_view(first_of_copies * copies[ground.copies[after]]),
        distinct=by_view(first_of_group),
        cosine=_mean_cosine(ground.bench.vectors[after[hit]]),
    )


def _means(counts: Sequence[Sequence[_Count]], checkpoints: Sequence[int]) -> dict[str, Any]:
    """Of trials by seed and leaf (S, L)."""

    def of(name: str) -> Numbers:
        """(S, L) or (S, L, C)."""
        return np.array([[getattr(count, name) for count in leaves] for leaves in counts], float)

    def by_view(by_seed: Numbers) -> dict[str, Any]:
        return {str(views): _mean(by_seed[:, c]) for c, views in enumerate(checkpoints)}

    chance = of("chance").sum(axis=1)  # (S, C)
    cosines = of("cosine")
    return {
        "leaves": len(counts[0]),
        "available": round(float(of("available").mean()), 2),
        "positives": by_view(of("found").mean(axis=1)),
        "by_chance": by_view(of("chance").mean(axis=1)),
        "times_chance": by_view(of("found").sum(axis=1) / chance),
        "most_times_chance": by_view(of("most").sum(axis=1) / chance),
        "hard_negatives": by_view(of("hard").mean(axis=1)),
        "with_copies": by_view(of("covered").mean(axis=1)),
        "distinct": by_view(of("distinct").mean(axis=1)),
        "cosine_among_positives": (
            None if np.isnan(cosines).all() else round(float(np.nanmean(cosines)), 3)
        ),
    }


def _mean(by_seed: Numbers) -> dict[str, float | None]:
    error = by_seed.std(ddof=1) / np.sqrt(len(by_seed)) if len(by_seed) > 1 else None
    return {
        "mean": round(float(by_seed.mean()), 3),
        "error": None if error is None else round(float(error), 3),
    }


def _first_of_each(numbers: npt.NDArray[np.int64]) -> Mask:
    """Where a number (V,) comes for the first time."""
    first = np.zeros(len(numbers), np.bool_)
    first[np.unique(numbers, return_index=True)[1]] = True
    return first


def _mean_cosine(vectors: npt.NDArray[np.float32]) -> float:
    """Of all pairs of rows (n, D), which have length one; NaN without any pair."""
    count = len(vectors)
    if count < 2:
        return np.nan
    total = float(np.square(vectors.sum(axis=0, dtype=np.float64)).sum())
    return (total - count) / (count * (count - 1))
