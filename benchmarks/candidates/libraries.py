"""small-text and modAL as strategies, each with its own learner and scikit-learn's defaults.

Both are for classifiers, not for finding: they ask for what they are unsure of, or what is unlike
all they know. small-text's ``PredictionEntropy`` and ``BreakingTies`` choose the same products as
``LeastConfidence`` where there are two classes, so one stands for all three.
"""

import warnings
from typing import Any

import numpy as np

from benchmarks.candidates.trials import Asked, Floats, Rows

# Progress bars that small-text draws unless told otherwise.
_NO_BAR = {"pbar": None}


class ModAL:
    """modAL's ``ActiveLearner`` with ``uncertainty_sampling`` over logistic regression."""

    def __init__(self) -> None:
        self._learner: Any = None
        self._known: Rows = np.zeros(0, np.int64)

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """What it is least certain of."""
        from modAL.models import ActiveLearner
        from modAL.uncertainty import uncertainty_sampling
        from sklearn.linear_model import LogisticRegression

        rows, labels = answers(asked)
        new = ~np.isin(rows, self._known)
        if self._learner is None:
            self._learner = ActiveLearner(
                estimator=LogisticRegression(max_iter=1_000),
                query_strategy=uncertainty_sampling,
                X_training=asked.vectors[rows],
                y_training=labels,
            )
        else:
            self._learner.teach(asked.vectors[rows[new]], labels[new])
        self._known = rows
        places, _ = self._learner.query(asked.vectors[asked.free], n_instances=count)
        chosen: Rows = asked.free[np.asarray(places)]
        return chosen


class SmallText:
    """small-text's ``PoolBasedActiveLearner`` with one of its strategies.

    Args:
        strategy: ``least-confidence``, ``contrastive``, ``greedy-coreset``, ``kmeans`` or
            ``discriminative``.
    """

    def __init__(self, strategy: str) -> None:
        self._strategy = strategy
        self._learner: Any = None
        self._queried: Rows = np.zeros(0, np.int64)

    def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
        """What its strategy queries."""
        # It draws from numpy's global generator.
        np.random.seed(int(rng.integers(2**32)))
        if self._learner is None:
            self._begin(asked)
        else:
            self._learner.update(np.isin(self._queried, asked.positives).astype(int))
        # The strategies over embeddings take ours; contrastive asks its classifier for both.
        over_embeddings = self._strategy in ("greedy-coreset", "kmeans")
        given = {"embeddings": self._embeddings(asked), **_NO_BAR} if over_embeddings else {}
        self._queried = self._learner.query(num_samples=count, query_strategy_kwargs=given)
        return self._queried

    def _begin(self, asked: Asked) -> None:
        import small_text as st
        from sklearn.linear_model import LogisticRegression

        class Classifier(st.SklearnClassifier):  # type: ignore[misc]
            """Our vectors are its embeddings."""

            def embed(
                self, data_set: Any, return_proba: bool = False, pbar: object = None
            ) -> Floats | tuple[Floats, Floats]:
                if return_proba:
                    return data_set.x, self.predict_proba(data_set)
                return data_set.x  # type: ignore[no-any-return]

        class Factory(st.SklearnClassifierFactory):  # type: ignore[misc]
            def new(self) -> Classifier:
                return Classifier(LogisticRegression(max_iter=1_000), 2)

        factory = Factory(LogisticRegression(), 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a default that changed long ago
            strategy = {
                "least-confidence": st.LeastConfidence,
                "contrastive": lambda: st.ContrastiveActiveLearning(pbar=None, batch_size=1_000),
                "greedy-coreset": lambda: st.GreedyCoreset(batch_size=4_096),
                "kmeans": st.EmbeddingKMeans,
                "discriminative": lambda: st.DiscriminativeActiveLearning(
                    factory, num_iterations=5, pbar=None
                ),
            }[self._strategy]()
        rows, labels = answers(asked)
        dataset = st.SklearnDataset(
            asked.vectors, np.zeros(len(asked.vectors), int), target_labels=np.arange(2)
        )
        self._learner = st.PoolBasedActiveLearner(factory, strategy, dataset)
        aside = np.ones(len(asked.vectors), np.bool_)
        aside[asked.free] = False
        aside[rows] = False
        self._learner.initialize_data(rows, labels, indices_ignored=np.flatnonzero(aside))

    def _embeddings(self, asked: Asked) -> Floats:
        """Of the unlabelled, then the labelled, as these strategies want them."""
        rows = np.concatenate([asked.free, self._learner.indices_labeled])
        ordered: Floats = asked.vectors[rows]
        return ordered


def answers(asked: Asked) -> tuple[Rows, Rows]:
    """The rows that were answered, and 1 for each that belongs."""
    rows = np.concatenate([asked.positives, asked.negatives])
    return rows, (np.arange(len(rows)) < len(asked.positives)).astype(int)
