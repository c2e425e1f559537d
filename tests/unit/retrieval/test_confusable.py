"""Confusable products: which are chosen, in which order, and why, over vectors in a plane."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.state import State
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.confusable import Confusable, confusable
from productnet.retrieval.recommendations import Recommendations
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import Scored
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy
from tests.untitled import Untitled

# Products by their angle: mugs lie around 0 degrees, cups around 60, clocks around 180.
ANGLES = {
    "mug-a": 0.0,
    "mug-b": 5.0,
    "mug-new": 3.0,
    "between": 25.0,
    "cup-like": 45.0,
    "cup-a": 60.0,
    "cup-new": 62.0,
    "clock-a": 180.0,
    "clock-new": 170.0,
}
TAXONOMY = Taxonomy(
    [
        Category("kitchen", ("Kitchen",)),
        Category("mugs", ("Kitchen", "Mugs")),
        Category("cups", ("Kitchen", "Cups")),
        Category("home", ("Home",)),
        Category("clocks", ("Home", "Clocks")),
    ],
    name="t",
    version="1",
)
POSITIVES = {"mug-a": "mugs", "mug-b": "mugs", "cup-a": "cups", "clock-a": "clocks"}


class Plane:
    """The products as vectors of length one."""

    ids = pa.array(list(ANGLES), pa.string())
    vectors = np.array(
        [[np.cos(np.radians(one)), np.sin(np.radians(one))] for one in ANGLES.values()], np.float32
    )

    def rows(self, ids: Sequence[str]) -> np.ndarray:
        places = {product: row for row, product in enumerate(ANGLES)}
        return np.array([places.get(product, -1) for product in ids], np.int64)

    def read(self, rows: np.ndarray) -> np.ndarray:
        some: np.ndarray = self.vectors[rows]
        return some

    def neighbours(self, rows: np.ndarray, *, k: int) -> np.ndarray:
        raise AssertionError("a pool this small is scored whole")


@pytest.fixture
def resources() -> Resources:
    made = Untitled(Project(Path("nowhere"), Settings()))
    made.taxonomy, made.embeddings, made.recommendations = TAXONOMY, Plane(), None
    return made


@pytest.fixture
def leaf() -> Leaf:
    """Mugs, with labels in every leaf."""
    state = State()
    state.apply(
        (seq, decide(Role.LABEL, product, category, verdict=Verdict.POSITIVE, annotator="ann"))
        for seq, (product, category) in enumerate(POSITIVES.items(), start=1)
    )
    return Leaf.of("mugs", state=state, taxonomy=TAXONOMY)


def scored(scores: Mapping[str, float], leaf: Leaf) -> Scored:
    values = np.array([scores.get(product, 0.01) for product in ANGLES], np.float32)
    return Scored(None, values, "model:1", leaf.labels)


def shown(scores: Mapping[str, float], leaf: Leaf, resources: Resources) -> list[Candidate]:
    rng = np.random.default_rng(0)
    return confusable(scored(scores, leaf), leaf, resources, count=4, rng=rng)


def test_a_leaf_knows_the_positives_of_its_siblings_and_of_no_other(leaf: Leaf) -> None:
    assert leaf.rivals == {"cup-a": "Cups"}


def test_products_like_a_sibling_come_by_turns_with_those_just_below_the_boundary(
    leaf: Leaf, resources: Resources
) -> None:
    page = shown({"mug-new": 0.9, "cup-like": 0.7, "between": 0.4, "cup-new": 0.3}, leaf, resources)
    assert [(one.product, one.reason) for one in page] == [
        ("cup-like", "looks like Cups, a sibling"),
        ("between", "the local model says no, but only just (0.40)"),
        ("cup-new", "looks like Cups, a sibling"),
        ("clock-a", "the local model says no, but only just (0.01)"),
    ]
    assert {one.source for one in page} == {"active"}
    assert {one.model_version for one in page} == {"model:1"}


def test_probable_positives_and_products_known_already_are_not_shown(
    leaf: Leaf, resources: Resources
) -> None:
    products = {one.product for one in shown({"mug-new": 0.9}, leaf, resources)}
    assert products.isdisjoint({"mug-new", "mug-a", "mug-b", "cup-a"})


def test_what_the_master_recommends_and_the_local_model_denies_comes_first(
    leaf: Leaf, resources: Resources
) -> None:
    table = pa.table(
        {
            "product": ["mug-new", "clock-new"],
            "category": ["mugs", "mugs"],
            "confidence": [0.9, 0.6],
            "rank": [1, 1],
        }
    )
    resources.recommendations = Recommendations(ds.dataset(table), round=2)
    first = shown({"mug-new": 0.9, "between": 0.4}, leaf, resources)[0]
    assert (first.product, first.source, first.model_version) == (
        "clock-new",
        "master",
        "round-0002",
    )
    assert first.reason == "round 2 recommends it, 60%; the local model says no"


def test_without_labels_of_siblings_the_boundary_alone_decides(resources: Resources) -> None:
    alone = Leaf(TAXONOMY["mugs"], ["mug-a"], ["clock-a"], frozenset({"mug-a", "clock-a"}))
    page = shown({"mug-new": 0.9, "between": 0.45, "cup-a": 0.4, "cup-new": 0.3}, alone, resources)
    assert [one.product for one in page[:3]] == ["between", "cup-a", "cup-new"]


def test_a_leaf_without_a_model_is_shown_neighbours(leaf: Leaf, resources: Resources) -> None:
    rng = np.random.default_rng(0)
    page = Confusable().rank(leaf, resources, count=3, rng=rng)
    assert {one.source for one in page} == {"nearest"}


def test_the_source_asks_the_scorer_of_its_resources(leaf: Leaf, resources: Resources) -> None:
    resources.scorer = lambda leaf, resources, *, model: scored({"between": 0.4}, leaf)
    page = Confusable().rank(leaf, resources, count=1, rng=np.random.default_rng(0))
    assert len(page) == 1
