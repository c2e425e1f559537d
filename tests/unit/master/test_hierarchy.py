import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import UsageError
from productnet.master.hierarchy import Tree

PATHS = [
    ("Home", "Mugs", "Travel"),
    ("Home", "Mugs", "Enamel"),
    ("Home", "Lamps"),
    ("Garden",),
]


def test_probabilities_are_summed_upward() -> None:
    tree = Tree(PATHS)
    summed = dict(zip(tree.nodes, tree.roll_up(np.array([[0.4, 0.3, 0.2, 0.1]]))[0], strict=True))
    assert summed[("Home",)] == pytest.approx(0.9)
    assert summed[("Home", "Mugs")] == pytest.approx(0.7)
    assert summed[("Garden",)] == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("chances", "sure", "path", "probability"),
    [
        ([0.95, 0.03, 0.01, 0.01], 0.9, PATHS[0], 0.95),
        ([0.5, 0.45, 0.03, 0.02], 0.9, ("Home", "Mugs"), 0.95),
        ([0.4, 0.2, 0.35, 0.05], 0.9, ("Home",), 0.95),
        ([0.3, 0.2, 0.1, 0.4], 0.9, (), 1.0),
        ([0.0, 0.0, 0.0, 1.0], 1.0, ("Garden",), 1.0),
    ],
)
def test_the_deepest_sure_category(
    chances: list[float], sure: float, path: tuple[str, ...], probability: float
) -> None:
    found = Tree(PATHS).deepest(np.array([chances]), sure=sure)
    assert found.paths == [path]
    assert found.probabilities[0] == pytest.approx(probability)


@given(seed=st.integers(0, 999))
def test_children_never_sum_to_more_than_their_parent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tree = Tree(PATHS)
    summed = tree.roll_up(rng.dirichlet(np.ones(4), size=3))
    place = {node: number for number, node in enumerate(tree.nodes)}
    roots = [number for node, number in place.items() if len(node) == 1]
    np.testing.assert_allclose(summed[:, roots].sum(axis=1), 1)
    for node, number in place.items():
        below = [place[other] for other in place if other[:-1] == node]
        if below:
            np.testing.assert_allclose(summed[:, below].sum(axis=1), summed[:, number])


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="Class 1 has an empty path"):
        Tree([("A",), ()])
    with pytest.raises(UsageError, match='Two classes have the path "A > B"'):
        Tree([("A", "B"), ("A", "B")])
    with pytest.raises(UsageError, match=r"has 4 classes; these probabilities have shape \(1, 3\)"):
        Tree(PATHS).roll_up(np.ones((1, 3)))
    with pytest.raises(UsageError, match="above 0.5 and at most 1.*not 0.4"):
        Tree(PATHS).deepest(np.ones((1, 4)), sure=0.4)
