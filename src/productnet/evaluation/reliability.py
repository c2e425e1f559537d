"""How far confidence can be believed: calibration error, and what came true by what was claimed."""

from dataclasses import dataclass

import numpy as np

from productnet.errors import UsageError
from productnet.evaluation.metrics import Flags, Floats, Integers, check_lengths
from productnet.master.calibration import equal_mass_error

# Draws of the bootstrap, and what its interval leaves out on both sides together.
_DRAWS = 500
_OUTSIDE = 0.1


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of about equal confidence: what they claimed and what came true (0 to 1)."""

    lower: float
    upper: float
    confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far confidence can be believed.

    Attributes:
        ece: Expected calibration error, 0 (perfect) to 1, over bins of equally many predictions.
        bins: Bins of equal width that hold predictions, by rising confidence, to be drawn.
        interval: Of the error, 5% to 95% of bootstrap draws. With few products the error itself
            and its interval lean upward: bins miss by chance what they hit on the average.
        classwise: The same error of each class's probability, averaged over classes.
    """

    ece: float
    bins: tuple[ReliabilityBin, ...]
    interval: tuple[float, float] | None = None
    classwise: float | None = None


def calibration(
    confidence: Floats, correct: Flags, *, bins: int = 10, seed: int | None = None
) -> Calibration:
    """Expected calibration error and reliability bins (Guo et al. 2017, equation 3).

    The error is over bins of equal mass (Nixon et al. 2019, *Measuring Calibration in Deep
    Learning*): most predictions of a good model are near 1, and bins of equal width would leave
    them to one.

    Args:
        confidence: (N,) probability given to each prediction, 0 to 1.
        correct: (N,) whether it was right.
        bins: Number of bins.
        seed: Of the bootstrap; without one there is no interval.

    Raises:
        UsageError: There are no products, the lengths differ, or a confidence is outside 0 to 1.
    """
    check_lengths("confidences", confidence, "answers", correct)
    outside = ~((confidence >= 0) & (confidence <= 1 + 1e-6))
    if outside.any():
        raise UsageError(
            f"Calibration needs probabilities from 0 to 1; row {int(outside.argmax())} has "
            f"{confidence[outside][0]}. Scores that are not probabilities have no calibration."
        )
    place = np.clip((confidence * bins).astype(np.int64), 0, bins - 1)  # (N,)
    counts = np.bincount(place, minlength=bins)
    claimed = np.bincount(place, weights=confidence, minlength=bins)
    came_true = np.bincount(place, weights=correct, minlength=bins)
    filled = [
        ReliabilityBin(
            lower=index / bins,
            upper=(index + 1) / bins,
            confidence=float(claimed[index] / counts[index]),
            accuracy=float(came_true[index] / counts[index]),
            count=int(counts[index]),
        )
        for index in np.flatnonzero(counts)
    ]
    interval = None
    if seed is not None:
        rng = np.random.default_rng(seed)
        draws = []
        for _ in range(_DRAWS):
            drawn = rng.integers(0, len(confidence), len(confidence))
            draws.append(equal_mass_error(confidence[drawn], correct[drawn], bins=bins))
        low, high = np.quantile(draws, [_OUTSIDE / 2, 1 - _OUTSIDE / 2])
        interval = (float(low), float(high))
    return Calibration(
        equal_mass_error(confidence, correct, bins=bins), tuple(filled), interval=interval
    )


def classwise_error(probabilities: Floats, truth: Integers, *, bins: int = 10) -> float:
    """Expected calibration error of each class's probability, averaged (Kull et al. 2019).

    Args:
        probabilities: (N, K), calibrated.
        truth: (N,) columns, -1 for an unseen leaf.
        bins: Number of bins of equal mass.

    Raises:
        UsageError: There are no products, or the lengths differ.
    """
    check_lengths("rows of probabilities", probabilities, "true labels", truth)
    return float(
        np.mean(
            [
                equal_mass_error(column, truth == number, bins=bins)
                for number, column in enumerate(probabilities.T)
            ]
        )
    )


def untempered(probabilities: Floats, temperature: float) -> Floats:
    """What the probabilities were before a temperature divided their logits.

    Args:
        probabilities: (N, K) after it, of all the outputs there are or all but the last ("none").
        temperature: Above zero.
    """
    none = np.clip(1 - probabilities.sum(axis=1, keepdims=True), 0, 1)  # (N, 1)
    everything = np.concatenate([probabilities, none], axis=1).astype(np.float64)
    # A "none" of 1e-7 is what float32 sums leave over; no output gave it.
    everything[:, -1] = np.where(everything[:, -1] < 1e-5, 0, everything[:, -1])
    powers = np.power(everything, temperature)
    return np.asarray((powers / powers.sum(axis=1, keepdims=True))[:, :-1])
