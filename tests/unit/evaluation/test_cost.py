import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import UsageError
from productnet.evaluation.cost import (
    found_after,
    random_found,
    random_views,
    views_needed,
    work_seconds,
)
from productnet.settings import CostSettings

rising = st.sets(st.integers(1, 300), max_size=40).map(sorted)


def test_positives_are_counted_up_to_a_view() -> None:
    hits = [2, 3, 20, 41]
    assert [found_after(hits, views) for views in (1, 2, 20, 40, 400)] == [0, 1, 3, 3, 4]


def test_views_needed_are_those_up_to_the_last_wanted_positive() -> None:
    hits = [2, 3, 20, 41]
    assert [views_needed(hits, wanted) for wanted in range(6)] == [0, 2, 3, 20, 41, None]


@given(rising, st.integers(0, 40))
def test_after_the_views_needed_there_is_what_was_wanted(hits: list[int], wanted: int) -> None:
    views = views_needed(hits, wanted)
    if views is None:
        assert wanted > len(hits)
    else:
        assert found_after(hits, views) == wanted
        assert views == 0 or found_after(hits, views - 1) == wanted - 1


def test_everything_is_looked_at_once_and_positives_twice() -> None:
    cost = CostSettings(label_seconds=3, audit_seconds=2)
    assert work_seconds(200, 60, cost=cost) == 720


def test_chance_agrees_with_drawing_at_random() -> None:
    rng = np.random.default_rng(0)
    draws = np.array([rng.permutation(200) < 8 for _ in range(4_000)])  # (4000, 200)
    fifth = [np.flatnonzero(drawn)[4] + 1 for drawn in draws]
    assert random_views(5, positives=8, pool=200) == pytest.approx(np.mean(fifth), rel=0.02)
    found = draws[:, :50].sum(axis=1).mean()
    assert random_found(50, positives=8, pool=200) == pytest.approx(found, rel=0.02)
    assert random_found(900, positives=8, pool=200) == 8


def test_more_than_there_is_cannot_be_found() -> None:
    with pytest.raises(UsageError, match="9 positives cannot be found among 8"):
        random_views(9, positives=8, pool=200)
