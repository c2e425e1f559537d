import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.embeddings.nearest import unit_rows
from productnet.errors import ModelError, UsageError
from productnet.master.novelty import Familiar, hidden_leaves_for, least_familiarity


def test_familiarity_is_the_distance_of_mahalanobis_to_the_nearest_middle() -> None:
    rng = np.random.default_rng(0)
    classes = np.repeat([3, 5, 9], 400)
    middles = rng.normal(size=(3, 4))
    spread = np.array([1.2, 1.0, 0.9, 0.7])
    vectors = middles[np.repeat([0, 1, 2], 400)] + rng.normal(size=(1_200, 4)) * spread
    new = rng.normal(size=(20, 4)) * 3
    found = Familiar.of(vectors.astype(np.float32), classes)(new.astype(np.float32))
    expected = [-min((((one - middle) / spread) ** 2).sum() for middle in middles) for one in new]
    np.testing.assert_allclose(found, expected, rtol=0.25)
    assert np.corrcoef(found, expected)[0, 1] > 0.99


@pytest.mark.parametrize("products", [2, 5])
def test_fewer_products_than_dimensions_still_tell_near_from_far(products: int) -> None:
    rng = np.random.default_rng(0)
    taught = unit_rows(rng.normal(size=(products, 16)).astype(np.float32))
    known = Familiar.of(taught, np.arange(products))
    near, far = known(np.concatenate([taught[:1], -taught[:1]]))
    assert np.isfinite([near, far]).all()
    assert near > far


@pytest.mark.parametrize("rate", [0.1, 0.2])
def test_of_a_new_leaf_no_more_is_taken_than_stated_though_products_of_a_leaf_are_alike(
    rate: float,
) -> None:
    rng = np.random.default_rng(0)

    def drawn(leaves: int) -> tuple[np.ndarray, np.ndarray]:
        """Each leaf looks known by its own measure, and has few products or many."""
        of = np.repeat(np.arange(leaves), rng.integers(2, 40, leaves))
        return rng.normal(size=leaves)[of] + rng.normal(0, 0.3, len(of)), of

    taken = []
    for _ in range(400):
        line = least_familiarity(*drawn(20), false_accept=rate)
        taken.append((drawn(1)[0] >= line).mean())
    # A twentieth of what is taken may be lost, for there are twenty leaves; the rest is chance.
    assert rate - 1 / 20 - 0.03 <= np.mean(taken) <= rate + 0.03


@given(
    unknown=st.lists(st.floats(-5, 5), min_size=20, max_size=80),
    rate=st.sampled_from([0.1, 0.3, 0.9]),
)
def test_of_the_hidden_leaves_themselves_less_is_taken(unknown: list[float], rate: float) -> None:
    looks, leaves = np.array(unknown), np.arange(len(unknown)) % 10
    taken = looks >= least_familiarity(looks, leaves, false_accept=rate)
    rates = [taken[leaves == leaf].mean() for leaf in range(10)]
    assert (np.sum(rates) + 1) / 11 <= rate + 1e-9


def test_mistakes_are_named() -> None:
    leaves = np.arange(50) % 9
    with pytest.raises(UsageError, match="false-accept rate is a share.*not 5"):
        least_familiarity(np.ones(50), leaves, false_accept=5)
    with pytest.raises(ModelError, match="of 0.05 needs 19 hidden leaves.*with 9"):
        least_familiarity(np.ones(50), leaves, false_accept=0.05)
    assert [hidden_leaves_for(rate) for rate in (0.05, 0.1, 0.5)] == [19, 9, 1]
