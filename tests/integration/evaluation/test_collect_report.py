import io
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.active import Active, activate
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import EmbeddingError, ModelError
from productnet.evaluation.cost import random_views
from productnet.evaluation.report.collect import collect_report
from productnet.evaluation.report.render import render_report
from productnet.evaluation.round_metrics import measure_round
from productnet.evaluation.simulation_record import FirstPage, Found, SimulationRecord
from productnet.evaluation.table import Scored
from productnet.release.build import release
from productnet.settings import CatalogSettings, Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy

LEAVES = ("mugs", "cups", "sofas")
PER_LEAF = 8


def thumbnail(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (256, 200), (shade, 90, 160)).save(file, "JPEG")
    return file.getvalue()


def say(log: DecisionLog, product: str, leaf: str, verdict: Verdict, role: Role) -> None:
    person = "ann" if role is Role.LABEL else "bob"
    log.append(
        Decision(
            id=uuid.uuid4(), product=product, category=leaf, verdict=verdict, role=role,
            annotator=person, at=datetime.now(UTC), seconds=2.0, source="keyword", score=0.5,
        )
    )  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return Project.create(
        tmp_path / "shop", Settings(name="Shop", catalog=CatalogSettings(fields=("title",)))
    )


@pytest.fixture
def project(empty: Project) -> Project:
    """Gold mugs and cups, one disputed sofa, one round, one simulation, one release."""
    kitchen = Category("kitchen", ("Kitchen",))
    leaves = [
        Category("mugs", ("Kitchen", "Mugs")),
        Category("cups", ("Kitchen", "Cups")),
        Category("sofas", ("Sofas",)),
    ]
    Taxonomy([kitchen, *leaves], name="shop", version="1").save(empty.taxonomy_path)
    products = [
        Product(
            id=f"{leaf}-{n}",
            texts={"title": f"{leaf} of kind {n}"},
            image=b"image" if n else None,
            thumbnail=thumbnail(30 * n) if n else None,
            fingerprint=bytes(8),
        )
        for leaf in LEAVES
        for n in range(PER_LEAF)
    ]
    Pool.create(empty.pool_path, ("title",)).append(products_to_table(products, ("title",)))
    with DecisionLog.open(empty.database_url) as log:
        for leaf in ("mugs", "cups"):
            for n in range(5):
                say(log, f"{leaf}-{n}", leaf, Verdict.POSITIVE, Role.LABEL)
                say(log, f"{leaf}-{n}", leaf, Verdict.POSITIVE, Role.AUDIT)
        say(log, "sofas-0", "mugs", Verdict.NEGATIVE, Role.LABEL)
        say(log, "sofas-1", "sofas", Verdict.POSITIVE, Role.LABEL)
        say(log, "sofas-1", "sofas", Verdict.NEGATIVE, Role.AUDIT)
    (empty.models_path / "round-0001").mkdir(parents=True)
    (empty.models_path / "round-0002").mkdir(parents=True)
    measure_round(
        Scored(np.array([[0.2, 0.8], [0.3, 0.7]]), ("cups", "mugs")),
        {"mugs-3": "mugs", "cups-2": "cups"},
        {leaf.id: leaf.path for leaf in leaves},
        round=1,
        finished_at="2026-01-01T00:00:00+00:00",
        n_train=8,
        seconds={"train": 1.0},
    ).save(empty.models_path / "round-0001" / "metrics.json")
    SimulationRecord(
        found=(Found("mugs", "random", 0, findable=7, pool=22, viewed=20, hits=(4, 12)),),
        pages=(FirstPage("mugs", "random", ("sofas-2", "mugs-7", "gone"), (False, True, None)),),
        reference_counts={"mugs": 8, "cups": 8},
        views=20,
        after=(10, 20),
    ).save(empty.reports_path / "simulation.json")
    errors = pa.table({"kind": ["missing id", "missing id", "bad image"], "line": [3, 9, 12]})
    pq.write_table(errors, empty.import_errors_path)
    release(empty, version="1.0.0")
    return empty


