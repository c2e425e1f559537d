"""What a team would use instead, from scikit-learn: linear models on fixed features.

Each rival's C is chosen by grouped, stratified folds of its own training products, and then it
learns from all of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from benchmarks.quality.grounds import Ground, View, folds

Labels = npt.NDArray[np.str_]
Predict = Callable[[View], Labels]
# Names what was chosen on the way, beside the model.
Fitted = tuple[Predict, Mapping[str, float]]

INNER_FOLDS = 3
FEW = 200
# Of image and sentence vectors beside TF-IDF: the strongest that was found.
WEIGHT = 1.5

Matrix = Any


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear model on features that may have to learn words first.

    Attributes:
        features: From training products to what turns products into a matrix.
        model: From C to a classifier.
        grid: Of C.
        needs_images: Whether it makes no sense without images.
        needs_text: Whether it makes no sense without text.
    """

    features: Callable[[View], Callable[[View], Matrix]]
    model: Callable[[float], Any]
    grid: Sequence[float]
    needs_images: bool = False
    needs_text: bool = True

    def can_read(self, ground: Ground) -> bool:
        """Whether the set has what it needs."""
        return ground.has_images or not self.needs_images

    def fit(self, view: View, *, seed: int) -> Fitted:
        """Choose C, and learn."""
        right = dict.fromkeys(self.grid, 0)
        for train, test in folds(view.labels, view.groups, count=INNER_FOLDS, seed=seed):
            seen, asked = view.take(train), view.take(test)
            if len(np.unique(seen.labels)) < 2:
                continue
            read = self.features(seen)
            x, probes = read(seen), read(asked)
            for c in self.grid:
                said = self.model(c).fit(x, seen.labels).predict(probes)
                right[c] += int((said == asked.labels).sum())
        best = max(self.grid, key=lambda c: right[c])
        read = self.features(view)
        model = self.model(best).fit(read(view), view.labels)
        return (lambda other: np.asarray(model.predict(read(other)))), {"C": best}


def _words(view: View) -> Callable[[View], Matrix]:
    """TF-IDF of words and pairs of words, and of three to five characters within words."""
    rare = 1 if len(view.rows) < FEW else 2
    shared = {"sublinear_tf": True, "min_df": rare, "max_features": 300_000, "dtype": np.float32}
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **shared)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **shared)
    words.fit(view.texts)
    characters.fit(view.texts)
    return lambda other: sp.hstack(
        [words.transform(other.texts), characters.transform(other.texts)], format="csr"
    )


def _joint(view: View) -> Callable[[View], Matrix]:
    words = _words(view)

    def read(other: View) -> Matrix:
        parts = [words(other), sp.csr_matrix(WEIGHT * other.sentences)]
        if other.ground.has_images:
            parts.append(sp.csr_matrix(WEIGHT * other.images))
        return sp.hstack(parts, format="csr")

    return read


def _svm(c: float) -> LinearSVC:
    return LinearSVC(C=c, random_state=0)


def _logistic(c: float) -> LogisticRegression:
    return LogisticRegression(C=c, max_iter=300)


RIVALS: Mapping[str, Linear] = {
    "tfidf-svm": Linear(_words, _svm, grid=(0.3, 1.0, 3.0)),
    "minilm-lr": Linear(lambda _: lambda view: view.sentences, _logistic, grid=(3.0, 30.0, 300.0)),
    "image-lr": Linear(
        lambda _: lambda view: view.images,
        _logistic,
        grid=(3.0, 30.0, 300.0),
        needs_images=True,
        needs_text=False,
    ),
    "joint-svm": Linear(_joint, _svm, grid=(0.1, 0.3, 1.0, 3.0)),
}
