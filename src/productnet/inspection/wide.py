"""Leaves that look like two: their halves are no more alike than different leaves are.

A leaf's gold is cut in two by 2-means over one part of it, and the halves are compared by the
other part, for any cloud has halves that lie apart in the very points that chose them. They are
held against pairs of siblings of this taxonomy, since how alike leaves are differs by project.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from productnet.embeddings.nearest import FloatArray, unit_rows
from productnet.inspection.flaws import MOST_PRODUCTS, Action, Flaw, Severity
from productnet.inspection.subject import Subject
from productnet.progress import Progress

# Fewer distinct products are no two kinds of anything; a half is this share at least.
_FEWEST = 20
_SMALLEST_HALF = 0.2

# Gold with which a leaf has a middle to be held against.
_FEWEST_OF_SIBLING = 5

# The squared length of a middle, below which vectors have none.
_SHORTEST = 0.01

# Pairs of siblings that halves are held against; without so many, each leaf and its nearest are.
_FEWEST_PAIRS = 10
_NEAREST = 3

# Of these pairs, the share that is less alike than the mark. At a half, 6% of fashion's leaves that
# nobody merged are told of, at a quarter 1.5%, and as many of merged ones.
_MARK = 0.25


@dataclass(frozen=True)
class _Halves:
    """A leaf cut in two: their likeness in products that did not choose them, and the products."""

    cosine: float
    products: tuple[list[str], list[str]]


def inspect(subject: Subject, progress: Progress) -> Iterator[Flaw]:
    """Leaves whose halves are less alike than most siblings are, the widest first."""
    sizable = [leaf for leaf, gold in subject.gold_of.items() if len(gold) >= _FEWEST]
    known = [leaf for leaf, gold in subject.gold_of.items() if len(gold) >= _FEWEST_OF_SIBLING]
    if len(known) < 2 or not sizable:
        return
    rng = np.random.default_rng(subject.project.settings.seed)
    mark = _siblings_cosine(subject, known)
    found: list[tuple[str, _Halves]] = []
    with progress.task("Cutting leaves in two", total=len(sizable)) as advance:
        for leaf in sizable:
            halves = _cut(subject, subject.gold_of[leaf], rng)
            if halves is not None and halves.cosine < mark:
                found.append((leaf, halves))
            advance(1)
    for leaf, halves in sorted(found, key=lambda item: item[1].cosine):
        yield _flaw(subject, leaf, halves, mark)


def _flaw(subject: Subject, leaf: str, halves: _Halves, mark: float) -> Flaw:
    one, other = halves.products
    each = MOST_PRODUCTS // 2
    name = subject.name(leaf)
    return Flaw(
        inspection="wide",
        kind="too wide",
        severity=Severity.NOTE,
        seen=f"{name} looks like two kinds, of {len(one)} and {len(other)} gold products, less "
        f"alike (cosine {halves.cosine:.2f}) than most siblings are ({mark:.2f}).",
        advice=f"Look at both halves. If {name} mixes two things that are used differently, split "
        "it in the next taxonomy; otherwise say in its guideline that both belong.",
        action=Action.SPLIT,
        leaves=(leaf,),
        products=(*one[:each], *other[:each]),
        count=len(one) + len(other),
        numbers={
            "cosine": round(halves.cosine, 4),
            "siblings": round(mark, 4),
            "smaller": min(len(one), len(other)),
        },
    )


def _siblings_cosine(subject: Subject, leaves: Sequence[str]) -> float:
    """How alike siblings are that are least alike: a quantile of their middles' cosines."""
    embeddings = subject.embeddings
    middles = {}
    for leaf in leaves:
        rows = embeddings.rows(subject.gold_of[leaf])
        if (rows >= 0).sum() > 1:
            middles[leaf] = _true_middle(embeddings.read(rows[rows >= 0]))
    if len(middles) < 2:
        return -1.0
    names = list(middles)
    vectors = np.stack(list(middles.values()))  # (K, D)
    cosines = vectors @ vectors.T
    above = np.unique(
        ["\n".join(subject.taxonomy[leaf].path[:-1]) for leaf in names], return_inverse=True
    )[1]
    related = cosines[np.triu(above[:, None] == above[None], 1)]
    if len(related) < _FEWEST_PAIRS:
        np.fill_diagonal(cosines, -np.inf)
        related = np.sort(cosines, axis=1)[:, -min(_NEAREST, len(names) - 1) :].reshape(-1)
    return float(np.quantile(related, _MARK))


def _cut(subject: Subject, gold: Sequence[str], rng: np.random.Generator) -> _Halves | None:
    """A leaf's gold in two; None where it has too few distinct products, or no two halves."""
    # One of each group of copies: ten pictures of one mug are no kind of mugs.
    distinct = list({subject.copies[product]: product for product in gold}.values())
    rows = subject.embeddings.rows(distinct)
    products = [product for product, row in zip(distinct, rows, strict=True) if row >= 0]
    if len(products) < _FEWEST:
        return None
    vectors = subject.embeddings.read(rows[rows >= 0])  # (n, D)
    order = rng.permutation(len(vectors))
    choosing, comparing = order[::2], order[1::2]
    middles = _two_middles(vectors[choosing], rng)
    side = (vectors @ middles.T).argmax(axis=1)  # (n,)
    compared = side[comparing]
    if min(np.mean(compared == 0), np.mean(compared == 1)) < _SMALLEST_HALF:
        return None
    one, other = (_true_middle(vectors[comparing[compared == half]]) for half in (0, 1))
    halves = tuple([products[row] for row in np.flatnonzero(side == half)] for half in (0, 1))
    return _Halves(float(one @ other), (halves[0], halves[1]))


def _two_middles(vectors: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The middles (2, D) of spherical 2-means, the best of a few starts."""
    best, best_fit = vectors[:2], -np.inf
    for _ in range(5):
        middles = vectors[rng.choice(len(vectors), 2, replace=False)]
        for _ in range(20):
            side = (vectors @ middles.T).argmax(axis=1)
            if len(np.unique(side)) < 2:
                break
            middles = np.stack([_middle(vectors[side == half]) for half in (0, 1)])
        fit = float((vectors @ middles.T).max(axis=1).sum())
        if fit > best_fit:
            best, best_fit = middles, fit
    return best


def _true_middle(vectors: FloatArray) -> FloatArray:
    """A middle (D,) scaled so that inner products of two are unbiased cosines.

    Of few vectors (n, D) the mean is too long by their scatter, and a cosine by its length would
    make any two small sets look unlike. The mean inner product of two different vectors is the
    squared length of the middle without it.
    """
    count, mean = len(vectors), vectors.mean(axis=0)
    squared = (count * float(mean @ mean) - 1) / (count - 1)
    scaled: FloatArray = mean / np.sqrt(max(squared, _SHORTEST))
    return scaled


def _middle(vectors: FloatArray) -> FloatArray:
    """The middle (D,) of vectors (n, D), of length one."""
    middle: FloatArray = unit_rows(vectors.mean(axis=0, keepdims=True))[0]
    return middle