def test_a_project_shows_what_it_has(project: Project) -> None:
    data = collect_report(project)
    assert (data.headline.products, data.headline.with_image) == (24, 21)
    assert (data.headline.gold, data.headline.disputed, data.headline.releases) == (10, 1, 1)
    assert data.headline.decisions == 23
    assert data.headline.seconds == 46.0
    assert [leaf.path[-1] for leaf in data.leaves] == ["Mugs", "Cups", "Sofas"]
    mugs = data.leaves[0]
    assert (mugs.gold, mugs.hard_negatives, mugs.decisions) == (5, 1, 11)
    assert mugs.random_decisions == random_views(5, positives=8, pool=24) + 5
    assert data.leaves[2].random_decisions is None
    assert data.import_errors == {"missing id": 2, "bad image": 1}
    assert [one.round for one in data.rounds] == [1]


def test_pictures_are_small_and_missing_ones_named(project: Project) -> None:
    data = collect_report(project)
    face = data.leaves[0].picture
    assert face is not None
    assert face.image is not None, "a gold product with an image is preferred"
    with Image.open(io.BytesIO(face.image)) as image:
        assert image.size == (96, 75)
    [pair] = data.confused
    assert (pair.truth, pair.predicted) == (("Kitchen", "Cups"), ("Kitchen", "Mugs"))
    assert [one.title for one in pair.mistaken] == ["cups of kind 2"]
    assert "cups-2" not in [one.product for one in pair.typical_truth]
    [strip] = data.strips
    assert strip.rows[0].correct == (False, True, None)
    assert [one.title for one in strip.rows[0].pictures] == [
        "sofas of kind 2",
        "mugs of kind 7",
        "gone",
    ]


def embed(project: Project, name: str, notes: dict[str, float]) -> None:
    ids = Pool.open(project.pool_path).ids()
    vectors = np.random.default_rng(0).normal(size=(len(ids), 6)).astype(np.float32)
    stamp = Stamp(
        name=name, encoder="pixels", dimension=6, count=len(ids), pool_version=1,
        taxonomy_hash=None, seed=0, created_at="2026-01-01T00:00:00+00:00", notes=notes,
    )  # fmt: skip
    write_embedding_set(
        project.embeddings_path / name,
        ids=ids,
        vectors=[vectors / np.linalg.norm(vectors, axis=1, keepdims=True)],
        stamp=stamp,
    )
    activate(project, Active(round=None, embedding_set=name))


def test_gold_is_mapped_by_the_active_embedding_set(project: Project) -> None:
    assert collect_report(project).map is None
    embed(project, "initial", {"neighbours_kept": 0.9})
    embed(project, "round-0001", {})
    data = collect_report(project)
    assert [(one.name, one.neighbours_kept) for one in data.embeddings] == [
        ("initial", 0.9),
        ("round-0001", None),
    ]
    assert data.map is not None
    [kitchen] = data.map.groups
    assert (kitchen.name, len(kitchen.points)) == ("Kitchen", 10)
    assert [label.name for label in data.map.labels] == ["Mugs", "Cups"]


def test_what_was_collected_makes_a_page(project: Project) -> None:
    html = render_report(collect_report(project))
    assert "Most confused leaves" in html
    assert "missing id" in html


def test_a_new_project_has_an_empty_report_and_is_left_untouched(empty: Project) -> None:
    before = sorted(empty.root.rglob("*"))
    data = collect_report(empty)
    assert data.leaves == ()
    assert data.headline.products == 0
    assert "productnet import FEED" in render_report(data)
    assert sorted(empty.root.rglob("*")) == before


def test_damaged_metrics_are_named(project: Project) -> None:
    (project.models_path / "round-0001" / "metrics.json").write_text("{")
    with pytest.raises(ModelError, match=r"round-0001/metrics\.json is damaged"):
        collect_report(project)


def test_an_active_set_that_is_gone_is_named(project: Project) -> None:
    project.active_path.write_text('{"round": 1, "embedding_set": "round-0001"}')
    with pytest.raises(EmbeddingError, match="There is no embedding set"):
        collect_report(project)
