import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import f1_score, top_k_accuracy_score

from productnet.errors import UsageError
from productnet.evaluation.metrics import (
    accuracy_by_level,
    confused_pairs,
    macro_f1,
    top_k_accuracy,
    truth_columns,
    truth_ranks,
)
from productnet.evaluation.reliability import calibration

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, rows=st.integers(1, 60), classes=st.integers(3, 9), k=st.integers(1, 9))
def test_top_k_accuracy_is_that_of_scikit_learn(seed: int, rows: int, classes: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    scores, truth = rng.normal(size=(rows, classes)), rng.integers(0, classes, rows)
    k = min(k, classes - 1)
    expected = top_k_accuracy_score(truth, scores, k=k, labels=range(classes))
    assert top_k_accuracy(scores, truth, k=k) == pytest.approx(expected)


@given(seed=seeds, rows=st.integers(1, 60), classes=st.integers(1, 9))
def test_macro_f1_is_that_of_scikit_learn(seed: int, rows: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    predicted, truth = rng.integers(0, classes, rows), rng.integers(0, classes, rows)
    expected = f1_score(truth, predicted, average="macro", zero_division=0)
    assert macro_f1(predicted, truth) == pytest.approx(expected)


@settings(deadline=None)
@given(seed=seeds, rows=st.integers(1, 200))
def test_reliability_bins_are_those_of_scikit_learn(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    confidence, correct = rng.random(rows), rng.random(rows) < 0.6
    correct[0] = not correct[1:].all()  # scikit-learn refuses a single outcome of two rows
    if len(set(correct.tolist())) < 2:
        return
    came_true, claimed = calibration_curve(correct, confidence, n_bins=10)
    bins = calibration(confidence, correct).bins
    assert [one.accuracy for one in bins] == pytest.approx(came_true.tolist())
    assert [one.confidence for one in bins] == pytest.approx(claimed.tolist())
    assert sum(one.count for one in bins) == rows


def test_a_model_that_cannot_tell_earns_nothing() -> None:
    assert top_k_accuracy(np.zeros((4, 6)), np.array([0, 1, 2, 5]), k=5) == 0.0
    assert top_k_accuracy(np.zeros((4, 6)), np.array([0, 1, 2, 5]), k=6) == 1.0


def test_an_unseen_leaf_is_always_wrong() -> None:
    truth = truth_columns(["mugs", "sofas"], classes=["chairs", "mugs"])
    ranks = truth_ranks(np.array([[0.1, 0.9], [0.5, 0.5]]), truth)
    assert truth.tolist() == [1, -1]
    assert ranks.tolist() == [1, 3]
    assert macro_f1(np.array([1, 0]), truth) == pytest.approx(1 / 3)


def test_confused_pairs_are_counted_by_direction_and_show_the_surest_mistakes() -> None:
    pairs = confused_pairs(
        ["p1", "p2", "p3", "p4", "p5"],
        ["mugs", "mugs", "mugs", "cups", "mugs"],
        ["cups", "cups", "mugs", "mugs", "cups"],
        confidence=np.array([0.2, 0.9, 0.8, 0.5, 0.4]),
        examples=2,
    )
    assert [(pair.truth, pair.predicted, pair.count) for pair in pairs] == [
        ("mugs", "cups", 3),
        ("cups", "mugs", 1),
    ]
    assert pairs[0].examples == ("p2", "p5")
    assert pairs[0].share == pytest.approx(3 / 4)


def test_calibration_of_a_model_that_is_right_as_often_as_it_says() -> None:
    confidence = np.repeat([0.25, 0.75], 4)
    correct = np.array([True, False, False, False, True, True, True, False])
    assert calibration(confidence, correct).ece == pytest.approx(0.0)
    assert calibration(np.ones(4), np.zeros(4, bool)).ece == pytest.approx(1.0)


def test_accuracy_by_level_falls_with_depth_and_ends_with_the_leaves() -> None:
    truth = [("Kitchen", "Drinkware", "Mugs"), ("Kitchen", "Drinkware", "Cups"), ("Toys",)]
    predicted = [("Kitchen", "Drinkware", "Mugs"), ("Kitchen", "Drinkware", "Mugs"), ("Garden",)]
    levels = accuracy_by_level(truth, predicted)
    assert levels == pytest.approx((2 / 3, 2 / 3, 1 / 3))


def test_errors_give_both_counts_and_the_offending_value() -> None:
    scores = np.array([[0.1, 0.9]])
    with pytest.raises(UsageError, match="1 rows of scores but 2 true labels"):
        truth_ranks(scores, np.array([0, 1]))
    with pytest.raises(UsageError, match="True column 2 is outside the 2 scored classes"):
        truth_ranks(scores, np.array([2]))
    with pytest.raises(UsageError, match="row 0 hold NaN"):
        truth_ranks(np.array([[0.1, np.nan]]), np.array([0]))
    with pytest.raises(UsageError, match="no test product"):
        macro_f1(np.array([], int), np.array([], int))
    with pytest.raises(UsageError, match=r"row 1 has -2\.0"):
        calibration(np.array([0.5, -2.0]), np.array([True, False]))
    with pytest.raises(UsageError, match="k of at least 1"):
        top_k_accuracy(scores, np.array([0]), k=0)
