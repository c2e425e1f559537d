"""Classes: the categories a model tells apart, and which products of each are held out."""

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
    classes: np.ndarray,
    *,
    share: float,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """Rows to hold out: about this share of each class, whole groups, and never all of a class.

    A class with few products gives one or none, at random, so that the share holds over all
    classes together; a class with a single group gives none.

    Args:
        classes: (N,) class of each product.
        share: Between 0 and 1.
        rng: Decides which.
        groups: (N,) number that near-duplicates share; every product is its own when None.

    Returns:
        Rows in ascending order, (M,) int64; none if every class is too small.
    """
    held_out: list[np.ndarray] = []
    for members in _groups_by_class(classes, groups):
        sizes = np.array([len(rows) for rows in members])
        wanted = int(sizes.sum() * share + rng.random())
        order = rng.permutation(len(members))[: max(0, len(members) - 1)]
        # The group that passes the wanted count is left out.
        order = order[sizes[order].cumsum() <= wanted]
        held_out += [members[place] for place in order]
    return np.sort(np.concatenate(held_out)) if held_out else np.zeros(0, dtype=np.int64)


def deal_folds(
    classes: np.ndarray,
    *,
    folds: int,
    rng: np.random.Generator,
    groups: np.ndarray | None = None,
) -> np.ndarray:
    """The fold of each product, (N,) int64: whole groups, each class spread over the folds.

    -1 where the product stays in every training: a class with one group would be unknown to the
    model that is to judge it.

    Args:
        classes: (N,) class of each product.
        folds: How many, two at least.
        rng: Decides which.
        groups: (N,) number that near-duplicates share; every product is its own when None.
    """
    fold_of = np.full(len(classes), -1, dtype=np.int64)
    for members in _groups_by_class(classes, groups):
        if len(members) < 2:
            continue
        # Largest first to the emptiest fold, the folds in another order for each class: small
        # classes would all fill the first ones otherwise.
        filled, turn = np.zeros(folds), rng.permutation(folds)
        shuffled = [members[place] for place in rng.permutation(len(members))]
        for rows in sorted(shuffled, key=len, reverse=True):
            fold = int(turn[filled[turn].argmin()])
            filled[fold] += len(rows)
            fold_of[rows] = fold
    return fold_of


def _groups_by_class(classes: np.ndarray, groups: np.ndarray | None) -> list[list[np.ndarray]]:
    """The rows of each group that may be held out, by class.

    A group of several classes (copies that people labelled differently) is with its commonest;
    one that holds a class which is commonest nowhere is left out, for that class could lose all.
    """
    if groups is None:
        groups = np.arange(len(classes))
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order])) + 1
    parts = np.split(order, starts) if len(order) else []
    homes = [int(np.bincount(classes[rows]).argmax()) for rows in parts]
    members: dict[int, list[np.ndarray]] = {number: [] for number in sorted(set(homes))}
    for rows, home in zip(parts, homes, strict=True):
        if members.keys() >= set(classes[rows].tolist()):
            members[home].append(rows)
    return list(members.values())
