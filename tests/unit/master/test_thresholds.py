import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from productnet.errors import UsageError
from productnet.master.thresholds import (
    NEVER,
    Basis,
    certified_threshold,
    choose_thresholds,
    estimated_threshold,
    precision_bound,
)

seeds = st.integers(0, 2**32 - 1)


def judged(
    rng: np.random.Generator, count: int, *, overconfident: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Confidences and whether they came true; claims are too high if ``overconfident`` > 1."""
    claimed = 1 - rng.beta(0.6, 4, count)
    return claimed, rng.random(count) < claimed**overconfident


@given(right=st.integers(1, 400), wrong=st.integers(0, 40), risk=st.floats(0.01, 0.3))
def test_the_bound_is_that_of_clopper_and_pearson(right: int, wrong: int, risk: float) -> None:
    exact = binomtest(right, right + wrong).proportion_ci(1 - 2 * risk, method="exact")
    assert precision_bound(right, right + wrong, risk=risk) == pytest.approx(exact.low, abs=1e-6)


def test_nothing_right_shows_no_precision() -> None:
    assert precision_bound(0, 5) == 0.0


@pytest.mark.parametrize("overconfident", [1.0, 2.5], ids=["calibrated", "overconfident"])
@pytest.mark.parametrize("precision", [0.9, 0.97])
def test_a_certified_precision_is_missed_no_oftener_than_the_risk(
    overconfident: float, precision: float
) -> None:
    rng = np.random.default_rng(0)
    missed = certified = 0
    for _ in range(400):
        claimed, right = judged(rng, 300, overconfident=overconfident)
        threshold = certified_threshold(claimed, right, precision=precision, risk=0.1)
        if threshold is not None:
            certified += 1
            taken = claimed >= threshold
            # The truth: what the accepted were right with, not what they happened to be.
            missed += (claimed[taken] ** overconfident).mean() < precision
    assert certified > 40
    assert missed / 400 <= 0.1 + 0.03


def test_two_hundred_and_thirty_without_an_error_certify_99_percent() -> None:
    for count, found in ((229, None), (230, 0.999)):
        sure, right = np.full(count, 0.999), np.ones(count, bool)
        assert certified_threshold(sure, right, precision=0.99, risk=0.1) == found


@given(seed=seeds, count=st.integers(0, 300), precision=st.floats(0.5, 0.99))
def test_thresholds_take_what_they_say(seed: int, count: int, precision: float) -> None:
    rng = np.random.default_rng(seed)
    confidence, right = judged(rng, count)
    said = rng.integers(0, 4, count)
    truth = np.where(right, said, (said + 1) % 4)
    chosen = choose_thresholds(truth, said, confidence, classes=4, precision=precision)
    taken = chosen.takes(said, confidence)
    assert chosen.coverage == pytest.approx(taken.mean() if count else 0.0)
    assert chosen.held_out == count
    if taken.any():
        assert chosen.right == pytest.approx(right[taken].mean())
    for leaf in range(4):
        own = truth == leaf
        expected = taken[own].mean() if own.any() else None
        assert chosen.coverage_of_leaf[leaf] == (expected and pytest.approx(expected)) or (
            chosen.coverage_of_leaf[leaf] == expected
        )
        if chosen.basis[leaf] is Basis.RAISED:
            assert chosen.of_leaf[leaf] > chosen.pooled
        if chosen.basis[leaf] is Basis.POOLED:
            assert chosen.of_leaf[leaf] == chosen.pooled


def test_a_leaf_with_many_products_has_its_own_threshold_and_a_bad_one_is_raised() -> None:
    rng = np.random.default_rng(1)
    easy = (np.zeros(400, int), np.zeros(400, int), rng.uniform(0.6, 1, 400))
    thin = (np.ones(10, int), np.ones(10, int), rng.uniform(0.97, 1, 10))
    # Always sure, half of the time wrong.
    bad = (np.tile([2, 0], 15), np.full(30, 2), rng.uniform(0.98, 1, 30))
    truth, said, sure = (np.concatenate(parts) for parts in zip(easy, thin, bad, strict=True))
    chosen = choose_thresholds(truth, said, sure, classes=3, precision=0.9)
    assert [one.value for one in chosen.basis] == ["own", "pooled", "raised"]
    assert chosen.of_leaf[0] == pytest.approx(sure[:400].min())
    assert chosen.of_leaf[2] > chosen.pooled
    assert chosen.right is not None
    assert chosen.right >= 0.9


def test_too_few_products_are_certain_of_nothing_and_say_so() -> None:
    truth = np.arange(20) % 2
    sure = np.linspace(0.9, 0.999, 20)
    chosen = choose_thresholds(truth, truth, sure, classes=2, precision=0.99)
    assert not chosen.certified
    assert 0 < chosen.coverage <= 1
    unsure = choose_thresholds(truth, 1 - truth, sure, classes=2, precision=0.99)
    assert unsure.pooled == NEVER
    assert unsure.coverage == 0.0
    assert unsure.right is None


def test_nothing_held_out_takes_nothing() -> None:
    chosen = choose_thresholds([], [], [], classes=2, precision=0.9)
    assert chosen.of_leaf == (NEVER, NEVER)
    assert chosen.coverage_of_leaf == (None, None)
    assert estimated_threshold(np.zeros(0), np.zeros(0, bool), precision=0.9) == NEVER


@settings(max_examples=25)
@given(seed=seeds)
def test_a_higher_precision_never_takes_more_by_estimate(seed: int) -> None:
    confidence, right = judged(np.random.default_rng(seed), 60)
    lines = [estimated_threshold(confidence, right, precision=p) for p in (0.8, 0.9, 0.95, 0.99)]
    assert lines == sorted(lines)


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="A wanted precision is a share between 0 and 1.*not 1.0"):
        choose_thresholds([0, 1], [0, 1], [0.9, 0.8], classes=2, precision=1.0)
    with pytest.raises(UsageError, match="not 99"):
        choose_thresholds([0, 1], [0, 1], [0.9, 0.8], classes=2, precision=99)
    with pytest.raises(UsageError, match="The risk is a share.*not 0.0"):
        choose_thresholds([0, 1], [0, 1], [0.9, 0.8], classes=2, precision=0.9, risk=0.0)
    with pytest.raises(UsageError, match="2 true classes, 1 predictions and 2 confidences"):
        choose_thresholds([0, 1], [0], [0.9, 0.8], classes=2, precision=0.9)
