"""Suspected label errors: answers that models trained without them do not believe.

Each answer is scored by a model that was fitted to other answers only; the less it believes in
what was answered, the likelier a slip (self-confidence, as in Northcutt et al. 2021, *Confident
Learning: Estimating Uncertainty in Dataset Labels*). Two questions are asked: of one leaf, yes or
no, by its local model; and of all gold, which leaf, by logistic regression over the embeddings.

It lives in ``evaluation`` because it joins what no lower floor may: the decisions and the models.
A suspect is an opinion. What becomes of it is decided by people, once it is challenged.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_softmax

from productnet.annotation.decisions import Verdict
from productnet.annotation.state import State
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import TrainingError
from productnet.evaluation.workers import begin_worker
from productnet.local.blocks import one_blas_thread
from productnet.local.model import Floats, Rows
from productnet.local.registry import DEFAULT
from productnet.local.training import LabelledRows, draw_examples, fit_leaf

# Parts that gold, or a leaf's answers, are cut into; each is judged by models of the others.
FOLDS = 5

# Inverse strength of regularisation; rows are unit vectors, whose coordinates are small.
_C = 10.0
_STEPS = 50

# Gold products times leaves up to which models are fitted in this process, within a second.
_FITTED_HERE = 20_000

# What is tried for the log temperature and for the share of slips (people err in 0.1% to half of
# their answers), on this many answers at most.
_LOG_TEMPERATURES = np.linspace(-3, 3, 25).tolist()
_SLIPS = expit(np.linspace(-7, 0, 57))  # (S,)
_FITTED_TO = 20_000

# The log-odds of a leaf that a model never met.
_UNMET = -50.0

Classes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """An answer that looks wrong.

    Attributes:
        product: The product.
        leaf: The leaf it was answered for.
        given: The answer: positive or negative.
        probability: How likely it is wrong, 0 to 1, as fitted to answers the model had not seen.
        rather: The leaf it looks like instead, where all gold was compared.
    """

    product: str
    leaf: str
    given: Verdict
    probability: float
    rather: str | None = None


def suspects_of_leaf(
    leaf: str, state: State, embeddings: EmbeddingSet, *, seed: int, model: str = DEFAULT
) -> list[Suspect]:
    """All yes and no of one leaf, the likeliest errors first.

    Empty while either answer was given fewer than ``FOLDS`` times: nothing can be told from so
    few. Products the embedding set does not have are left out.
    """
    given = dict.fromkeys(state.positives(leaf), True) | dict.fromkeys(state.negatives(leaf), False)
    products, rows = _placed(list(given), embeddings)
    answers = np.array([given[product] for product in products], np.int64)  # (n,)
    if len(np.unique(answers)) < 2 or np.bincount(answers).min() < FOLDS:
        return []
    vectors = embeddings.read(rows)  # (n, D)
    logits = np.zeros((len(rows), 2))
    for learnt, judged in _folds(answers, seed=seed):
        yes, no = (learnt[answers[learnt] == answer] for answer in (1, 0))
        examples = draw_examples(LabelledRows(yes, no), size=0, seed=seed)
        fitted = fit_leaf(model, vectors, examples, seed=seed)
        scores = np.clip(fitted.score(vectors[judged]), 1e-6, 1 - 1e-6)
        logits[judged, 1] = np.log(scores) - np.log1p(-scores)
    doubts = _doubts(logits, answers)
    found = [
        Suspect(
            product, leaf, Verdict.POSITIVE if given[product] else Verdict.NEGATIVE, float(doubt)
        )
        for product, doubt in zip(products, doubts, strict=True)
    ]
    return _likeliest_first(found)


def suspects_of_gold(state: State, embeddings: EmbeddingSet, *, seed: int) -> list[Suspect]:
    """All gold, the likeliest errors first, each with the leaf it looks like instead.

    Leaves with fewer than ``FOLDS`` gold products are left out: each part needs one to know them.

    Raises:
        TrainingError: There is so much gold that a process of its own judged it, and it died.
    """
    judged = judge_gold(state.gold_labels(), embeddings, seed=seed)
    return [] if judged is None else judged.suspects()


@dataclass(frozen=True)
class Judged:
    """Gold judged by models that did not see it.

    Attributes:
        products: The products (n).
        leaves: The leaves (K) that models tell apart.
        given: The number of the leaf (n,) each is gold for.
        logits: Log-odds (n, K).
    """

    products: list[str]
    leaves: list[str]
    given: Classes
    logits: npt.NDArray[np.float64]

    @property
    def likeliest(self) -> Classes:
        """The number of the leaf (n,) each looks most like, its own or another."""
        likeliest: Classes = self.logits.argmax(axis=1)
        return likeliest

    def suspects(self) -> list[Suspect]:
        """All of them, the likeliest errors first, each with the leaf it looks like instead."""
        doubts = _doubts(self.logits, self.given)
        others = self.logits.copy()
        others[np.arange(len(self.given)), self.given] = -np.inf
        found = [
            Suspect(product, self.leaves[own], Verdict.POSITIVE, float(doubt), self.leaves[other])
            for product, own, doubt, other in zip(
                self.products, self.given, doubts, others.argmax(axis=1), strict=True
            )
        ]
        return _likeliest_first(found)


def judge_gold(
    labels: Mapping[str, str],
    embeddings: EmbeddingSet,
    *,
    seed: int,
    copies: Mapping[str, int] | None = None,
) -> Judged | None:
    """Judge every product's leaf by models of the others; None of too little gold.

    Leaves with fewer than ``FOLDS`` products are left out, and so is what the set does not have.

    Args:
        labels: Product to the leaf it is gold for.
        embeddings: Their vectors.
        seed: Of the parts that gold is cut into.
        copies: A number that near-duplicates share: copies are in one part, where they cannot
            vouch for one another. A product all of whose leaf is its copies is left out.

    Raises:
        TrainingError: There is so much gold that a process of its own judged it, and it died.
    """
    products, rows = _placed(list(labels), embeddings)
    sizes = Counter(labels[product] for product in products)
    leaves = sorted(leaf for leaf, size in sizes.items() if size >= FOLDS)
    if len(leaves) < 2:
        return None
    number = {leaf: place for place, leaf in enumerate(leaves)}
    known = np.array([labels[product] in number for product in products])
    products = [product for product, keep in zip(products, known, strict=True) if keep]
    classes = np.array([number[labels[product]] for product in products], np.int64)  # (n,)
    vectors = embeddings.read(rows[known])  # (n, D)
    groups = None if copies is None else np.array([copies[product] for product in products])
    small = len(classes) * len(leaves) <= _FITTED_HERE
    judge = _out_of_fold if small else _in_own_process
    logits = judge(vectors, classes, groups=groups, seed=seed)  # (n, K)
    met = np.isfinite(logits[np.arange(len(classes)), classes])
    if not met.all():
        products = [product for product, keep in zip(products, met, strict=True) if keep]
        classes, logits = classes[met], logits[met]
    if not products:
        return None
    # What a model has not met it does not take for likely.
    return Judged(products, leaves, classes, np.where(np.isfinite(logits), logits, _UNMET))


def _placed(products: Sequence[str], embeddings: EmbeddingSet) -> tuple[list[str], Rows]:
    """The products that the set has, and their rows."""
    rows = embeddings.rows(products)
    placed = [product for product, row in zip(products, rows, strict=True) if row >= 0]
    return placed, rows[rows >= 0]


def _in_own_process(
    vectors: Floats, classes: Classes, *, groups: Rows | None, seed: int
) -> npt.NDArray[np.float64]:
    """As ``_out_of_fold``, where it takes long: whoever serves pages meanwhile is not slowed."""
    spawn = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=begin_worker) as process:
        try:
            return process.submit(_out_of_fold, vectors, classes, groups=groups, seed=seed).result()
        except BrokenProcessPool:
            raise TrainingError(
                f"The process that judges {len(classes):,} gold products died, perhaps for want "
                "of memory. Ask for the suspects of one leaf instead, or try again."
            ) from None


def _out_of_fold(
    vectors: Floats, classes: Classes, *, groups: Rows | None = None, seed: int
) -> npt.NDArray[np.float64]:
    """Log-odds (n, K) of every row, from a model that never saw it; -inf of what it never met."""
    from sklearn.linear_model import LogisticRegression

    logits = np.full((len(classes), int(classes.max()) + 1), -np.inf)
    for learnt, judged in _folds(classes, groups=groups, seed=seed):
        model = LogisticRegression(C=_C, max_iter=_STEPS, tol=1e-3)
        if len(np.unique(classes[learnt])) < 2:
            continue
        with one_blas_thread():
            model.fit(vectors[learnt], classes[learnt])
            odds = model.decision_function(vectors[judged])
        # Of two classes, scikit-learn gives the odds of the second.
        odds = odds if odds.ndim == 2 else np.stack([np.zeros_like(odds), odds], axis=1)
        logits[np.ix_(judged, model.classes_)] = odds
    return logits


def _folds(classes: Classes, *, groups: Rows | None = None, seed: int) -> list[tuple[Rows, Rows]]:
    """What each model learns from and what it judges; every class is spread over the folds.

    Rows of one group are in one fold, where there are groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    folds = kind(FOLDS, shuffle=True, random_state=seed)
    return list(folds.split(np.zeros(len(classes)), classes, groups))


