"""Every registered local model learns a leaf from few labels, the same each time."""

import numpy as np
import pytest

from productnet.local.model import Floats
from productnet.local.registry import LOCAL_MODELS
from productnet.local.training import LabelledRows, fit_leaf


@pytest.fixture(params=list(LOCAL_MODELS))
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def pool(seed: int = 0) -> Floats:
    """300 unit vectors around 10 centres; rows 0, 10, 20 … around the first."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(10, 16))
    vectors = centres[np.arange(300) % 10] + 0.3 * rng.normal(size=(300, 16))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def labelled(positives: list[int], negatives: list[int]) -> LabelledRows:
    return LabelledRows(np.array(positives, np.int64), np.array(negatives, np.int64))


def test_one_label_of_each_kind_is_enough_to_put_the_leaf_first(name: str) -> None:
    model = fit_leaf(name, pool(), labelled([0], [5]), seed=0)
    scores = model.score(pool())
    assert scores.shape == (300,)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.argsort(-scores)[:25] % 10 == 0).mean() > 0.9


def test_labels_move_the_boundary(name: str) -> None:
    model = fit_leaf(name, pool(), labelled([0, 10, 20], [5, 15, 1, 11]), seed=0)
    scores = model.score(pool())
    assert scores[np.arange(300) % 10 == 0].min() > scores[np.arange(300) % 10 == 5].max()


def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    first, second = (
        fit_leaf(name, pool(), labelled([0, 10], [5]), seed=7).score(pool()) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", [2, 3])
def test_a_pool_of_hardly_anything(name: str, size: int) -> None:
    vectors = pool()[:size]
    scores = fit_leaf(name, vectors, labelled([0], [1]), seed=0).score(vectors)
    assert scores[0] > scores[1]


def test_half_precision_and_many_labels(name: str) -> None:
    rng = np.random.default_rng(0)
    vectors = np.tile(pool(), (40, 1)).astype(np.float16)
    rows = rng.permutation(len(vectors))[:10_000]
    model = fit_leaf(
        name,
        vectors.astype(np.float32),
        LabelledRows(rows[rows % 10 == 0], rows[rows % 10 != 0]),
        seed=0,
    )
    assert (model.score(vectors.astype(np.float32)) > 0.5).sum() == pytest.approx(1_200, abs=60)
