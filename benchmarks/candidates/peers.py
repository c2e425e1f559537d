"""What people use today instead of our sources: simple rules here, libraries beside this file.

A program of its own, because small-text and modAL need an older scikit-learn than we do:

    PEERS_PYTHON -m benchmarks.candidates.peers BENCH.npz < jobs.jsonl > shown.jsonl

reads a job a line, ``{"strategy": ..., "seed": ..., "leaf": ..., "pages": [...], "shown": []}``,
and answers each with the rows it showed.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.candidates.libraries import ModAL, SmallText
from benchmarks.candidates.trials import Asked, Bench, Floats, Rows, Strategy, run_trial

# As the orientation in our issue has it: negatives presumed by chance, at a tenth of the weight.
_PRESUMED = 100
_PRESUMED_WEIGHT = 0.1


class ByChance:
    """Any product."""

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """Drawn without replacement."""
        drawn: Rows = rng.choice(asked.free, count, replace=False)
        return drawn


class Bm25:
    """What a search for the leaf's name finds; after that, any product."""

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """The best hits that are still free."""
        hits = asked.hits[np.isin(asked.hits, asked.free)][:count]
        rest = np.setdiff1d(asked.free, hits)
        return np.concatenate([hits, rng.choice(rest, count - len(hits), replace=False)])


class NearestCentroid:
    """Close to the mean of the positives."""

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """By cosine, since all vectors have length one."""
        centroid = asked.vectors[asked.positives].mean(axis=0)
        return best(asked, asked.vectors[asked.free] @ centroid, count)


class NearestPositive:
    """Close to any one of the positives."""

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """By the cosine with the closest."""
        cosines = asked.vectors[asked.free] @ asked.vectors[asked.positives].T  # (F, P)
        return best(asked, cosines.max(axis=1), count)


class GreedyLogisticRegression:
    """The surest positives of scikit-learn's logistic regression, all but C at its default.

    Args:
        inverse_regularisation: ``C``.
        presumed: Whether negatives are presumed by chance.
        balanced: Whether both classes weigh the same.
    """

    def __init__(
        self, inverse_regularisation: float, *, presumed: bool = False, balanced: bool = False
    ) -> None:
        from sklearn.linear_model import LogisticRegression

        self._presumed = presumed
        self._model = LogisticRegression(
            C=inverse_regularisation,
            class_weight="balanced" if balanced else None,
            max_iter=1_000,
        )

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """Fitted anew, then asked for positives."""
        rows, labels, weights = examples(asked, rng, presumed=self._presumed)
        self._model.fit(asked.vectors[rows], labels, sample_weight=weights)
        return best(asked, self._model.decision_function(asked.vectors[asked.free]), count)


class GaussianNaiveBayes:
    """The surest positives of scikit-learn's Gaussian naive Bayes, negatives presumed."""

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """By the odds, which do not run into 1 as probabilities do."""
        from sklearn.naive_bayes import GaussianNB

        rows, labels, weights = examples(asked, rng, presumed=True)
        model = GaussianNB().fit(asked.vectors[rows], labels, sample_weight=weights)
        joint = model.predict_joint_log_proba(asked.vectors[asked.free])  # (F, 2)
        return best(asked, joint[:, 1] - joint[:, 0], count)


