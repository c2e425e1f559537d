import numpy as np
import pytest

from productnet.master.calibration import fit_temperature


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_logits_that_are_a_factor_too_sure_get_that_factor_back(factor: float) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 5)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = (chances.cumsum(axis=1) > rng.random((20_000, 1))).argmax(axis=1)
    assert fit_temperature(logits * factor, classes) == pytest.approx(factor, rel=0.05)


def test_without_products_nothing_is_changed() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, dtype=np.int64)) == 1.0


def test_a_few_products_that_are_all_right_do_not_make_the_model_certain() -> None:
    logits = np.eye(4)[[0, 1, 2, 3] * 2] * 3.0
    classes = np.array([0, 1, 2, 3] * 2)
    sharpened = logits / fit_temperature(logits, classes)
    chances = np.exp(sharpened) / np.exp(sharpened).sum(axis=1, keepdims=True)
    assert 0.85 < chances.max() < 0.95
