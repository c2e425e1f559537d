"""How far predicted numbers are from true ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import mean_absolute_error, r2_score

from productnet.errors import TrainingError


@dataclass(frozen=True, slots=True)
class NumberError:
    """The error of predicted numbers.

    Attributes:
        products: How many were measured.
        absolute: Mean absolute error, in the number's own unit.
        r2: Share of the variance that is predicted; None for fewer than two products.
    """

    products: int
    absolute: float
    r2: float | None


def number_error(said: np.ndarray, truth: Sequence[str]) -> NumberError:
    """The error of numbers (N,) against true ones as a feed writes them.

    Raises TrainingError for a true value that is no number.
    """
    known = []
    for text in truth:
        try:
            known.append(float(text))
        except ValueError:
            raise TrainingError(
                f'The true value "{text}" is no number, and the model predicts numbers. Name '
                "another column, or leave such rows out."
            ) from None
    r2 = float(r2_score(known, said)) if len(known) > 1 else None
    return NumberError(len(known), float(mean_absolute_error(known, said)), r2)