def _doubts(logits: npt.NDArray[np.float64], classes: Classes) -> npt.NDArray[np.float64]:
    """How likely each given class (n,) is wrong, by held-out log-odds (n, K) of the true one.

    The given class is taken for the true one, or with probability e for any other at random. The
    temperature of the log-odds and e are what makes the given classes most likely; with a
    temperature alone a few slips would make a model seem unsure of everything.
    """
    others = logits.shape[1] - 1
    drawn = np.random.default_rng(0).permutation(len(classes))[:_FITTED_TO]

    def fit(log_temperature: float) -> tuple[float, float]:
        right = _of_given(logits[drawn], classes[drawn], log_temperature)[:, np.newaxis]
        given = (1 - _SLIPS) * right + _SLIPS * (1 - right) / others  # (n, S)
        surprise = -np.log(given).mean(axis=0)
        best = int(surprise.argmin())
        return float(surprise[best]), float(_SLIPS[best])

    # There can be two optima, so all are looked at.
    temperature = min(_LOG_TEMPERATURES, key=lambda one: fit(one)[0])
    slip = fit(temperature)[1]
    right = _of_given(logits, classes, temperature)
    by_slip = slip * (1 - right) / others
    doubts: npt.NDArray[np.float64] = by_slip / ((1 - slip) * right + by_slip)
    return doubts


def _of_given(
    logits: npt.NDArray[np.float64], classes: Classes, log_temperature: float
) -> npt.NDArray[np.float64]:
    """The probability (n,) that the model gives to each given class (n,)."""
    scaled = log_softmax(logits / np.exp(log_temperature), axis=1)  # (n, K)
    given: npt.NDArray[np.float64] = np.exp(scaled[np.arange(len(classes)), classes])
    return given


def _likeliest_first(found: list[Suspect]) -> list[Suspect]:
    return sorted(found, key=lambda suspect: (-suspect.probability, suspect.product))
