"""What finding positives costs: candidates looked at, time, and what chance alone would take."""

from bisect import bisect_right
from collections.abc import Sequence

from productnet.errors import UsageError
from productnet.settings import CostSettings


def found_after(hits: Sequence[int], views: int) -> int:
    """Positives among the first so many candidates.

    Args:
        hits: Which candidates were positives, counted from 1, rising.
        views: How many were looked at.
    """
    return bisect_right(hits, views)


def views_needed(hits: Sequence[int], wanted: int) -> int | None:
    """Candidates looked at until so many positives were found; None where they never were.

    Args:
        hits: Which candidates were positives, counted from 1, rising.
        wanted: Positives wanted.
    """
    if not wanted:
        return 0
    return hits[wanted - 1] if wanted <= len(hits) else None


def work_seconds(views: float, positives: float, *, cost: CostSettings) -> float:
    """Time of people: one looks at every candidate, another once more at every positive."""
    return views * cost.label_seconds + positives * cost.audit_seconds


def random_views(wanted: int, *, positives: int, pool: int) -> float:
    """Products a person would have to look at, at random, to find so many positives.

    Expected draws without replacement until the k-th success, k (N + 1) / (P + 1), the mean of
    the negative hypergeometric distribution.

    Args:
        wanted: Positives wanted, k.
        positives: How many the pool holds, P.
        pool: Products in the pool, N.

    Raises:
        UsageError: More are wanted than the pool holds.
    """
    if not 0 <= wanted <= positives <= pool:
        raise UsageError(
            f"{wanted} positives cannot be found among {positives} in a pool of {pool}."
        )
    return wanted * (pool + 1) / (positives + 1)


def random_found(views: int, *, positives: int, pool: int) -> float:
    """Positives that so many products drawn at random hold on average, n P / N.

    The mean of the hypergeometric distribution; all of them once the pool is exhausted.

    Args:
        views: Products drawn without replacement, n.
        positives: How many the pool holds, P.
        pool: Products in the pool, N, at least one.
    """
    return min(views, pool) * positives / pool
