import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from productnet.errors import UsageError
from productnet.evaluation.reliability import (
    calibration,
    classwise_error,
    untempered,
)
from productnet.master.calibration import equal_mass_error

seeds = st.integers(0, 2**32 - 1)


@given(seed=seeds, size=st.integers(20, 60), bins=st.integers(1, 8))
def test_the_error_is_the_mean_gap_of_bins_of_equal_mass(seed: int, size: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.permutation(size * bins) / (size * bins)
    correct = rng.random(size * bins) < confidence
    order = np.argsort(confidence)
    expected = np.mean(
        [abs(confidence[part].mean() - correct[part].mean()) for part in np.split(order, bins)]
    )
    assert equal_mass_error(confidence, correct, bins=bins) == pytest.approx(expected)


@given(seed=seeds)
def test_the_order_of_products_does_not_matter_even_where_claims_are_equal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidence = rng.choice([0.5, 0.9, 0.99], 200)
    correct = rng.random(200) < 0.8
    order = rng.permutation(200)
    assert equal_mass_error(confidence, correct) == pytest.approx(
        equal_mass_error(confidence[order], correct[order])
    )


def test_the_interval_holds_the_error_of_a_model_that_is_ten_points_too_sure() -> None:
    rng = np.random.default_rng(0)
    claimed = rng.uniform(0.7, 1, 3_000)
    found = calibration(claimed, rng.random(3_000) < claimed - 0.1, seed=1)
    assert found.interval is not None
    assert found.interval[0] < 0.1 < found.interval[1]
    assert found.interval[1] - found.interval[0] < 0.04
    assert calibration(claimed, np.ones(3_000, bool)).interval is None


def test_classwise_error_is_that_of_every_column() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 3))
    chances = softmax(logits, axis=1)
    truth = (chances.cumsum(axis=1) > rng.random((500, 1))).argmax(axis=1)
    expected = np.mean([equal_mass_error(chances[:, k], truth == k) for k in range(3)])
    assert classwise_error(chances, truth) == pytest.approx(expected)
    assert classwise_error(softmax(4 * logits, axis=1), truth) > 2 * expected


@given(seed=seeds, temperature=st.floats(0.5, 4))
def test_a_temperature_is_taken_back(seed: int, temperature: float) -> None:
    logits = np.random.default_rng(seed).normal(size=(4, 5))
    after = softmax(logits / temperature, axis=1)
    np.testing.assert_allclose(untempered(after, temperature), softmax(logits, axis=1), rtol=1e-5)
    # The last output is "none of these", and is not among the probabilities.
    np.testing.assert_allclose(
        untempered(after[:, :4], temperature), softmax(logits, axis=1)[:, :4], atol=0.004
    )


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="row 1 has 1.5"):
        calibration(np.array([0.5, 1.5]), np.array([True, True]))
    with pytest.raises(UsageError, match="2 rows of probabilities but 1 true labels"):
        classwise_error(np.ones((2, 2)) / 2, np.array([0]))
