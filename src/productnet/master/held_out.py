"""What calibration knows: how the model judged gold that training did not see.

These facts are kept with the model. Thresholds, conformal quantiles and calibration errors are
computed from them, for whatever precision or coverage somebody wants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from productnet.errors import ModelError, UsageError

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

_DIGITS = 7


def check_share(value: float, what: str, *, such_as: float = 0.95) -> None:
    """Raise UsageError unless a share that is to be promised lies between 0 and 1."""
    if not 0 < value < 1:
        raise UsageError(
            f"{what} is a share between 0 and 1, both excluded, such as {such_as}; not {value}."
        )


@dataclass(frozen=True, slots=True)
class HeldOut:
    """M gold products, each judged by a network that had not seen it nor a copy of it.

    Of products that are near-duplicates of one another there is one: copies that are all right
    prove no more than one does.

    Attributes:
        truth: Number of each product's class.
        predicted: Number of the likeliest class.
        confidence: Its calibrated probability.
        of_truth: The calibrated probability of the true class.
        above: The probability of all classes likelier than the true one, together.
        rank: Place of the true class, from 1.
        raw: Confidence before calibration.
        known: How known each product looked (see ``master/novelty.py``); empty with one fold.
        unknown: The same of products whose leaf was hidden from training as a whole.
        unknown_leaf: Number of the leaf of each.
        folds: Parts that gold was cut into, each judged by a network of the others; 1 where a
            share was held out instead.
    """

    truth: tuple[int, ...]
    predicted: tuple[int, ...]
    confidence: tuple[float, ...]
    of_truth: tuple[float, ...]
    above: tuple[float, ...]
    rank: tuple[int, ...]
    raw: tuple[float, ...]
    known: tuple[float, ...]
    unknown: tuple[float, ...]
    unknown_leaf: tuple[int, ...]
    folds: int

    def __post_init__(self) -> None:
        lengths = {
            len(column)
            for column in (
                self.truth,
                self.predicted,
                self.confidence,
                self.of_truth,
                self.above,
                self.rank,
                self.raw,
            )
        }
        if len(lengths) != 1:
            raise ModelError(
                "The held-out products of this model are damaged: their columns have "
                f"{', '.join(map(str, sorted(lengths)))} entries. Train the model again."
            )

    def __len__(self) -> int:
        return len(self.truth)

    @classmethod
    def of(
        cls,
        probabilities: Floats,
        truth: Integers,
        *,
        raw: Floats,
        known: Floats,
        unknown: Floats,
        unknown_leaf: Integers,
        folds: int = 1,
    ) -> Self:
        """From calibrated probabilities.

        Args:
            probabilities: (M, K), calibrated.
            truth: (M,) number of the true class, 0 to K - 1.
            raw: (M,) confidence before calibration.
            known: (M,) how known each looked, or none.
            unknown: (U,) the same of products of hidden leaves.
            unknown_leaf: (U,) number of the leaf of each.
            folds: Parts that gold was cut into.
        """
        rows = np.arange(len(truth))
        of_truth = probabilities[rows, truth]  # (M,)
        likelier = probabilities > of_truth[:, None]  # (M, K)
        return cls(
            truth=tuple(truth.tolist()),
            predicted=tuple(probabilities.argmax(axis=1).tolist()),
            confidence=_rounded(probabilities.max(axis=1, initial=0.0)),
            of_truth=_rounded(of_truth),
            above=_rounded(np.where(likelier, probabilities, 0).sum(axis=1)),
            rank=tuple((likelier.sum(axis=1) + 1).tolist()),
            raw=_rounded(raw),
            known=_rounded(known),
            unknown=_rounded(unknown),
            unknown_leaf=tuple(unknown_leaf.tolist()),
            folds=folds,
        )

    @property
    def correct(self) -> Flags:
        """Whether each was classified rightly, (M,)."""
        return np.asarray(np.array(self.truth) == np.array(self.predicted), np.bool_)


def one_a_group(groups: Integers, classes: Integers) -> Integers:
    """The first row of each group and class, ascending: near-duplicates count once.

    Args:
        groups: (M,) number that near-duplicates share.
        classes: (M,) class of each.
    """
    pairs = np.stack([groups, classes], axis=1)
    return np.sort(np.unique(pairs, axis=0, return_index=True)[1])


def _rounded(values: Floats | Sequence[float]) -> tuple[float, ...]:
    """As JSON keeps them: seven digits, which is what float32 has."""
    return tuple(float(f"{value:.{_DIGITS}g}") for value in values)
