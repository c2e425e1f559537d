import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.embeddings.nearest import unit_rows
from productnet.errors import ModelError, UsageError
from productnet.master.novelty import familiarity, least_familiarity


def test_familiarity_is_the_cosine_to_the_nearest_taught() -> None:
    rng = np.random.default_rng(0)
    vectors, taught = (
        unit_rows(rng.normal(size=(count, 4)).astype(np.float32)) for count in (9, 7)
    )
    np.testing.assert_allclose(
        familiarity(vectors, taught), (vectors @ taught.T).max(axis=1), rtol=1e-6
    )
    assert familiarity(taught[:1], taught)[0] == pytest.approx(1)
    assert familiarity(vectors, taught[:0]).tolist() == [-1.0] * 9


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_new_unknown_products_are_taken_no_oftener_than_stated(rate: float) -> None:
    rng = np.random.default_rng(0)
    taken = []
    for _ in range(300):
        line = least_familiarity(rng.normal(size=60), false_accept=rate)
        taken.append((rng.normal(size=100) >= line).mean())
    assert rate - 1 / 61 - 0.01 <= np.mean(taken) <= rate + 0.01


@given(
    unknown=st.lists(st.floats(-5, 5), min_size=20, max_size=80),
    rate=st.sampled_from([0.05, 0.1, 0.3]),
)
def test_no_more_of_the_hidden_themselves_are_taken_either(
    unknown: list[float], rate: float
) -> None:
    line = least_familiarity(np.array(unknown), false_accept=rate)
    assert np.mean(np.array(unknown) >= line) <= rate


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="false-accept rate is a share.*not 5"):
        least_familiarity(np.ones(50), false_accept=5)
    with pytest.raises(ModelError, match="of 0.05 needs 20 products of hidden leaves.*with 19"):
        least_familiarity(np.ones(19), false_accept=0.05)
