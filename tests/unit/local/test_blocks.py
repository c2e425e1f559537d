"""A pool is scored block by block, each row once, whatever the number of threads."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from productnet.local.blocks import MOST_OF_UNKNOWN, ROWS_PER_BLOCK, one_blas_thread, score_blocks
from productnet.local.model import Floats


def first_column(block: Floats, beside: Floats | None) -> Floats:
    return block[:, 0] if beside is None else block[:, 0] + beside


@pytest.mark.parametrize("size", [0, 1, ROWS_PER_BLOCK, ROWS_PER_BLOCK + 1, 5 * ROWS_PER_BLOCK])
def test_every_row_is_scored_in_its_place(size: int) -> None:
    vectors = np.linspace(-8, 8, size, dtype=np.float32)[:, None] + np.float32(0.01)
    with threadpool_limits(4, user_api="blas"):
        scores = score_blocks(vectors, first_column, bias=0.5)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-0.5 - vectors[:, 0])), rtol=1e-4)


def test_what_stands_beside_a_row_goes_with_it() -> None:
    size = 3 * ROWS_PER_BLOCK + 8
    vectors, beside = np.zeros((size, 1), np.float32), np.linspace(-8, 8, size, dtype=np.float32)
    with threadpool_limits(4, user_api="blas"):
        scores = score_blocks(vectors, first_column, beside=beside)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-beside)), rtol=1e-4)


def test_certainty_does_not_overflow() -> None:
    scores = score_blocks(np.array([[-1e4], [1e4]], np.float32), first_column)
    np.testing.assert_array_equal(scores, [0, 1])


def test_no_evidence_is_scored_as_the_median_whatever_the_bias() -> None:
    column = np.array([[0], [-7], [-6], [-5], [0]], np.float32)
    scores = score_blocks(column, first_column, bias=3.0)
    assert scores.tolist() == [scores[2], scores[1], scores[2], scores[3], scores[2]]
    assert scores[1] < scores[2] < scores[3]


def test_where_most_are_likely_no_evidence_is_not() -> None:
    column = np.array([[0], [7], [6]], np.float32)
    assert score_blocks(column, first_column)[0] == np.float32(MOST_OF_UNKNOWN)


def test_where_nothing_is_known_of_any_product_the_bias_is_all_there_is() -> None:
    scores = score_blocks(np.zeros((3, 1), np.float32), first_column, bias=-1.0)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(1.0)), rtol=1e-5)


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    def broken(block: Floats, beside: Floats | None) -> Floats:
        raise MemoryError("no room for a block")

    with (
        threadpool_limits(3, user_api="blas"),
        pytest.raises(MemoryError, match="no room for a block"),
    ):
        score_blocks(np.zeros((4 * ROWS_PER_BLOCK, 1), np.float32), broken)


def test_blas_may_use_its_threads_again_after_many_have_scored_at_once() -> None:
    vectors = np.ones((2 * ROWS_PER_BLOCK, 4), np.float32)
    with threadpool_limits(3, user_api="blas"):
        with ThreadPoolExecutor(4) as threads:
            for scores in threads.map(lambda _: score_blocks(vectors, first_column), range(20)):
                assert (scores > 0.7).all()
        with one_blas_thread() as allowed, one_blas_thread() as within:
            assert (allowed, within) == (3, 1)