class LabelSleuth:
    """Label Sleuth's rule, from its documentation and default configuration.

    Until there are enough positives, people search by keyword. Then a linear SVM is trained, and
    again after so many changed labels: ``ALL_LABELED_PLUS_UNLABELED_AS_NEGATIVE_X2_RATIO`` adds
    unlabelled products as negatives, in one random order, up to two a positive. ``HARD_MINING``
    shows those with the largest ``2 (0.5 - |p - 0.5|)``, p being the sigmoid of the margin.

    Args:
        first_model_positives: ``first_model_positive_threshold``.
        changes: ``changed_element_threshold``.
    """

    def __init__(self, first_model_positives: int, changes: int) -> None:
        self._first, self._changes = first_model_positives, changes
        self._known = 0
        self._scores: Floats | None = None

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """What its user is led to next."""
        known = len(asked.positives) + len(asked.negatives)
        if len(asked.positives) >= self._first and (
            self._scores is None or known - self._known >= self._changes
        ):
            self._scores, self._known = self._train(asked), known
        if self._scores is None:
            return Bm25().page(asked, count, rng)
        return best(asked, 2 * (0.5 - np.abs(self._scores[asked.free] - 0.5)), count)

    def _train(self, asked: Asked) -> Floats:
        """Scores of the whole pool (N,)."""
        from sklearn.svm import LinearSVC

        lacking = max(0, 2 * len(asked.positives) - len(asked.negatives))
        order = np.random.default_rng(0).permutation(len(asked.vectors))
        weak = order[np.isin(order, asked.free)][:lacking]
        rows = np.concatenate([asked.positives, asked.negatives, weak])
        labels = np.arange(len(rows)) < len(asked.positives)
        margins = LinearSVC(random_state=0).fit(asked.vectors[rows], labels)
        scores: Floats = 1 / (1 + np.exp(-margins.decision_function(asked.vectors)))
        return scores


# Counted up when a peer changes, so that its old trials count no more.
PEERS_VERSION = 1

PEERS: dict[str, Callable[[], Strategy]] = {
    "chance": ByChance,
    "bm25": Bm25,
    "nearest-centroid": NearestCentroid,
    "nearest-positive": NearestPositive,
    "gaussian-naive-bayes": GaussianNaiveBayes,
    "greedy-lr-c1": partial(GreedyLogisticRegression, 1.0),
    "greedy-lr-c10": partial(GreedyLogisticRegression, 10.0),
    "greedy-lr-c1-balanced": partial(GreedyLogisticRegression, 1.0, balanced=True),
    "greedy-lr-c10-balanced": partial(GreedyLogisticRegression, 10.0, balanced=True),
    "greedy-lr-c1-presumed": partial(GreedyLogisticRegression, 1.0, presumed=True),
    "greedy-lr-c10-presumed": partial(GreedyLogisticRegression, 10.0, presumed=True),
    "label-sleuth-20": partial(LabelSleuth, 20, 20),
    "label-sleuth-5": partial(LabelSleuth, 5, 5),
    "modal-uncertainty": ModAL,
    "small-text-least-confidence": partial(SmallText, "least-confidence"),
    "small-text-contrastive": partial(SmallText, "contrastive"),
    "small-text-greedy-coreset": partial(SmallText, "greedy-coreset"),
    "small-text-kmeans": partial(SmallText, "kmeans"),
    "small-text-discriminative": partial(SmallText, "discriminative"),
}

# These need the libraries of their name.
LIBRARIES = {"modal": "modAL", "small-text": "small_text"}

# A page of these takes seconds.
SLOW = (
    "small-text-contrastive",
    "small-text-greedy-coreset",
    "small-text-kmeans",
    "small-text-discriminative",
)


def best(asked: Asked, scores: Floats, count: int) -> Rows:
    """The free rows of the highest scores (F,); of equal ones the first."""
    return asked.free[np.argsort(-scores, kind="stable")[:count]]


def examples(
    asked: Asked, rng: np.random.Generator, *, presumed: bool
) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Rows to learn from, whether each belongs, and its weight."""
    drawn = rng.choice(asked.free, min(_PRESUMED, len(asked.free)), replace=False)[
        : _PRESUMED if presumed else 0
    ]
    rows = np.concatenate([asked.positives, asked.negatives, drawn])
    weights = np.ones(len(rows))
    weights[len(rows) - len(drawn) :] = _PRESUMED_WEIGHT
    return rows, np.arange(len(rows)) < len(asked.positives), weights


def main() -> None:
    bench = Bench.load(Path(sys.argv[1]))
    for line in sys.stdin:
        job = json.loads(line)
        strategy = PEERS[job.pop("strategy")]()
        print(json.dumps(run_trial(strategy, bench, **job).tolist()), flush=True)


if __name__ == "__main__":
    main()
