"""A spread page has the best candidates, and not all of one kind."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from productnet.local.model import Floats
from productnet.retrieval.candidates import Candidate
from productnet.retrieval.variety import spread


def ranked(count: int) -> list[Candidate]:
    return [Candidate(f"p{place}", "active", 1 - place / 100, "likely") for place in range(count)]


def kinds(of_each: list[int], *, dimension: int = 16) -> Floats:
    """Unit vectors of products, near one another when of one kind."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(max(of_each) + 1, dimension))
    vectors = centres[of_each] + 0.1 * rng.normal(size=(len(of_each), dimension))
    unit: Floats = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def places(chosen: list[Candidate]) -> list[int]:
    return [int(candidate.product[1:]) for candidate in chosen]


def test_products_of_one_kind_make_room_for_others() -> None:
    of_each = [0] * 10 + [1] * 5 + [2] * 5
    chosen = places(spread(ranked(20), kinds(of_each), count=6, trade_off=0.5))
    assert {of_each[place] for place in chosen} == {0, 1, 2}
    assert chosen[0] == 0


def test_with_all_weight_on_rank_the_first_are_chosen() -> None:
    assert places(spread(ranked(20), kinds([0] * 20), count=6, trade_off=1)) == list(range(6))


def test_of_equals_the_better_rank_is_chosen() -> None:
    alike = np.tile(kinds([0]), (20, 1))
    assert places(spread(ranked(20), alike, count=6, trade_off=0.7)) == list(range(6))


def test_an_exact_copy_comes_after_what_is_unlike() -> None:
    vectors = kinds([0, 1, 2, 3])
    vectors[1] = vectors[0]
    assert places(spread(ranked(4), vectors, count=3, trade_off=0.5)) == [0, 2, 3]


def test_products_without_a_vector_are_unlike_all() -> None:
    chosen = spread(ranked(6), np.zeros((6, 8), np.float32), count=3, trade_off=0.5)
    assert places(chosen) == [0, 1, 2]


@given(
    of_each=st.lists(st.integers(0, 4), max_size=30),
    count=st.integers(0, 30),
    trade_off=st.floats(0, 1),
)
def test_as_many_as_asked_none_twice_in_the_order_of_rank(
    of_each: list[int], count: int, trade_off: float
) -> None:
    vectors = kinds(of_each) if of_each else np.zeros((0, 16), np.float32)
    chosen = places(spread(ranked(len(of_each)), vectors, count=count, trade_off=trade_off))
    assert len(chosen) == min(count, len(of_each))
    assert all(first < second for first, second in pairwise(chosen))
