"""Deciding less and better: precision by coverage, and known products told from unknown ones."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from productnet.errors import UsageError
from productnet.evaluation.metrics import Flags, Floats, check_lengths

_POINTS = 60


@dataclass(frozen=True, slots=True)
class Selective:
    """What is right of the surest predictions.

    Attributes:
        coverage: Shares of the products that are decided, rising to 1.
        precision: Share of the decided that is right, at each.
        aurc: Area under the risk-coverage curve: the mean share of errors over all coverages
            (Geifman and El-Yaniv 2017); the less the better.
    """

    coverage: tuple[float, ...]
    precision: tuple[float, ...]
    aurc: float


@dataclass(frozen=True, slots=True)
class Separation:
    """How well products of known leaves are told from those of unknown ones.

    Attributes:
        auroc: Chance that a known product looks more known than an unknown one; .5 by chance.
        accepted_at_95: Share of the unknown that is taken where 95% of the known are.
        known: Products of known leaves.
        unknown: Products of unknown leaves.
    """

    auroc: float
    accepted_at_95: float
    known: int
    unknown: int


def selective(confidence: Floats, correct: Flags) -> Selective:
    """Precision of the surest predictions, from few to all.

    Args:
        confidence: (N,), higher is surer; of equal ones it counts that errors come first.
        correct: (N,) whether each is right.

    Raises:
        UsageError: There are no products, or the lengths differ.
    """
    check_lengths("confidences", confidence, "answers", correct)
    order = np.lexsort((correct, -confidence))
    counts = np.arange(1, len(order) + 1)
    precision = np.cumsum(correct[order]) / counts
    shown = np.unique(np.linspace(0, len(order) - 1, min(_POINTS, len(order))).astype(np.int64))
    return Selective(
        tuple((counts[shown] / len(order)).tolist()),
        tuple(precision[shown].tolist()),
        float((1 - precision).mean()),
    )


def separation(known: Floats, unknown: Floats) -> Separation:
    """How well a score tells known products (M,) from unknown ones (U,).

    Raises UsageError if there are none of either.
    """
    if not len(known) or not len(unknown):
        raise UsageError(
            f"Known products are told from unknown ones where there are both; there are "
            f"{len(known)} known and {len(unknown)} unknown."
        )
    ranks = rankdata(np.concatenate([known, unknown]))[: len(known)]
    above = ranks.sum() - len(known) * (len(known) + 1) / 2
    least = np.sort(known)[int(len(known) * 0.05)]
    return Separation(
        auroc=float(above / (len(known) * len(unknown))),
        accepted_at_95=float((np.asarray(unknown) >= least).mean()),
        known=len(known),
        unknown=len(unknown),
    )
