"""Words and the leaf's name have a say in scores as far as decisions bear them out."""

import numpy as np
import pytest
from scipy import sparse

from productnet.local.model import Floats
from productnet.local.training import Examples, LabelledRows, draw_examples, fit_leaf
from productnet.retrieval.evidence import Words, with_words

SIZE, KINDS = 400, 8
KIND = np.arange(SIZE) % KINDS


def pool(noise: float, seed: int = 0) -> Floats:
    """Unit vectors of eight kinds; row r is of kind r % 8."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(KINDS, 12))[KIND] + noise * rng.normal(size=(SIZE, 12))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def telling() -> sparse.csr_array:
    """Each product says the one word of its kind."""
    return sparse.csr_array(np.eye(KINDS, dtype=np.float32)[KIND])


def misleading(seed: int = 1) -> sparse.csr_array:
    """Each product says words that have nothing to do with its kind."""
    rng = np.random.default_rng(seed)
    terms = sparse.random_array((SIZE, 50), density=0.1, rng=rng, dtype=np.float32)
    return sparse.csr_array(terms)


def judged(positives: int, negatives: int) -> Examples:
    labelled = LabelledRows(
        np.arange(positives, dtype=np.int64) * KINDS,
        np.flatnonzero(KIND != 0)[:negatives].astype(np.int64),
    )
    return draw_examples(labelled, size=SIZE, seed=0)


def found(scores: Floats, examples: Examples, *, among: int = 30) -> int:
    """How many of the best undecided products are of the leaf's kind."""
    free = scores.copy()
    free[examples.rows[examples.told]] = -1
    return int((KIND[np.argsort(-free)[:among]] == 0).sum())


def local(vectors: Floats, examples: Examples) -> Floats:
    return fit_leaf("logistic-regression", vectors, examples, seed=0).score(vectors)


SILENT_NAME = np.zeros(SIZE, np.float32)


def test_telling_words_find_what_vectors_miss() -> None:
    vectors, examples = pool(noise=3), judged(10, 10)
    before = local(vectors, examples)
    after = with_words(before, vectors, Words(telling(), SILENT_NAME), examples, seed=0)
    assert found(after, examples) >= found(before, examples) + 8


def test_words_without_meaning_are_not_listened_to() -> None:
    vectors, examples = pool(noise=0.3), judged(20, 40)
    before = local(vectors, examples)
    after = with_words(before, vectors, Words(misleading(), SILENT_NAME), examples, seed=0)
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_few_answers_are_too_few_to_judge_words() -> None:
    vectors, examples = pool(noise=3), judged(5, 10)
    before = local(vectors, examples)
    after = with_words(before, vectors, Words(telling(), SILENT_NAME), examples, seed=0)
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_the_name_helps_from_one_positive_that_says_it() -> None:
    vectors, examples = pool(noise=3), judged(1, 1)
    named = (KIND == 0).astype(np.float32)
    before = local(vectors, examples)
    after = with_words(before, vectors, Words(misleading(), named), examples, seed=0)
    assert found(after, examples) >= found(before, examples) + 8


def test_a_name_that_positives_do_not_say_changes_nothing() -> None:
    vectors, examples = pool(noise=1), judged(4, 4)
    named = (KIND == 3).astype(np.float32)
    before = local(vectors, examples)
    after = with_words(before, vectors, Words(misleading(), named), examples, seed=0)
    np.testing.assert_allclose(after, before, atol=1e-5)


@pytest.mark.parametrize("terms", [sparse.csr_array((SIZE, 50), dtype=np.float32), telling()])
def test_scores_stay_between_0_and_1_and_the_same_for_the_same_seed(
    terms: sparse.csr_array,
) -> None:
    vectors, examples = pool(noise=1), judged(20, 200)
    before = local(vectors, examples)
    first, second = (
        with_words(before, vectors, Words(terms, SILENT_NAME), examples, seed=4) for _ in range(2)
    )
    assert first.dtype == np.float32 and first.min() >= 0 and first.max() <= 1
    np.testing.assert_array_equal(first, second)
