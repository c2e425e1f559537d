"""Fitting by L-BFGS finds what scikit-learn finds."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from productnet.local.fitting import REGULARISATION, fit_linear
from productnet.local.model import Floats


def examples(seed: int) -> tuple[Floats, np.ndarray, Floats]:
    """Unit vectors (200, 24), a fifth of them positive, and weights."""
    rng = np.random.default_rng(seed)
    labels = np.arange(200) % 5 == 0
    vectors = rng.normal(size=(200, 24)) + labels[:, None] * rng.normal(size=24)
    unit = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit, labels, rng.uniform(0.1, 2, size=200).astype(np.float32)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted", [True, False])
def test_the_solution_is_that_of_scikit_learn(seed: int, weighted: bool) -> None:
    vectors, labels, weights = examples(seed)
    weights = weights if weighted else np.ones_like(weights)
    theirs = LogisticRegression(C=1 / REGULARISATION, tol=1e-3, max_iter=1_000)
    theirs.fit(vectors, labels, sample_weight=weights)
    found, bias = fit_linear(vectors, labels, weights=weights if weighted else None)
    np.testing.assert_allclose(vectors @ found + bias, theirs.decision_function(vectors), atol=0.05)


def test_rows_may_be_sparse() -> None:
    vectors, labels, weights = examples(0)
    dense, bias = fit_linear(vectors, labels, weights=weights)
    found, other = fit_linear(sparse.csr_array(vectors), labels, weights=weights)
    np.testing.assert_allclose(found, dense, atol=1e-3)
    assert other == pytest.approx(bias, abs=1e-3)
