"""Naive Bayes is sane with one example a class, and scikit-learn's with many."""

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from productnet.local.naive_bayes import NaiveBayes


def test_with_many_labels_it_decides_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(20_000) % 2 == 0
    spread = np.where(labels[:, None], [0.5, 1.0, 2.0], [1.0, 1.0, 1.0])
    vectors = (labels[:, None] * [0.5, 0.0, 0.0] + spread * rng.normal(size=(20_000, 3))).astype(
        np.float32
    )
    ours = NaiveBayes().fit(vectors, labels, seed=0).score(vectors) > 0.5
    theirs = GaussianNB().fit(vectors, labels).predict(vectors)
    assert (ours == theirs).mean() > 0.995


@pytest.mark.parametrize("dimension", [16, 64, 1_024])
def test_one_example_a_class_does_not_make_it_certain_of_everything(dimension: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = NaiveBayes().fit(vectors[:2], np.array([True, False]), seed=0).score(vectors)
    assert scores[0] > 0.9
    assert scores[1] < 0.1
    assert len(np.unique(scores)) > 190
    assert ((scores > 0.05) & (scores < 0.95)).sum() > 100


def test_a_coordinate_that_never_varies_among_labels_proves_nothing() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    labels = vectors[:, 0] > 0
    vectors[:, 7] = 0
    model = NaiveBayes().fit(vectors, labels, seed=0)
    seen_later = vectors.copy()
    seen_later[:, 7] = 1
    np.testing.assert_allclose(model.score(seen_later), model.score(vectors), atol=1e-4)
