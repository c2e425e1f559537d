import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from productnet.errors import UsageError
from productnet.evaluation.selective import selective, separation


@given(seed=st.integers(0, 9_999), known=st.integers(1, 40), unknown=st.integers(1, 40))
def test_separation_is_the_area_under_the_roc_curve(seed: int, known: int, unknown: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 6, known + unknown).astype(float)
    found = separation(scores[:known], scores[known:])
    expected = roc_auc_score(np.arange(known + unknown) < known, scores)
    assert found.auroc == pytest.approx(expected)


def test_what_is_accepted_where_95_of_a_hundred_known_are() -> None:
    found = separation(np.arange(100.0), np.array([-1.0, 4.0, 5.0, 200.0]))
    assert found.accepted_at_95 == 0.5
    assert (found.known, found.unknown) == (100, 4)


def test_precision_of_the_surest_by_hand() -> None:
    found = selective(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]))
    assert found.coverage == (0.25, 0.5, 0.75, 1.0)
    assert found.precision == pytest.approx((1, 1, 2 / 3, 3 / 4))
    assert found.aurc == pytest.approx((1 / 3 + 1 / 4) / 4)


def test_equal_confidence_earns_nothing_by_order() -> None:
    right = np.array([True, False] * 10)
    forwards, backwards = (selective(np.ones(20), order) for order in (right, right[::-1]))
    assert forwards == backwards
    assert forwards.precision[0] == 0.0


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="there are 0 known and 3 unknown"):
        separation(np.zeros(0), np.ones(3))
    with pytest.raises(UsageError, match="1 confidences but 2 answers"):
        selective(np.ones(1), np.ones(2, bool))
