"""After a round: what reads the initial embedding set, what the round's, and who is told of it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.active import Active, activate
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import EmbeddingError
from productnet.local.registry import LOCAL_MODELS
from productnet.master.predictions import PREDICTION_SCHEMA
from productnet.retrieval.active import Active as ActiveSource
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.recommendations import write_recommendations
from productnet.retrieval.resources import Resources
from productnet.settings import CandidateSettings, Project, Settings
from productnet.taxonomy.tree import Category

IDS = [f"p{number}" for number in range(200)]
FIELDS = ("title",)

# In the initial set the even products are alike, in the round's the first hundred; the master
# model recommends every fifth.
EVEN = set(IDS[::2])
FIRST = set(IDS[:100])
FIFTH = set(IDS[::5])

LEAF = Leaf(
    Category("mugs", ("Mugs",)), ["p0", "p2"], ["p1", "p103"], frozenset([*IDS[:4], "p103"])
)


@pytest.fixture(params=[1_000_000, 1], ids=["whole pool", "neighbourhood"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    settings = Settings(candidates=CandidateSettings(exact_up_to=request.param))
    project = Project.create(tmp_path / "shop", settings)
    pool = Pool.create(project.pool_path, FIELDS)
    products = [Product(id, {"title": "thing"}, fingerprint=b"12345678") for id in IDS]
    pool.append(products_to_table(products, FIELDS))
    embed(project, "initial", EVEN, ids=IDS)
    # Its rows stand otherwise, so that whoever takes one set's for the other's is found out.
    embed(project, "round-0001", FIRST, ids=IDS[::-1])
    activate(project, Active(round=None, embedding_set="initial"))
    return project


def embed(project: Project, name: str, alike: set[str], *, ids: list[str]) -> None:
    rng = np.random.default_rng(len(alike))
    centres = rng.normal(size=(2, 16))
    vectors = centres[[int(id in alike) for id in ids]] + 0.4 * rng.normal(size=(len(ids), 16))
    write_embedding_set(
        project.embeddings_path / name,
        ids=pa.array(ids),
        vectors=[vectors.astype(np.float32)],
        stamp=Stamp(name, "numbers", 16, len(ids), 1, None, 0, "2030-01-01"),
    )


def run_round(project: Project, recommended: set[str]) -> None:
    rows = [(product, "mugs", 0.9, 1) for product in IDS if product in recommended]
    columns = dict(zip(PREDICTION_SCHEMA.names, map(list, zip(*rows, strict=True)), strict=True))
    folder = project.round_path(1)
    folder.mkdir(parents=True)
    predictions = pa.table(columns, schema=PREDICTION_SCHEMA)
    write_recommendations(folder, predictions, gold={"p0": "mugs", "p2": "mugs"})
    activate(project, Active(round=1, embedding_set="round-0001"))


def found(source: ActiveSource | Nearest, resources: Resources) -> set[str]:
    page = source.rank(LEAF, resources, count=15, rng=np.random.default_rng(0))
    return {candidate.product for candidate in page}


def test_local_models_read_the_initial_set_and_nearest_the_rounds(project: Project) -> None:
    before = Resources(project)
    assert len(found(ActiveSource(), before) & EVEN) >= 13
    assert len(found(Nearest(), before) & EVEN) >= 13
    run_round(project, {"p199"})
    after = Resources(project)
    assert len(found(ActiveSource(), after) & EVEN) >= 13
    assert len(found(Nearest(), after) & FIRST) >= 13


@pytest.mark.parametrize("model", list(LOCAL_MODELS))
def test_a_local_model_hears_what_the_master_model_holds(project: Project, model: str) -> None:
    before = Resources(project)
    unheard = before.scorer(LEAF, before, model=model)
    run_round(project, FIFTH)
    after = Resources(project)
    heard = after.scorer(LEAF, after, model=model)
    assert unheard is not None
    assert heard is not None
    assert unheard.version != heard.version
    assert heard.version == f"{unheard.version}:round-0001"
    # Of products that look alike to it, those that the master model recommends come first.
    page = found(ActiveSource(model=model), after)
    assert len(page & EVEN & FIFTH) > len(found(ActiveSource(model=model), before) & EVEN & FIFTH)
    # Who looks on without recommendations is told nothing.
    after.recommendations = None
    again = after.scorer(LEAF, after, model=model)
    assert again is not None
    assert again.version == unheard.version
    assert np.array_equal(again.scores, unheard.scores)


def test_a_leaf_that_the_master_model_does_not_know_is_found_as_before(project: Project) -> None:
    before = found(ActiveSource(), Resources(project))
    run_round(project, FIFTH)
    vases = Leaf(Category("vases", ("Vases",)), LEAF.positives, LEAF.negatives, LEAF.hidden)
    page = ActiveSource().rank(vases, Resources(project), count=15, rng=np.random.default_rng(0))
    assert len({candidate.product for candidate in page} & before) >= 13


def test_without_an_initial_set_the_way_out_is_told(project: Project) -> None:
    run_round(project, FIFTH)
    for file in (project.embeddings_path / "initial").iterdir():
        file.unlink()
    with pytest.raises(EmbeddingError, match="productnet embed"):
        _ = Resources(project).embeddings
    project.active_path.unlink()
    with pytest.raises(EmbeddingError, match="has no embeddings yet"):
        _ = Resources(project).embeddings
