"""What a model's promises are worth on the test side of gold: precision, sets, doubts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from productnet.evaluation.metrics import Floats, Integers
from productnet.evaluation.reliability import (
    Calibration,
    calibration,
    classwise_error,
    untempered,
)
from productnet.evaluation.selective import Selective, Separation, selective, separation
from productnet.master.certainty import Certainty
from productnet.master.conformal import Strangeness
from productnet.master.hierarchy import Path, Tree
from productnet.master.novelty import hidden_leaves_for
from productnet.master.thresholds import precision_bound

PRECISIONS = (0.9, 0.95, 0.99)
COVERAGES = (0.9, 0.95, 0.99)

# Products of unknown leaves that may be taken, of which the report tells what it costs.
FALSE_ACCEPTS = (0.05, 0.1, 0.2)

_BINS = 24


@dataclass(frozen=True, slots=True)
class Promise:
    """A wanted precision, and what came of it on the test side.

    Attributes:
        wanted: Share of the decided that should be right.
        certified: Whether held-out gold is enough to be certain of it; an estimate otherwise.
        reached: Share of the decided test products that is right; None where none is decided.
        at_least: The lower bound of that, at the thresholds' risk.
        coverage: Share of the test products that is decided.
        decided: How many that is.
        own: Leaves that have a threshold of their own.
        raised: Leaves whose own errors raised the pooled threshold.
        never: Leaves of which no prediction is taken.
        coverage_of_leaf: Category id to the share of its held-out products that is decided.
    """

    wanted: float
    certified: bool
    reached: float | None
    at_least: float
    coverage: float
    decided: int
    own: int
    raised: int
    never: int
    coverage_of_leaf: dict[str, float]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """Sets of a wanted coverage on the test side.

    Attributes:
        wanted: Chance that the true category is in the set.
        kind: How strangeness is measured.
        by_leaf: Whether each leaf is promised the coverage.
        covered: Share of the test products whose true category is in their set.
        size: Categories a set, on the average.
        single: Share of the sets that hold one category.
        low_leaves: Share of the leaves with ten test products or more of which fewer than the
            wanted share is covered, by more than chance would have it (5%); None without any.
    """

    wanted: float
    kind: str
    by_leaf: bool
    covered: float
    size: float
    single: float
    low_leaves: float | None


@dataclass(frozen=True, slots=True)
class Depth:
    """The deepest category that the model is sure of, on the test side.

    Attributes:
        sure: Least probability of it.
        right: Share of these categories that the product belongs to; None where there is none.
        placed: Share of the products that have one.
        at_leaf: Share of the products for which it is a leaf.
        depth: Levels down, on the average of those that have one; 0 where none has.
    """

    sure: float
    right: float | None
    placed: float
    at_leaf: float
    depth: float


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A false-accept rate of unknown leaves, and the share of known products still taken."""

    false_accept: float
    known_taken: float


@dataclass(frozen=True, slots=True)
class Doubt:
    """Known products against those of hidden leaves.

    Attributes:
        separation: How well they are told apart.
        acceptances: What false-accept rates cost.
        edges: Of the bins (B + 1,) by how known products look.
        known: Share of the held-out products in each bin.
        unknown: Share of the products of hidden leaves.
    """

    separation: Separation
    acceptances: tuple[Acceptance, ...]
    edges: tuple[float, ...]
    known: tuple[float, ...]
    unknown: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class CertaintyMetrics:
    """What the report tells of how sure the model can be.

    Attributes:
        before: Calibration of the first guess before the temperature.
        temperature: Of calibration.
        held_out: Products that calibration rests on, copies counted once.
        folds: Parts that gold was cut into to judge them.
        selective: Precision by coverage.
        promises: One a wanted precision.
        sets: One a kind and a wanted coverage.
        depths: One a certainty.
        doubt: None where no leaves were hidden.
    """

    before: Calibration
    temperature: float
    held_out: int
    folds: int
    selective: Selective
    promises: tuple[Promise, ...]
    sets: tuple[SetFigures, ...]
    depths: tuple[Depth, ...]
    doubt: Doubt | None = None


def measure_certainty(
    certainty: Certainty,
    probabilities: Floats,
    truth: Integers,
    true_paths: Sequence[Path],
    paths: Mapping[str, Path],
    *,
    temperature: float,
    seed: int,
) -> CertaintyMetrics:
    """Hold a model to its promises.

    Args:
        certainty: What it promises.
        probabilities: (N, K), calibrated, of the test products.
        truth: (N,) columns, -1 for an unseen leaf.
        true_paths: N true paths.
        paths: Category id to path, for every class.
        temperature: Of calibration.
        seed: Of the bootstrap.
    """
    raw = untempered(probabilities, temperature)
    best, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    correct = np.asarray(best == truth)
    tree = Tree([paths[name] for name in certainty.classes])
    return CertaintyMetrics(
        before=measured_calibration(raw, truth, seed=seed),
        temperature=temperature,
        held_out=len(certainty.held_out),
        folds=certainty.held_out.folds,
        selective=selective(confidence, correct),
        promises=tuple(
            promise(certainty, probabilities, truth, precision=wanted) for wanted in PRECISIONS
        ),
        sets=tuple(
            set_figures(certainty, probabilities, truth, kind=kind, coverage=wanted, by_leaf=each)
            for kind, each in (
                (Strangeness.LAC, False),
                (Strangeness.LAC, True),
                (Strangeness.RAPS, False),
            )
            for wanted in COVERAGES
        ),
        depths=tuple(depth(tree, probabilities, true_paths, sure=sure) for sure in PRECISIONS),
        doubt=doubt(certainty) if certainty.held_out.unknown else None,
    )


