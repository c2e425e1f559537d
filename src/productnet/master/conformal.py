"""Conformal sets: the categories a product may have, among which the true one is, with a stated
chance.

Split conformal prediction (Vovk et al. 2005; Angelopoulos and Bates 2021, *A Gentle Introduction to
Conformal Prediction*): a category is in the set when it is no stranger than the true ones of the
held-out products mostly were. The promise needs no trust in the model: of new products that are
like the held-out ones, the wanted share of the sets hold the truth.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from productnet.errors import UsageError
from productnet.master.held_out import Flags, Floats, HeldOut, Integers, check_share

# RAPS: what each place past the first costs (Angelopoulos et al. 2020, *Uncertainty Sets for Image
# Classifiers using Conformal Prediction*, section 2.3).
_FREE_RANKS = 1
_COST = 0.05

# Products of a leaf that its own quantile needs beyond the fewest possible: a quantile that rests
# on the one strangest product is as strange as that.
_SPARE = 2.0


class Strangeness(StrEnum):
    """How strange a category is for a product.

    ``lac``: one minus its probability (Sadinle et al. 2019): the smallest sets on the average,
    and empty ones where nothing is likely. ``aps``: the probability of all likelier categories
    (Romano et al. 2020, without the category's own share, of which they draw a part by chance):
    sets grow where the model is unsure, and always hold the likeliest. ``raps``: the same, and
    every place further down costs extra.
    """

    LAC = "lac"
    APS = "aps"
    RAPS = "raps"

    @classmethod
    def named(cls, name: str) -> "Strangeness":
        """The one of this name; raises UsageError with the known ones."""
        try:
            return cls(name)
        except ValueError:
            known = ", ".join(one.value for one in cls)
            raise UsageError(f'There are no sets of kind "{name}". Take {known}.') from None


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How strange a category may be to be in the set.

    Attributes:
        coverage: Chance that the true category is in the set.
        strangeness: What is measured.
        pooled: Over all leaves; infinite where products are too few to promise the coverage, so
            that every category is in the set.
        of_leaf: (K,) one a leaf: its own where it has the products, else that of all such leaves
            together. The pooled one for all, if the promise is about all products together.
        own: (K,) whether it is the leaf's own.
    """

    coverage: float
    strangeness: Strangeness
    pooled: float
    of_leaf: tuple[float, ...]
    own: tuple[bool, ...]

    def sets(self, probabilities: Floats) -> Flags:
        """Which categories are in each set, (N, K), from calibrated probabilities (N, K)."""
        strange = strangeness_of_all(probabilities, self.strangeness)
        return np.asarray(strange <= np.array(self.of_leaf), np.bool_)


def fit_quantiles(
    held_out: HeldOut,
    *,
    classes: int,
    coverage: float,
    strangeness: Strangeness = Strangeness.LAC,
    by_leaf: bool = False,
) -> Quantiles:
    """The quantiles that reach a coverage, from held-out products.

    Args:
        held_out: How the model judged them.
        classes: K.
        coverage: Wanted, between 0 and 1.
        strangeness: What is measured.
        by_leaf: Whether each leaf with enough products is promised the coverage by itself, and
            all the other leaves together; otherwise all products are, together.

    Raises:
        UsageError: The coverage is not between 0 and 1.
    """
    check_share(coverage, "The coverage of sets")
    strange = strangeness_of_truth(held_out, strangeness)
    pooled = conformal_quantile(strange, coverage)
    values, own = np.full(classes, pooled), np.zeros(classes, np.bool_)
    if by_leaf:
        truth = np.array(held_out.truth, np.int64)
        counts = np.bincount(truth, minlength=classes)
        own = counts >= _SPARE * fewest_for(coverage)
        thin = strange[~own[truth]]
        values[:] = conformal_quantile(thin, coverage)
        for leaf in np.flatnonzero(own):
            values[leaf] = conformal_quantile(strange[truth == leaf], coverage)
    return Quantiles(
        coverage, strangeness, pooled, tuple(values.tolist()), tuple(bool(one) for one in own)
    )


def conformal_quantile(strange: Floats, coverage: float) -> float:
    """The strangeness that a new product's truth exceeds with chance 1 - coverage at most.

    Infinite of fewer than ``fewest_for(coverage)`` held-out products.
    """
    # Of 0.9 * 10 floating point makes a little more than 9.
    place = math.ceil((len(strange) + 1) * coverage - 1e-9)
    return float(np.sort(strange)[place - 1]) if place <= len(strange) else math.inf


def fewest_for(coverage: float) -> int:
    """The fewest held-out products that can promise a coverage."""
    return math.ceil(coverage / (1 - coverage) - 1e-9)


def strangeness_of_truth(held_out: HeldOut, kind: Strangeness) -> Floats:
    """How strange the true category of each held-out product is, (M,)."""
    of_truth, above, rank = (
        np.array(column, np.float64)
        for column in (held_out.of_truth, held_out.above, held_out.rank)
    )
    return _strangeness(of_truth, above, rank, kind)


def strangeness_of_all(probabilities: Floats, kind: Strangeness) -> Floats:
    """How strange each category is for each product, (N, K), from probabilities (N, K)."""
    if kind is Strangeness.LAC:
        return _strangeness(probabilities, probabilities, probabilities, kind)
    order = np.argsort(-probabilities, axis=1, kind="stable")  # (N, K)
    sorted_ = np.take_along_axis(probabilities.astype(np.float64), order, axis=1)
    above, rank = np.empty_like(sorted_), np.empty_like(sorted_)
    before = np.zeros_like(sorted_)
    before[:, 1:] = np.cumsum(sorted_, axis=1)[:, :-1]
    np.put_along_axis(above, order, before, axis=1)
    places = np.broadcast_to(np.arange(1.0, probabilities.shape[1] + 1), order.shape)
    np.put_along_axis(rank, order, places, axis=1)
    return _strangeness(probabilities, above, rank, kind)


def mean_size(sets: Flags) -> float:
    """Categories a set on the average; sets (N, K)."""
    return float(sets.sum(axis=1).mean())


def names_of(sets: Flags, probabilities: Floats, classes: Sequence[str]) -> list[tuple[str, ...]]:
    """The categories of each set (N, K), the likeliest first."""
    order: Integers = np.argsort(-probabilities, axis=1, kind="stable")
    return [
        tuple(classes[number] for number in row if has[number])
        for row, has in zip(order.tolist(), sets, strict=True)
    ]


def _strangeness(of_one: Floats, above: Floats, rank: Floats, kind: Strangeness) -> Floats:
    if kind is Strangeness.LAC:
        return 1 - of_one.astype(np.float64)
    if kind is Strangeness.RAPS:
        return above + _COST * np.maximum(0, rank - _FREE_RANKS)
    return above
