"""Thresholds for a wanted precision: which predictions are sure enough to be acted upon.

A threshold is *certified* when held-out products show, at a stated risk, that of the predictions
it accepts at least the wanted share are right: Clopper and Pearson's lower bound reaches it, and
thresholds are tried in an order that the answers had no part in, so that trying many costs nothing
(fixed-sequence testing; Angelopoulos et al. 2021, *Learn then Test*, section 2.3). Certifying 99%
takes 230 held-out predictions without an error at a risk of .1. No leaf of a few dozen products
has them, so:

- all leaves together get a pooled threshold;
- a leaf with enough held-out predictions gets its own, lower or higher;
- another leaf takes the pooled one, raised until its own errors no longer speak against it.

Where even the pool is too small to certify anything, the pooled threshold is an estimate, and says
so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import beta, binom, poisson

from productnet.errors import UsageError
from productnet.master.held_out import Flags, Floats, Integers, check_share

# Chance that a certified precision is not reached after all.
RISK = 0.1

# Products' worth of weight that the model's own claim has in an estimate.
_CLAIM = 10.0

# Thresholds tried at most: finer steps would change coverage by less than 2%.
_STEPS = 60

NEVER = float("inf")


class Basis(StrEnum):
    """Where a leaf's threshold comes from."""

    OWN = "own"
    POOLED = "pooled"
    RAISED = "raised"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least confidence at which a prediction of each leaf is taken.

    Attributes:
        precision: Share of the accepted predictions that should be right.
        risk: Chance that a certified threshold does not reach it.
        certified: Whether the pooled threshold is certified; an estimate otherwise.
        pooled: Of all leaves together; infinite where nothing is sure enough.
        of_leaf: (K,) one a leaf; infinite where none of its predictions is taken.
        basis: (K,) where each comes from.
        coverage: Share of held-out products whose prediction is taken.
        coverage_of_leaf: (K,) the same of the products of each leaf; None where none was held out.
        held_out: Products that all this rests on.
        right: Share of the taken held-out predictions that were right; None where none is taken.
    """

    precision: float
    risk: float
    certified: bool
    pooled: float
    of_leaf: tuple[float, ...]
    basis: tuple[Basis, ...]
    coverage: float
    coverage_of_leaf: tuple[float | None, ...]
    held_out: int
    right: float | None

    def takes(self, predicted: Integers, confidence: Floats) -> Flags:
        """Which predictions are sure enough: numbers of leaves (N,), calibrated (N,) -> (N,)."""
        return np.asarray(confidence >= np.array(self.of_leaf)[predicted], np.bool_)


def choose_thresholds(
    truth: Sequence[int] | Integers,
    predicted: Sequence[int] | Integers,
    confidence: Sequence[float] | Floats,
    *,
    classes: int,
    precision: float,
    risk: float = RISK,
) -> Thresholds:
    """The thresholds that reach a precision, from held-out predictions.

    Args:
        truth: (M,) number of the true class.
        predicted: (M,) number of the predicted class.
        confidence: (M,) calibrated probability of the prediction.
        classes: K.
        precision: Wanted, between 0 and 1.
        risk: Chance, between 0 and 1, that a certified threshold does not reach it.

    Raises:
        UsageError: A number is out of range, or the lengths differ.
    """
    check_share(precision, "A wanted precision")
    check_share(risk, "The risk")
    true, said, sure = np.asarray(truth), np.asarray(predicted), np.asarray(confidence, float)
    if not len(true) == len(said) == len(sure):
        raise UsageError(
            f"There are {len(true)} true classes, {len(said)} predictions and {len(sure)} "
            "confidences; each held-out product has one of each."
        )
    right = true == said
    found = certified_threshold(sure, right, precision=precision, risk=risk)
    pooled = estimated_threshold(sure, right, precision=precision) if found is None else found
    values, basis = np.full(classes, pooled), [Basis.POOLED] * classes
    for leaf in range(classes):
        own = said == leaf
        certain = certified_threshold(sure[own], right[own], precision=precision, risk=risk)
        if certain is not None:
            values[leaf], basis[leaf] = certain, Basis.OWN
            continue
        values[leaf] = _raised(sure[own], right[own], pooled, precision=precision, risk=risk)
        if values[leaf] > pooled:
            basis[leaf] = Basis.RAISED
    taken = sure >= values[said] if len(said) else np.zeros(0, np.bool_)
    return Thresholds(
        precision=precision,
        risk=risk,
        certified=found is not None,
        pooled=pooled,
        of_leaf=tuple(values.tolist()),
        basis=tuple(basis),
        coverage=float(taken.mean()) if len(taken) else 0.0,
        coverage_of_leaf=tuple(
            float(taken[true == leaf].mean()) if (true == leaf).any() else None
            for leaf in range(classes)
        ),
        held_out=len(true),
        right=float(right[taken].mean()) if taken.any() else None,
    )


def precision_bound(right: int, count: int, *, risk: float = RISK) -> float:
    """The precision that ``right`` of ``count`` show, but for a chance of ``risk``, 0 to 1.

    Clopper and Pearson 1934, *The use of confidence or fiducial limits*, one-sided.
    """
    return float(beta.ppf(risk, right, count - right + 1)) if right else 0.0


def certified_threshold(
    confidence: Floats, right: Flags, *, precision: float, risk: float = RISK
) -> float | None:
    """The lowest threshold at which the precision is certain but for the risk; None without one.

    The first threshold tried is the one likeliest to pass if confidence means what it says, the
    next ones accept more and more; the last before one fails is taken. Labels have no part in
    that order, so the risk is that of a single test.

    Args:
        confidence: (M,) of held-out predictions.
        right: (M,) whether each came true.
        precision: Wanted, 0 to 1.
        risk: Chance that it is not reached, 0 to 1.
    """
    sure, counts, errors = _accepted(confidence, right)
    if not len(counts):
        return None
    # The most errors at which the binomial test still rejects; -1 where not even none is enough.
    allowed = binom.ppf(risk, counts, 1 - precision) - 1  # (T,)
    expected = np.cumsum(1 - np.sort(confidence)[::-1])[counts - 1]
    power = np.where(allowed >= 0, poisson.cdf(allowed, expected), 0.0)
    if power.max() <= 0:
        return None
    first = int(power.argmax())
    passed = errors[first:] <= allowed[first:]
    if not passed[0]:
        return None
    last = first + int(np.argmin(np.append(passed, False))) - 1
    return float(sure[last])


def estimated_threshold(confidence: Floats, right: Flags, *, precision: float) -> float:
    """The threshold whose precision, as seen and as claimed, is best thought to reach the wanted.

    For too few products to be certain of anything. Infinite where none seems sure enough.
    """
    sure, counts, errors = _accepted(confidence, right)
    if not len(counts):
        return NEVER
    claimed = np.cumsum(np.sort(confidence)[::-1])[counts - 1] / counts
    estimate = (counts - errors + _CLAIM * claimed) / (counts + _CLAIM)
    enough = np.flatnonzero(estimate >= precision)
    return float(sure[enough[-1]]) if len(enough) else NEVER


def _raised(
    confidence: Floats, right: Flags, pooled: float, *, precision: float, risk: float
) -> float:
    """The pooled threshold, or the next that a leaf's own errors do not speak against."""
    sure, counts, errors = _accepted(confidence, right, steps=None)
    open_to = np.flatnonzero(sure >= pooled)
    if not len(open_to):
        return pooled
    # So many errors and more would be this unlikely if the precision were reached.
    plausible = binom.sf(errors - 1, counts, 1 - precision) >= risk
    if plausible[open_to[-1]]:
        return pooled
    left = open_to[plausible[open_to]]
    return float(sure[left[-1]]) if len(left) else NEVER


def _accepted(
    confidence: Floats, right: Flags, *, steps: int | None = _STEPS
) -> tuple[Floats, Integers, Integers]:
    """Thresholds (T,), falling, with how many predictions each accepts, and how many are wrong."""
    order: Integers = np.argsort(-confidence, kind="stable")
    sorted_ = confidence[order]
    ends = np.flatnonzero(np.append(sorted_[:-1] > sorted_[1:], True)) if len(order) else order
    if steps is not None and len(ends) > steps:
        places = np.unique(np.geomspace(1, len(ends), steps).astype(np.int64) - 1)
        ends = ends[places]
    errors = np.cumsum(~right[order]).astype(np.int64)
    return sorted_[ends], ends + 1, errors[ends]
