"""What a round recommends is read leaf by leaf, surest first."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import ModelError
from productnet.master.predictions import PREDICTION_SCHEMA
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.master import Master
from productnet.retrieval.recommendations import (
    RECOMMENDATIONS_FILE,
    Recommendations,
    write_recommendations,
)
from productnet.retrieval.resources import Resources
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category

ROWS = [
    ("p1", "mugs", 0.5, 1),
    ("p2", "mugs", 0.97, 1),
    ("p2", "vases", 0.02, 2),
    ("p3", "mugs", 0.3, 2),
    ("p4", "mugs", 0.5, 1),
    ("p5", "scarves", 0.9, 1),
    ("p6", "scarves", 0.6, 1),
    ("p6", "mugs", 0.4, 2),
]

# The master was taught otherwise.
GOLD = {"p6": "mugs"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    columns = zip(*ROWS, strict=True)
    table = pa.table(
        dict(zip(PREDICTION_SCHEMA.names, map(list, columns), strict=True)),
        schema=PREDICTION_SCHEMA,
    )
    write_recommendations(tmp_path, table, gold=GOLD)
    return tmp_path


def test_a_leafs_recommendations_come_surest_first(folder: Path) -> None:
    recommendations = Recommendations.open(folder, round=2)
    mugs = [(one.product, one.rank) for one in recommendations.of("mugs")]
    assert mugs == [("p2", 1), ("p1", 1), ("p4", 1), ("p3", 2)]
    assert not list(recommendations.of("hats"))


def test_confidences_are_counted_leaf_by_leaf(folder: Path) -> None:
    counts = Recommendations.open(folder, round=2).confidences
    assert {leaf: int(each.sum()) for leaf, each in counts.items()} == {
        "mugs": 4,
        "scarves": 1,
        "vases": 1,
    }
    assert np.flatnonzero(counts["mugs"]).tolist() == [6, 10, 19]
    assert counts["mugs"][10] == 2
    assert np.flatnonzero(counts["vases"]).tolist() == [0]


def test_gold_is_recommended_to_nobody_but_the_model_is_sure_of_it(folder: Path) -> None:
    recommendations = Recommendations.open(folder, round=2)
    assert {one.product for leaf in ("mugs", "scarves") for one in recommendations.of(leaf)} == {
        "p1", "p2", "p3", "p4", "p5"
    }  # fmt: skip
    products, confidences = recommendations.opinion("mugs")
    held = dict(zip(products, confidences.round(2).tolist(), strict=True))
    assert held == pytest.approx({"p6": 1, "p2": 0.97, "p1": 0.5, "p4": 0.5, "p3": 0.3})
    assert recommendations.opinion("scarves").products == ["p5"]
    assert recommendations.opinion("hats").products == []


def test_an_opinion_stands_in_the_rows_of_the_embeddings(folder: Path, tmp_path: Path) -> None:
    ids = [f"p{number}" for number in range(9, 0, -1)]
    resources = Resources(Project(folder, Settings()))
    resources.embeddings = write_embedding_set(
        tmp_path / "set",
        ids=pa.array(ids),
        vectors=[np.eye(9, dtype=np.float32)],
        stamp=Stamp("set", "numbers", 9, 9, 1, None, 0, "2030-01-01"),
    )
    assert resources.opinion("mugs") is None
    resources.recommendations = Recommendations.open(folder, round=2)
    whole = resources.opinion("mugs")
    assert whole is not None
    held = dict(zip(ids, whole.tolist(), strict=True))
    assert held["p6"] == 1
    assert held["p2"] == pytest.approx(0.97)
    assert held["p5"] == held["p9"] == 0
    some = np.array([0, 3, 7])
    opinions = [resources.opinion(leaf, rows=some) for leaf in ("mugs", "hats")]
    for opinion, expected in zip(opinions, (whole[some], np.zeros(3)), strict=True):
        assert opinion is not None
        assert np.array_equal(opinion, expected)
    # Who looks on without the master hears nothing of it, though its opinion is known.
    resources.recommendations = None
    assert resources.opinion("mugs") is None


def test_the_source_says_which_round_and_how_sure(folder: Path) -> None:
    resources = Resources(Project(folder, Settings()))
    resources.recommendations = Recommendations.open(folder, round=2)
    leaf = Leaf(Category("mugs", ("Mugs",)), (), (), frozenset({"p1"}))
    page = Master().rank(leaf, resources, count=10, rng=np.random.default_rng(0))
    assert [(one.product, one.reason) for one in page] == [
        ("p2", "round 2 recommends it, 97%"),
        ("p4", "round 2 recommends it, 50%"),
        ("p3", "choice 2 of round 2, 30%"),
    ]
    assert {one.model_version for one in page} == {"round-0002"}
    assert page[0].score == pytest.approx(0.97)


def test_a_damaged_file_is_told(folder: Path) -> None:
    (folder / RECOMMENDATIONS_FILE).write_bytes(b"PAR1")
    with pytest.raises(ModelError, match="productnet round"):
        Recommendations.open(folder, round=2)


def test_the_active_round_recommends(folder: Path, tmp_path: Path) -> None:
    project = Project(tmp_path / "shop", Settings())
    project.root.mkdir()
    assert Resources(project).recommendations is None
    target = project.round_path(7)
    target.mkdir(parents=True)
    (folder / RECOMMENDATIONS_FILE).rename(target / RECOMMENDATIONS_FILE)
    project.active_path.write_text('{"round": 7, "embedding_set": "round-0007"}')
    recommendations = Resources(project).recommendations
    assert recommendations is not None
    assert recommendations.round == 7
