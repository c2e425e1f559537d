"""The MLP learns leaves that no straight cut separates."""

import numpy as np

from productnet.local.logistic_regression import LogisticRegression
from productnet.local.mlp import Mlp


def test_a_leaf_of_two_opposite_kinds_is_learnt() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(2, 32))
    kinds, signs = rng.integers(0, 2, 1_000), rng.choice([-1, 1], 1_000)
    vectors = signs[:, None] * centres[kinds] + 0.5 * rng.normal(size=(1_000, 32))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    labels = kinds == 0
    right = {
        kind: ((kind().fit(vectors[:200], labels[:200], seed=0).score(vectors) > 0.5) == labels)
        for kind in (Mlp, LogisticRegression)
    }
    assert right[Mlp].mean() > 0.95
    assert right[LogisticRegression].mean() < 0.7


def test_another_seed_starts_elsewhere() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(50, 8)).astype(np.float32)
    labels = vectors[:, 0] > 0
    first, second = (Mlp().fit(vectors, labels, seed=seed).score(vectors) for seed in (0, 1))
    assert (first != second).any()
