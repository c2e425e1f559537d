"""Every registered local model learns a leaf from few labels, the same each time."""

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from productnet.local.ask import Ask, rank
from productnet.local.blocks import ROWS_PER_BLOCK
from productnet.local.model import Floats, LocalModel, Matrix
from productnet.local.registry import LOCAL_MODELS
from productnet.local.training import LabelledRows, draw_examples, fit_leaf


@pytest.fixture(params=list(LOCAL_MODELS))
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def pool(size: int = 300, *, dimension: int = 16, seed: int = 0) -> Floats:
    """Unit vectors around 10 centres; rows 0, 10, 20 … around the first."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(10, dimension))
    vectors = centres[np.arange(size) % 10] + 0.3 * rng.normal(size=(size, dimension))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def labelled(positives: list[int], negatives: list[int]) -> LabelledRows:
    return LabelledRows(np.array(positives, np.int64), np.array(negatives, np.int64))


def fit(name: str, vectors: Matrix, labelled: LabelledRows, *, seed: int) -> LocalModel:
    examples = draw_examples(labelled, size=len(vectors), seed=seed)
    return fit_leaf(name, vectors, examples, seed=seed)


def share_of_leaf(scores: Floats, *, first: int = 25) -> float:
    """Share of the leaf among the products scored highest."""
    return float((np.argsort(-scores, kind="stable")[:first] % 10 == 0).mean())


def test_one_label_of_each_kind_is_enough_to_put_the_leaf_first(name: str) -> None:
    model = fit(name, pool(), labelled([0], [5]), seed=0)
    scores = model.score(pool())
    assert scores.shape == (300,)
    assert scores.dtype == np.float32
    assert ((scores >= 0) & (scores <= 1)).all()
    assert share_of_leaf(scores) > 0.9


def test_labels_move_the_boundary(name: str) -> None:
    model = fit(name, pool(), labelled([0, 10, 20], [5, 15, 1, 11]), seed=0)
    scores = model.score(pool())
    assert scores[np.arange(300) % 10 == 0].min() > scores[np.arange(300) % 10 == 5].max()


def test_one_positive_is_not_lost_among_five_hundred_negatives(name: str) -> None:
    vectors = pool(3_000)
    negatives = [row for row in range(1, 600) if row % 10][:500]
    scores = fit(name, vectors, labelled([0], negatives), seed=0).score(vectors)
    assert share_of_leaf(scores, first=200) > 0.9
    assert scores[0] > 0.5


def test_one_negative_holds_against_five_hundred_positives(name: str) -> None:
    vectors = pool(6_000)
    scores = fit(name, vectors, labelled(list(range(0, 5_000, 10)), [5]), seed=0).score(vectors)
    assert share_of_leaf(scores, first=550) > 0.95
    assert scores[5] < 0.5


def test_the_same_seed_gives_the_same_scores(name: str) -> None:
    first, second = (
        fit(name, pool(), labelled([0, 10], [5]), seed=7).score(pool()) for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_scores_do_not_depend_on_the_number_of_cores(name: str) -> None:
    vectors = pool(3 * ROWS_PER_BLOCK + 5)
    with threadpool_limits(1, user_api="blas"):
        alone = fit(name, vectors, labelled([0, 10], [5]), seed=0).score(vectors)
    with threadpool_limits(3, user_api="blas"):
        together = fit(name, vectors, labelled([0, 10], [5]), seed=0).score(vectors)
    np.testing.assert_array_equal(alone, together)


def test_a_product_is_scored_the_same_wherever_it_stands(name: str) -> None:
    vectors = pool(2 * ROWS_PER_BLOCK + 5)
    model = fit(name, vectors, labelled([0, 10], [5]), seed=0)
    places = np.array([len(vectors) - 1, 3, ROWS_PER_BLOCK, ROWS_PER_BLOCK - 1])
    np.testing.assert_allclose(
        model.score(vectors)[places], model.score(vectors[places]), atol=1e-5
    )


@pytest.mark.parametrize("size", [2, 3])
def test_a_pool_of_hardly_anything(name: str, size: int) -> None:
    vectors = pool()[:size]
    scores = fit(name, vectors, labelled([0], [1]), seed=0).score(vectors)
    assert scores[0] > scores[1]


def test_two_products_that_look_the_same_may_be_told_apart_by_people(name: str) -> None:
    vectors = pool()
    vectors[5] = vectors[0]
    scores = fit(name, vectors, labelled([0], [5]), seed=0).score(vectors)
    assert np.isfinite(scores).all()
    assert scores[0] == scores[5]


def test_no_products_are_scored_as_none(name: str) -> None:
    model = fit(name, pool(), labelled([0], [5]), seed=0)
    assert model.score(pool()[:0]).shape == (0,)


@pytest.mark.parametrize("many", [1, 20])
@pytest.mark.parametrize("ask", list(Ask))
def test_a_product_of_which_nothing_is_known_is_no_answer_to_anything(
    name: str, many: int, ask: Ask
) -> None:
    vectors = pool(1_000)
    vectors[500:] = 0
    positives = list(range(0, 10 * many, 10))
    negatives = list(range(5, 5 + 10 * many, 10))
    scores = fit(name, vectors, labelled(positives, negatives), seed=0).score(vectors)
    assert (scores[500:] < 0.5).all()
    page = rank(scores, ask, count=20, exclude=np.array(positives + negatives))
    assert (page < 500).all()


def test_people_may_have_decided_on_products_of_which_nothing_is_known(name: str) -> None:
    vectors = pool()
    vectors[[5, 10]] = 0
    scores = fit(name, vectors, labelled([0, 10], [5, 1]), seed=0).score(vectors)
    assert np.isfinite(scores).all()
    assert share_of_leaf(scores) > 0.9


def test_products_without_images_are_found_by_their_texts(name: str) -> None:
    both = np.hstack([pool(1_000, seed=0), pool(1_000, seed=1)])
    both[np.arange(1_000) // 10 % 2 == 1, 16:] = 0
    vectors = both / np.linalg.norm(both, axis=1, keepdims=True)
    model = fit(name, vectors, labelled([0, 10, 20], [5, 15, 25, 1]), seed=0)
    assert share_of_leaf(model.score(vectors), first=90) > 0.9


def test_a_part_that_no_product_has_says_nothing(name: str) -> None:
    vectors = np.hstack([pool(), np.zeros((300, 16), np.float32)])
    scores = fit(name, vectors, labelled([0], [5]), seed=0).score(vectors)
    assert share_of_leaf(scores) > 0.9


def test_a_coordinate_beside_the_vectors_is_one_among_them(name: str) -> None:
    size = ROWS_PER_BLOCK + 50
    vectors = pool(size)
    vectors[7] = 0
    rng = np.random.default_rng(1)
    beside = (rng.random(size) * (np.arange(size) % 10 == 0)).astype(np.float32)
    examples = draw_examples(labelled([0, 10, 20], [5, 15]), size=size, seed=0)
    model = fit_leaf(name, vectors, examples, seed=0, beside=beside)
    scores = model.score(vectors, beside=beside)
    stacked = np.column_stack([vectors, beside])
    whole = fit_leaf(name, stacked, examples, seed=0).score(stacked)
    np.testing.assert_allclose(scores, whole, atol=1e-4)
    # It is heard: what has it in full scores higher than it would without.
    full = model.score(vectors, beside=np.ones(size, np.float32))
    none = model.score(vectors, beside=np.zeros(size, np.float32))
    assert full.mean() > none.mean()


def test_a_row_of_no_weight_counts_for_nothing(name: str) -> None:
    vectors, labels = pool()[:40], np.arange(40) % 10 == 0
    wrong = np.concatenate([labels, ~labels])
    weights = np.repeat(np.array([1, 0], np.float32), 40)
    with_wrong = LOCAL_MODELS[name]().fit(np.tile(vectors, (2, 1)), wrong, weights=weights, seed=0)
    without = LOCAL_MODELS[name]().fit(vectors, labels, seed=0)
    np.testing.assert_allclose(with_wrong.score(pool()), without.score(pool()), atol=0.02)


def test_the_heavier_of_two_answers_wins(name: str) -> None:
    vectors, labels = pool()[:40], np.arange(40) % 10 == 0
    doubted = np.array([20])
    told = np.concatenate([labels, [False]])
    scores = []
    for weight in (0.01, 10):
        weights = np.append(np.ones(40, np.float32), np.float32(weight))
        model = LOCAL_MODELS[name]().fit(
            np.vstack([vectors, vectors[doubted]]), told, weights=weights, seed=0
        )
        scores.append(model.score(vectors[doubted])[0])
    assert scores[0] > scores[1] + 0.05


def test_ten_thousand_labels_and_half_precision_from_a_file(name: str, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", np.tile(pool(), (40, 1)).astype(np.float16))
    vectors = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    rows = np.random.default_rng(0).permutation(len(vectors))[:10_000]
    model = fit(name, vectors, LabelledRows(rows[rows % 10 == 0], rows[rows % 10 != 0]), seed=0)
    scores = model.score(vectors)
    assert (scores > 0.5).sum() == pytest.approx(1_200, abs=60)
    np.testing.assert_allclose(scores, model.score(vectors.astype(np.float32)), atol=1e-6)
