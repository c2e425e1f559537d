import numpy as np
import pytest

from productnet.evaluation.certainty import measure_certainty
from productnet.master.conformal import Strangeness
from tests.unit.evaluation.conftest import certainty, guesses

PATHS: dict[str, tuple[str, ...]] = {
    "mugs": ("Home", "Mugs"),
    "cups": ("Home", "Cups"),
    "sofas": ("Home", "Sofas"),
    "kites": ("Toys", "Kites"),
}


def test_promises_of_a_calibrated_model_are_kept() -> None:
    rng = np.random.default_rng(0)
    promised = certainty(rng, PATHS, held_out=3_000)
    chances, truth = guesses(rng, 3_000, 4)
    names = list(PATHS)
    found = measure_certainty(
        promised,
        chances,
        truth,
        [PATHS[names[number]] for number in truth],
        PATHS,
        temperature=1.0,
        seed=0,
    )
    assert [one.wanted for one in found.promises] == [0.9, 0.95, 0.99]
    for one in found.promises:
        assert one.certified
        assert one.reached is not None
        assert one.reached >= one.wanted - 0.005
        assert one.at_least <= one.reached
        assert one.decided == round(one.coverage * 3_000)
        assert set(one.coverage_of_leaf) == set(PATHS)
    coverages = [one.coverage for one in found.promises]
    assert coverages == sorted(coverages, reverse=True)
    assert {one.kind for one in found.sets} == {Strangeness.LAC, Strangeness.RAPS}
    for sets in found.sets:
        assert sets.covered >= sets.wanted - 0.03
    for depth in found.depths:
        assert depth.right is not None
        assert depth.right >= depth.sure - 0.01
        assert depth.at_leaf <= depth.placed <= 1
    assert found.doubt is not None
    assert sum(found.doubt.known) == pytest.approx(1)
    assert found.before.ece < 0.03


def test_an_unseen_leaf_is_never_right_nor_in_a_set() -> None:
    rng = np.random.default_rng(1)
    promised = certainty(rng, PATHS)
    chances, _ = guesses(rng, 50, 4)
    found = measure_certainty(
        promised,
        chances,
        np.full(50, -1),
        [("Garden", "Spades")] * 50,
        PATHS,
        temperature=1.0,
        seed=0,
    )
    assert all(one.reached in (None, 0.0) for one in found.promises)
    assert all(one.covered == 0.0 and one.low_leaves is None for one in found.sets)
    assert all(one.right in (None, 0.0) for one in found.depths)
