import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import ModelError, UsageError
from productnet.master.conformal import (
    Strangeness,
    conformal_quantile,
    fewest_for,
    fit_quantiles,
    mean_size,
    names_of,
    strangeness_of_all,
    strangeness_of_truth,
)
from productnet.master.held_out import HeldOut, one_a_group

KINDS = list(Strangeness)


def drawn(rng: np.random.Generator, count: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that is no better than it should be, and the truth."""
    logits = rng.normal(size=(count, classes)) * 2
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # The truth follows other probabilities than those claimed: conformal sets must not care.
    true = np.exp(0.6 * logits) / np.exp(0.6 * logits).sum(axis=1, keepdims=True)
    return chances, (true.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)


def kept(chances: np.ndarray, truth: np.ndarray) -> HeldOut:
    nothing = np.zeros(len(truth))
    return HeldOut.of(
        chances,
        truth,
        raw=chances.max(axis=1),
        known=nothing,
        unknown=nothing[:0],
        unknown_leaf=truth[:0],
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.95])
def test_exchangeable_products_are_covered_as_promised(kind: Strangeness, coverage: float) -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        held_out = kept(*drawn(rng, 60, 6))
        quantiles = fit_quantiles(held_out, classes=6, coverage=coverage, strangeness=kind)
        chances, truth = drawn(rng, 200, 6)
        sets = quantiles.sets(chances)
        covered.append(sets[np.arange(200), truth].mean())
    # The promise is of the mean over calibrations; 60 of them leave an error of about .008.
    assert coverage - 0.02 <= np.mean(covered) <= coverage + 1 / 61 + 0.02


def test_leaf_by_leaf_every_leaf_is_covered_where_all_together_one_is_not() -> None:
    rng = np.random.default_rng(3)

    def of_hard_leaf(count: int) -> tuple[np.ndarray, np.ndarray]:
        """Leaf 2 is a tenth of the products, and looks like leaf 0."""
        truth = rng.choice(3, count, p=[0.45, 0.45, 0.1])
        logits = rng.normal(size=(count, 3))
        logits[np.arange(count), np.where(truth == 2, 0, truth)] += 3
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), truth

    held_out = kept(*of_hard_leaf(3_000))
    chances, truth = of_hard_leaf(5_000)
    covered = {}
    for by_leaf in (False, True):
        sets = fit_quantiles(held_out, classes=3, coverage=0.9, by_leaf=by_leaf).sets(chances)
        covered[by_leaf] = [sets[truth == leaf, leaf].mean() for leaf in range(3)]
    assert covered[False][2] < 0.5
    assert min(covered[True]) > 0.86


def test_thin_leaves_share_a_quantile() -> None:
    rng = np.random.default_rng(4)
    chances, _ = drawn(rng, 130, 4)
    truth = np.repeat([0, 1, 2, 3], [100, 12, 12, 6])
    quantiles = fit_quantiles(kept(chances, truth), classes=4, coverage=0.9, by_leaf=True)
    assert quantiles.own == (True, False, False, False)
    assert len(set(quantiles.of_leaf)) == 2
    assert quantiles.of_leaf[1] == quantiles.of_leaf[3]


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=200),
    coverage=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]),
)
def test_the_quantile_leaves_room_for_one_more(scores: list[float], coverage: float) -> None:
    found = conformal_quantile(np.array(scores), coverage)
    if len(scores) < fewest_for(coverage):
        assert found == np.inf
        return
    inside = sum(score <= found for score in scores)
    assert inside / (len(scores) + 1) >= coverage - 1e-9


def test_the_fewest_products_for_a_coverage() -> None:
    assert [fewest_for(c) for c in (0.5, 0.9, 0.95, 0.99)] == [1, 9, 19, 99]
    few = kept(*drawn(np.random.default_rng(0), 50, 3))
    sets = fit_quantiles(few, classes=3, coverage=0.99).sets(np.array([[0.9, 0.1, 0.0]]))
    assert sets.all()


@given(seed=st.integers(0, 999), kind=st.sampled_from(KINDS))
def test_what_is_kept_of_the_truth_is_what_all_categories_are_measured_by(
    seed: int, kind: Strangeness
) -> None:
    chances, truth = drawn(np.random.default_rng(seed), 20, 5)
    everything = strangeness_of_all(chances, kind)
    np.testing.assert_allclose(
        strangeness_of_truth(kept(chances, truth), kind),
        everything[np.arange(20), truth],
        atol=1e-6,
    )


def test_sets_that_grow_always_hold_the_likeliest_and_are_named_in_order() -> None:
    rng = np.random.default_rng(0)
    chances, truth = drawn(rng, 300, 4)
    quantiles = fit_quantiles(kept(chances, truth), classes=4, coverage=0.8, strangeness=KINDS[1])
    sets = quantiles.sets(chances)
    assert sets[np.arange(300), chances.argmax(axis=1)].all()
    assert mean_size(sets) >= 1
    named = names_of(np.array([[True, False, True]]), np.array([[0.2, 0.1, 0.7]]), ["a", "b", "c"])
    assert named == [("c", "a")]


def test_copies_of_one_label_count_once() -> None:
    rows = one_a_group(np.array([7, 7, 3, 7, 3]), np.array([0, 0, 1, 1, 1]))
    assert rows.tolist() == [0, 2, 3]


def test_mistakes_are_named() -> None:
    held_out = kept(*drawn(np.random.default_rng(0), 20, 3))
    with pytest.raises(UsageError, match=r"coverage of sets is a share.*not 95"):
        fit_quantiles(held_out, classes=3, coverage=95)
    with pytest.raises(UsageError, match='no sets of kind "lax". Take lac, aps, raps'):
        Strangeness.named("lax")
    with pytest.raises(ModelError, match="their columns have 1, 2 entries"):
        HeldOut((0,), (0, 1), (1.0,), (1.0,), (0.0,), (1,), (1.0,), (0.0,), (), (), 1)
