"""Classes: the categories a model tells apart, and the share of each that is held out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from productnet.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Classes:
    """The categories of a model, in the order of its outputs."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, labels: Sequence[str]) -> "Classes":
        """The categories among these labels; raises TrainingError if there are fewer than two."""
        if not labels:
            raise TrainingError("There are no labelled products to train on.")
        names = tuple(sorted(set(labels)))
        if len(names) < 2:
            raise TrainingError(
                f'All {len(labels)} products are labelled "{names[0]}". A model needs two or '
                "more categories to tell apart."
            )
        return cls(names)

    def numbers(self, labels: Sequence[str]) -> np.ndarray:
        """Each label's place in the order, (N,) int64; raises TrainingError if one is new."""
        places = {name: place for place, name in enumerate(self.names)}
        for label in labels:
            if label not in places:
                raise TrainingError(
                    f'No training product is labelled "{label}", but a validation product is.'
                )
        return np.array([places[label] for label in labels], dtype=np.int64)


def stratified_holdout(
    classes: np.ndarray, *, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Rows to hold out: about this share of each class, and never all of one.

    A class with few products gives one or none, at random, so that the share holds over all
    classes together; a class with a single product gives none.

    Args:
        classes: (N,) class of each product.
        share: Between 0 and 1.
        rng: Decides which.

    Returns:
        Rows in ascending order, (M,) int64; none if every class is too small.
    """
    held_out: list[np.ndarray] = []
    for number in np.unique(classes):
        rows = np.flatnonzero(classes == number)
        count = min(int(len(rows) * share + rng.random()), len(rows) - 1)
        held_out.append(rng.permutation(rows)[:count])
    return np.sort(np.concatenate(held_out))
