"""What ``productnet status`` tells of leaves that people have begun."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.cli.main import app
from productnet.embeddings.active import Active, activate
from productnet.embeddings.sets import write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.settings import PAPER_FIELDS, Project, Settings
from productnet.taxonomy.readers import read_taxonomy

IDS = [f"p{number}" for number in range(60)]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Mugs p0 to p29 and others; two mugs, of one kind, and two others are labelled."""
    project = Project.create(tmp_path / "shop", Settings())
    paths = tmp_path / "taxonomy.txt"
    paths.write_text("Home > Mugs\nHome > Vases\n")
    taxonomy = read_taxonomy(paths)
    taxonomy.save(project.taxonomy_path)
    products = [Product(id, {"title": id}, fingerprint=bytes(8)) for id in IDS]
    Pool.create(project.pool_path, PAPER_FIELDS).append(products_to_table(products, PAPER_FIELDS))
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.eye(4, 16), 15, axis=0)
    kinds[:30] = (kinds[:30] + 1.3 * np.eye(1, 16, 8)) / np.hypot(1.3, 1)
    write_embedding_set(
        project.embeddings_path / "initial",
        ids=pa.array(IDS),
        vectors=[(kinds + 0.1 * rng.normal(size=kinds.shape)).astype(np.float32)],
        stamp=Stamp("initial", "numbers", 16, 60, 1, None, 0, "2030-01-01T00:00:00+00:00"),
    )
    activate(project, Active(round=None, embedding_set="initial"))
    mugs, vases = (taxonomy.find(name).id for name in ("Mugs", "Vases"))
    answers = [("p0", mugs, True), ("p1", mugs, True), ("p40", mugs, False), ("p50", mugs, False)]
    with DecisionLog.open(project.database_url) as log:
        for product, category, yes in [*answers, ("p40", vases, True)]:
            verdict = Verdict.POSITIVE if yes else Verdict.NEGATIVE
            log.append(decide(Role.LABEL, product, category, verdict=verdict, annotator="ann"))
    return project


def test_status_tells_how_much_of_a_leaf_is_covered(project: Project) -> None:
    arguments = ["status", "--project", str(project.root)]
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).stdout)
    mugs, vases = told["leaves"]
    assert 0.1 < mugs["coverage"] < 0.9
    assert vases["coverage"] is None
    shown = CliRunner().invoke(app, arguments).output
    assert "covered" in shown
    assert f"{mugs['coverage']:.0%}" in shown


def test_without_embeddings_nothing_is_measured(project: Project) -> None:
    project.active_path.unlink()
    told = CliRunner().invoke(app, ["status", "--project", str(project.root), "--json"])
    assert [leaf["coverage"] for leaf in json.loads(told.stdout)["leaves"]] == [None, None]
