"""How good predictions are: pure functions from scores, or from predicted leaves, to numbers.

Classes are columns of a score matrix, so truth is given as column numbers; ``truth_columns``
makes them from category ids. A product whose leaf the model never saw has column -1, and every
prediction for it is wrong.
"""

from collections.abc import Sequence, Sized
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from productnet.errors import UsageError

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]
Flags = npt.NDArray[np.bool_]

UNSEEN = -1


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Products of one leaf that were taken for another.

    Attributes:
        truth: Category id of the leaf they belong to.
        predicted: Category id of the leaf that was predicted.
        count: How many test products went this way.
        share: The same as a share of the true leaf's test products, 0 to 1.
        examples: Product ids, the most confident mistakes first.
    """

    truth: str
    predicted: str
    count: int
    share: float
    examples: tuple[str, ...]


def truth_columns(labels: Sequence[str], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """The column of each label in a score matrix over ``classes``; -1 for an unseen leaf.

    Returns:
        (N,) int64.
    """
    column = {category: index for index, category in enumerate(classes)}
    return np.array([column.get(label, UNSEEN) for label in labels], dtype=np.int64)


def truth_ranks(scores: Floats, truth: Integers) -> npt.NDArray[np.int64]:
    """Where the true class stands among all classes, best first.

    Ties count against the model: a true class that shares its score with others takes the last
    of their places, so that constant scores earn nothing.

    Args:
        scores: (N, K), higher is better.
        truth: (N,) columns, -1 where the true leaf is not among the K.

    Returns:
        (N,) int64 from 1 to K, and K + 1 for an unseen leaf.

    Raises:
        UsageError: The shapes disagree, a column is out of range, or a score is not a number.
    """
    _check_scores(scores, truth)
    seen = truth >= 0
    own = np.take_along_axis(scores, np.where(seen, truth, 0)[:, None], axis=1)  # (N, 1)
    ranks = (scores >= own).sum(axis=1)  # (N, K) -> (N,)
    ranks[~seen] = scores.shape[1] + 1
    return np.asarray(ranks, np.int64)


def top_k_accuracy(scores: Floats, truth: Integers, *, k: int) -> float:
    """Share of products whose true class is among the k best (paper table 1), 0 to 1.

    Args:
        scores: (N, K), higher is better.
        truth: (N,) columns, -1 for an unseen leaf.
        k: How many guesses are allowed, at least 1.

    Raises:
        UsageError: There are no products, k is below 1, or as for ``truth_ranks``.
    """
    if k < 1:
        raise UsageError(f"Top-k accuracy needs k of at least 1, not {k}.")
    return float(np.mean(truth_ranks(scores, truth) <= k))


def macro_f1(predicted: Integers, truth: Integers) -> float:
    """F1 averaged over the classes that occur in truth or prediction, each counting the same.

    Args:
        predicted: (N,) columns.
        truth: (N,) columns; -1 is a class of its own that is never predicted.

    Returns:
        0 to 1; a class never predicted rightly contributes 0.

    Raises:
        UsageError: There are no products, or the lengths differ.
    """
    check_lengths("predictions", predicted, "true labels", truth)
    _, codes = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    true, said = codes[: len(truth)], codes[len(truth) :]
    classes = int(codes.max()) + 1
    hits = np.bincount(true[true == said], minlength=classes)  # (C,)
    total = np.bincount(true, minlength=classes) + np.bincount(said, minlength=classes)  # (C,)
    return float(np.mean(2 * hits / total))


def confused_pairs(
    products: Sequence[str],
    truth: Sequence[str],
    predicted: Sequence[str],
    *,
    confidence: Floats | None = None,
    limit: int = 20,
    examples: int = 6,
) -> tuple[ConfusedPair, ...]:
    """The pairs of leaves most often confused, most frequent first.

    Args:
        products: N product ids.
        truth: N category ids.
        predicted: N category ids.
        confidence: (N,) score of each prediction; orders the examples. Order of ``products``
            when absent.
        limit: Most pairs returned.
        examples: Most products named of each pair.

    Raises:
        UsageError: There are no products, or the lengths differ.
    """
    check_lengths("predictions", predicted, "true labels", truth)
    check_lengths("products", products, "true labels", truth)
    true, said = np.asarray(truth, dtype=object), np.asarray(predicted, dtype=object)
    surest = np.arange(len(true)) if confidence is None else np.argsort(-confidence, kind="stable")
    wrong: dict[tuple[str, str], list[int]] = {}
    for row in surest[(true != said)[surest]].tolist():
        wrong.setdefault((true[row], said[row]), []).append(row)
    size_of = dict(zip(*np.unique(true.astype(str), return_counts=True), strict=True))
    ranked = sorted(wrong.items(), key=lambda item: (-len(item[1]), item[0]))
    return tuple(
        ConfusedPair(
            truth=pair[0],
            predicted=pair[1],
            count=len(rows),
            share=len(rows) / int(size_of[pair[0]]),
            examples=tuple(products[row] for row in rows[:examples]),
        )
        for pair, rows in ranked[:limit]
    )


def accuracy_by_level(
    truth: Sequence[tuple[str, ...]], predicted: Sequence[tuple[str, ...]]
) -> tuple[float, ...]:
    """Share of products predicted into the right category at each level of the tree.

    A leaf above the deepest level counts there by its whole path, so the figures never rise
    with depth and the last one is the accuracy over leaves.

    Args:
        truth: N category paths, root first.
        predicted: N category paths.

    Returns:
        One share (0 to 1) a level, the top level first.

    Raises:
        UsageError: There are no products, or the lengths differ.
    """
    check_lengths("predictions", predicted, "true labels", truth)
    depth = max(max(map(len, truth)), max(map(len, predicted)))
    pairs = list(zip(truth, predicted, strict=True))
    return tuple(
        sum(true[:level] == said[:level] for true, said in pairs) / len(pairs)
        for level in range(1, depth + 1)
    )


def check_lengths(first: str, a: Sized, second: str, b: Sized) -> None:
    """Raises UsageError where two columns differ in length, or there is nothing in them."""
    if len(a) != len(b):
        raise UsageError(f"There are {len(a)} {first} but {len(b)} {second}.")
    if not len(a):
        raise UsageError("There is nothing to evaluate: no test product was given.")


def _check_scores(scores: Floats, truth: Integers) -> None:
    if scores.ndim != 2:
        raise UsageError(f"Scores must be (products, classes); these have shape {scores.shape}.")
    check_lengths("rows of scores", scores, "true labels", truth)
    if truth.min() < UNSEEN or truth.max() >= scores.shape[1]:
        wrong = truth[(truth < UNSEEN) | (truth >= scores.shape[1])][0]
        raise UsageError(f"True column {wrong} is outside the {scores.shape[1]} scored classes.")
    if np.isnan(scores).any():
        row = int(np.isnan(scores).any(axis=1).argmax())
        raise UsageError(f"The scores of row {row} hold NaN; the model's output is broken.")