def measured_calibration(probabilities: Floats, truth: Integers, *, seed: int) -> Calibration:
    """Calibration of the first guess, with its interval and the classwise error.

    Args:
        probabilities: (N, K).
        truth: (N,) columns, -1 for an unseen leaf.
        seed: Of the bootstrap.
    """
    top = calibration(
        probabilities.max(axis=1), np.asarray(probabilities.argmax(axis=1) == truth), seed=seed
    )
    return Calibration(top.ece, top.bins, top.interval, classwise_error(probabilities, truth))


def promise(
    certainty: Certainty, probabilities: Floats, truth: Integers, *, precision: float
) -> Promise:
    """What came of a wanted precision."""
    chosen = certainty.thresholds(precision)
    best, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    taken = chosen.takes(best, confidence)
    right, count = int((best == truth)[taken].sum()), int(taken.sum())
    basis = [one.value for one in chosen.basis]
    return Promise(
        wanted=precision,
        certified=chosen.certified,
        reached=right / count if count else None,
        at_least=precision_bound(right, count, risk=chosen.risk) if count else 0.0,
        coverage=float(taken.mean()),
        decided=count,
        own=basis.count("own"),
        raised=basis.count("raised"),
        never=int(np.isinf(chosen.of_leaf).sum()),
        coverage_of_leaf={
            name: share
            for name, share in zip(certainty.classes, chosen.coverage_of_leaf, strict=True)
            if share is not None
        },
    )


def set_figures(
    certainty: Certainty,
    probabilities: Floats,
    truth: Integers,
    *,
    kind: Strangeness,
    coverage: float,
    by_leaf: bool,
) -> SetFigures:
    """What came of sets of a wanted coverage."""
    from scipy.stats import binom

    sets = certainty.quantiles(coverage, strangeness=kind, by_leaf=by_leaf).sets(probabilities)
    inside = (truth >= 0) & sets[np.arange(len(truth)), np.maximum(truth, 0)]
    leaves = [leaf for leaf in np.unique(truth) if leaf >= 0 and (truth == leaf).sum() >= 10]
    low = [
        binom.cdf(inside[truth == leaf].sum(), (truth == leaf).sum(), coverage) < 0.05
        for leaf in leaves
    ]
    sizes = sets.sum(axis=1)
    return SetFigures(
        wanted=coverage,
        kind=kind.value,
        by_leaf=by_leaf,
        covered=float(inside.mean()),
        size=float(sizes.mean()),
        single=float((sizes == 1).mean()),
        low_leaves=float(np.mean(low)) if low else None,
    )


def depth(tree: Tree, probabilities: Floats, true_paths: Sequence[Path], *, sure: float) -> Depth:
    """What came of the deepest category that the model is sure of."""
    found = tree.deepest(probabilities, sure=sure)
    placed = [(path, true) for path, true in zip(found.paths, true_paths, strict=True) if path]
    leaves = set(tree.leaves)
    return Depth(
        sure=sure,
        right=(
            float(np.mean([true[: len(path)] == path for path, true in placed])) if placed else None
        ),
        placed=len(placed) / len(true_paths),
        at_leaf=sum(path in leaves for path, _ in placed) / len(true_paths),
        depth=float(np.mean([len(path) for path, _ in placed])) if placed else 0.0,
    )


def doubt(certainty: Certainty) -> Doubt:
    """How products of hidden leaves look beside known ones."""
    known = np.array(certainty.held_out.known)
    unknown = np.array(certainty.held_out.unknown)
    leaves = len(set(certainty.held_out.unknown_leaf))
    both = np.concatenate([known, unknown])
    # What few look like would make the others one bin.
    low, high = np.quantile(both, [0.005, 0.995])
    edges = np.linspace(low, high, _BINS + 1) if high > low else np.array([low, low + 1])
    return Doubt(
        separation=separation(known, unknown),
        acceptances=tuple(
            Acceptance(rate, float((known >= certainty.least_familiarity(rate)).mean()))
            for rate in FALSE_ACCEPTS
            if leaves >= hidden_leaves_for(rate)
        ),
        edges=tuple(edges.tolist()),
        known=_shares(known, edges),
        unknown=_shares(unknown, edges),
    )


def _shares(values: Floats, edges: Floats) -> tuple[float, ...]:
    counts = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0]
    return tuple((counts / len(values)).tolist())
