"""What is asked of a local model decides which rows it answers with."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from productnet.local.ask import Ask, rank

SCORES = np.array([0.9, 0.1, 0.5, 0.45, 0.7, 0.02, 0.49], np.float32)


def asked(ask: Ask, count: int, exclude: list[int] | None = None) -> list[int]:
    rows = rank(SCORES, ask, count=count, exclude=np.array(exclude or [], np.int64))
    return [int(row) for row in rows]


def test_positives_are_the_surest() -> None:
    assert asked(Ask.POSITIVES, 3) == [0, 4, 2]


def test_ambiguous_ones_are_at_the_boundary() -> None:
    assert asked(Ask.AMBIGUOUS, 3) == [2, 6, 3]


def test_hard_and_sure_negatives_take_turns() -> None:
    assert asked(Ask.NEGATIVES, 4) == [6, 5, 3, 1]
    assert asked(Ask.NEGATIVES, 1) == [6]


def test_excluded_rows_are_passed_over() -> None:
    assert asked(Ask.POSITIVES, 2, exclude=[0, 2]) == [4, 6]


def test_of_equal_scores_the_first_rows_are_taken_and_scores_are_left_alone() -> None:
    scores = np.full(1_000, 0.3, np.float32)
    scores[[7, 900]] = 0.8
    before = scores.copy()
    rows = rank(scores, Ask.POSITIVES, count=4, exclude=np.array([0, 0, 1]))
    assert rows.tolist() == [7, 900, 2, 3]
    for ask in Ask:
        rank(scores, ask, count=4, exclude=np.array([3]))
    np.testing.assert_array_equal(scores, before)


@given(
    st.lists(st.floats(0, 1, width=32), max_size=30),
    st.sampled_from(Ask),
    st.integers(0, 40),
    st.data(),
)
def test_as_many_as_asked_while_there_are_any(
    scores: list[float], ask: Ask, count: int, data: st.DataObject
) -> None:
    excluded = data.draw(st.sets(st.integers(0, max(len(scores) - 1, 0)))) if scores else set()
    exclude = np.array(sorted(excluded), np.int64)
    rows = rank(np.array(scores, np.float32), ask, count=count, exclude=exclude).tolist()
    assert len(rows) == len(set(rows)) == min(count, len(scores) - len(excluded))
    assert not excluded & set(rows)
