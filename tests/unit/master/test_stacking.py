"""Stacking: shares by what held-out products say."""

import numpy as np
import pytest

from productnet.master.stacking import stacked_shares

CLASSES = 5


def opinions(count: int, *skills: float) -> tuple[list[np.ndarray], np.ndarray]:
    """Logits of parts that see the truth through noise, and the truth."""
    rng = np.random.default_rng(0)
    truth = rng.integers(CLASSES, size=count)
    right = np.eye(CLASSES)[truth]
    return [
        (skill * right + rng.normal(size=right.shape)).astype(np.float32) for skill in skills
    ], truth


def errors(said: list[np.ndarray], truth: np.ndarray, shares: list[float]) -> int:
    mean = np.einsum("p,pnc->nc", shares, np.stack(said))
    return int((mean.argmax(axis=1) != truth).sum())


def test_a_part_that_knows_more_gets_more_and_no_part_gets_nothing() -> None:
    said, truth = opinions(1000, 0.2, 3.0, 1.0)
    shares = stacked_shares(said, truth, [0.4, 0.3, 0.3])
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    assert shares[1] > 0.6
    assert errors(said, truth, shares) < 0.6 * errors(said, truth, [0.4, 0.3, 0.3])


def test_parts_that_err_elsewhere_share() -> None:
    said, truth = opinions(1000, 2.0, 2.0)
    assert stacked_shares(said, truth, [0.9, 0.1]) == pytest.approx([0.5, 0.5], abs=0.1)


def test_a_handful_of_products_hardly_moves_the_presets_shares() -> None:
    said, truth = opinions(10, 0.2, 3.0, 1.0)
    prior = [0.4, 0.3, 0.3]
    assert stacked_shares(said, truth, prior) == pytest.approx(prior, abs=0.2)
    nobody = [one[:0] for one in said]
    assert stacked_shares(nobody, truth[:0], prior) == prior


def test_wrong_labels_do_not_give_everything_to_the_part_that_says_least() -> None:
    said, truth = opinions(400, 2.0, 1.0)
    said[0] *= 5
    wrong = truth.copy()
    wrong[:40] = (wrong[:40] + 1) % CLASSES
    shares = stacked_shares(said, wrong, [0.5, 0.5])
    assert errors(said, truth, shares) <= errors(said, truth, [0.5, 0.5])


def test_what_a_product_weighs_is_what_it_counts() -> None:
    said, truth = opinions(600, 2.0, 2.0)
    # The first part knows one half of the products, the second the other.
    said[0][300:] = said[0][300:][:, ::-1]
    said[1][:300] = said[1][:300][:, ::-1]
    weights = np.where(np.arange(600) < 300, 1.0, 0.1)
    assert stacked_shares(said, truth, [0.5, 0.5], weights=weights)[0] > 0.7
    assert stacked_shares(said, truth, [0.5, 0.5], weights=weights[::-1].copy())[0] < 0.3


def test_a_part_without_a_share_stays_without() -> None:
    said, truth = opinions(200, 3.0, 0.2, 1.0)
    shares = stacked_shares(said, truth, [0.0, 0.5, 0.5])
    assert shares[0] == 0
    assert shares[2] > 0.5
    assert stacked_shares(said, truth, [0.0, 1.0, 0.0]) == [0.0, 1.0, 0.0]


def test_the_same_products_always_give_the_same_shares() -> None:
    said, truth = opinions(3000, 1.0, 1.5)
    prior = [0.5, 0.5]
    assert stacked_shares(said, truth, prior) == stacked_shares(said, truth, prior)
