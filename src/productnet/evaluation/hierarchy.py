"""How good predictions are as places in a tree: a sibling is a smaller mistake than a stranger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from productnet.errors import UsageError
from productnet.evaluation.metrics import check_lengths

Path = tuple[str, ...]

# Pairs of products that the rank correlation is measured on; its error is then below .003.
_PAIRS = 200_000


@dataclass(frozen=True, slots=True)
class LevelScores:
    """How one level of the tree was predicted (0 to 1).

    Attributes:
        level: 1 for the roots.
        accuracy: Share of products predicted into the right category of this level.
        precision: Of all categories predicted down to this level, the share that are right.
        recall: Of all true categories down to this level, the share that were predicted.
        f1: Their harmonic mean.
        products: Products whose true path reaches this level.
    """

    level: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    products: int


@dataclass(frozen=True, slots=True)
class Kinship:
    """How near one another the embedding puts products that are related by the tree.

    Attributes:
        same_leaf: Mean cosine of two products of one leaf; None where there are no such pairs.
        siblings: Of two leaves with the same parent.
        cousins: Of two leaves that share a category above their parents.
        strangers: Of leaves that share nothing.
        correlation: Spearman's, of the steps between two products in the tree and their cosine
            distance; 1 where every step away is a step away. None where all steps are the same.
        sibling_odds: Chance that a product of another leaf is nearer when it is of a sibling than
            when it is of a leaf that is none: .5 where siblings are like anything else.
        products: How many there were.
    """

    same_leaf: float | None
    siblings: float | None
    cousins: float | None
    strangers: float | None
    correlation: float | None
    sibling_odds: float | None
    products: int


def level_scores(truth: Sequence[Path], predicted: Sequence[Path]) -> tuple[LevelScores, ...]:
    """Accuracy and hierarchical precision, recall and F1 at each level, the top level first.

    Every path stands for itself and all categories above it, cut at the level (Kiritchenko et al.
    2005, *Functional Annotation of Genes Using Hierarchical Text Categorization*; micro-averaged).
    The last level's are the usual hierarchical figures.

    Args:
        truth: N paths, root first.
        predicted: N paths; an empty one predicts nothing, a short one stops early.

    Raises:
        UsageError: There are no products, the lengths differ, or a true path is empty.
    """
    check_lengths("predictions", predicted, "true labels", truth)
    if not all(truth):
        raise UsageError(
            f"The true path of row {list(truth).index(())} is empty; every product is somewhere."
        )
    depth = max(map(len, truth))
    shared = np.array([_shared(a, b) for a, b in zip(truth, predicted, strict=True)])  # (N,)
    said = np.array([len(path) for path in predicted])  # (N,)
    true = np.array([len(path) for path in truth])  # (N,)
    scores = []
    for level in range(1, depth + 1):
        hits = np.minimum(shared, level).sum()
        precision = float(hits / max(1, np.minimum(said, level).sum()))
        recall = float(hits / np.minimum(true, level).sum())
        # As ``accuracy_by_level``: a leaf above this level counts by its whole path.
        right = (np.minimum(true, level) == shared.clip(max=level)) & (
            np.minimum(said, level) == np.minimum(true, level)
        )
        scores.append(
            LevelScores(
                level=level,
                accuracy=float(right.mean()),
                precision=precision,
                recall=recall,
                f1=2 * precision * recall / (precision + recall) if hits else 0.0,
                products=int((true >= level).sum()),
            )
        )
    return tuple(scores)


def kinship(
    vectors: npt.NDArray[np.float32],
    leaves: Sequence[str],
    paths: Mapping[str, Path],
    *,
    seed: int,
) -> Kinship:
    """How the embedding keeps relatives near.

    Means are over all pairs of two different products; the two figures of rank are estimated on
    pairs drawn at random.

    Args:
        vectors: (N, D), of length one.
        leaves: N category ids.
        paths: Category id to path.
        seed: Of the pairs that are drawn.

    Raises:
        UsageError: There are fewer than two products, or the lengths differ.
    """
    check_lengths("vectors", vectors, "leaves", leaves)
    if len(vectors) < 2:
        raise UsageError("Nearness needs two products or more; there is one.")
    names, of_leaf = np.unique(np.asarray(leaves), return_inverse=True)
    common, lengths = _common([paths[name] for name in names.tolist()])  # (L, L), (L,)
    steps = lengths[:, None] + lengths - 2 * common
    kin = np.where(common > 0, _COUSIN, _STRANGER)
    kin[(common == lengths - 1) & (lengths[:, None] == lengths) & (lengths > 1)] = _SIBLING
    np.fill_diagonal(kin, _SAME)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, of_leaf, vectors.astype(np.float64))
    counts = np.bincount(of_leaf).astype(np.float64)
    dots = sums @ sums.T  # (L, L): the cosines of all pairs, summed
    np.fill_diagonal(dots, dots.diagonal() - counts)
    pairs = np.outer(counts, counts)
    np.fill_diagonal(pairs, counts * (counts - 1))

    def mean(kind: npt.NDArray[np.bool_]) -> float | None:
        return float(dots[kind].sum() / pairs[kind].sum()) if pairs[kind].sum() else None

    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(vectors), (2, _PAIRS))
    drawn = drawn[:, drawn[0] != drawn[1]]
    cosines = np.einsum("pd,pd->p", vectors[drawn[0]], vectors[drawn[1]])
    first, second = of_leaf[drawn[0]], of_leaf[drawn[1]]
    away = steps[first, second]
    differs = len(np.unique(away)) > 1 and len(np.unique(cosines)) > 1
    return Kinship(
        same_leaf=mean(kin == _SAME),
        siblings=mean(kin == _SIBLING),
        cousins=mean(kin == _COUSIN),
        strangers=mean(kin == _STRANGER),
        correlation=float(spearmanr(away, -cosines).statistic) if differs else None,
        sibling_odds=_odds(
            cosines[kin[first, second] == _SIBLING], cosines[kin[first, second] > _SIBLING]
        ),
        products=len(vectors),
    )


_SAME, _SIBLING, _COUSIN, _STRANGER = range(4)


def _common(paths: Sequence[Path]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How many names each two of L paths share from the root (L, L), and their lengths (L,)."""
    lengths = np.array([len(path) for path in paths], np.int64)
    common = np.zeros((len(paths), len(paths)), np.int64)
    for depth in range(1, int(lengths.max()) + 1):
        number: dict[Path, int] = {}
        codes = np.array([number.setdefault(path[:depth], len(number)) for path in paths])
        # A path that ends above this depth has no name here that another could share.
        long = lengths >= depth
        common += (codes[:, None] == codes) & long[:, None] & long
    return common, lengths


def _odds(nearer: npt.NDArray[np.float32], further: npt.NDArray[np.float32]) -> float | None:
    """Chance that one of the first is above one of the second (the area under the ROC curve)."""
    if not len(nearer) or not len(further):
        return None
    ranked = np.sort(further)
    below = np.searchsorted(ranked, nearer, side="left")
    ties = np.searchsorted(ranked, nearer, side="right") - below
    return float((below + ties / 2).mean() / len(ranked))


def _shared(a: Path, b: Path) -> int:
    """How many names two paths have in common, from the root."""
    return next(
        (place for place, (x, y) in enumerate(zip(a, b, strict=False)) if x != y),
        min(len(a), len(b)),
    )
