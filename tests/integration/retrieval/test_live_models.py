"""Live models over a real log, real embeddings and the real local model."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.workflow import Workflow
from productnet.catalog.importer import import_feed
from productnet.catalog.store.files import write_store
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.evaluation.reference import read_reference
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.live import LiveModels
from productnet.retrieval.mixed import Mixed
from productnet.retrieval.page import next_page
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import score_now
from productnet.settings import EncoderSettings, Project, Settings
from productnet.taxonomy.readers import read_taxonomy

PATIENCE = 60
MODEL = "logistic-regression"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("live")
    files = write_store(folder / "feed", size=160, seed=3, images=False)
    settings = Settings(encoders=EncoderSettings(text="static", dimension=64))
    project = Project.create(folder / "shop", settings)
    read_taxonomy(files.taxonomy).save(project.taxonomy_path)
    import_feed(project, files.feed)
    shutil.copy(files.reference, project.reference_path)
    embed_initial(project)
    return project


@pytest.fixture
def project(embedded: Project, tmp_path: Path) -> Project:
    shutil.copytree(embedded.root, tmp_path / "shop")
    return Project.open(tmp_path / "shop")


@pytest.fixture
def workflow(project: Project) -> Iterator[Workflow]:
    opened = Workflow.open(project)
    with opened.log:
        yield opened


def page(workflow: Workflow, resources: Resources, category: str) -> list[Candidate]:
    leaf = Leaf.of(category, state=workflow.log.state(), taxonomy=resources.taxonomy)
    return next_page(Mixed(), leaf, resources, count=10, rng=np.random.default_rng(0))


def test_people_at_work_get_pages_at_once_and_the_last_model_has_seen_everything(
    project: Project, workflow: Workflow
) -> None:
    resources = Resources(project)
    truth = read_reference(project, resources.taxonomy)
    leaves = sorted({truth[product] for product in sorted(truth)})[:3]
    with LiveModels(resources, workflow.log.state) as live:

        def label(category: str) -> None:
            for _ in range(4):
                for candidate in page(workflow, resources, category):
                    right = truth.get(candidate.product) == category
                    verdict = Verdict.POSITIVE if right else Verdict.NEGATIVE
                    workflow.label(
                        candidate.product, category, verdict=verdict, annotator=f"ann-{category}"
                    )
                    live.decided(category)

        people = [Thread(target=label, args=[category]) for category in leaves]
        for person in people:
            person.start()
        for person in people:
            person.join(PATIENCE)
        for category in leaves:
            assert live.wait(category, timeout=PATIENCE)
            leaf = Leaf.of(category, state=workflow.log.state(), taxonomy=resources.taxonomy)
            assert len(leaf.hidden) == 40
            scored, now = (scorer(leaf, resources, model=MODEL) for scorer in (live, score_now))
            assert scored is not None
            assert now is not None
            assert scored.version == now.version
            assert np.array_equal(scored.scores, now.scores)
            assert all(candidate.behind == 0 for candidate in page(workflow, resources, category))


def test_an_undo_is_a_decision_that_the_model_learns_of(
    project: Project, workflow: Workflow
) -> None:
    resources = Resources(project)
    truth = read_reference(project, resources.taxonomy)
    category = truth[sorted(truth)[0]]
    inside = [product for product, leaf in truth.items() if leaf == category][:3]
    outside = [product for product, leaf in truth.items() if leaf != category][:3]
    said = [
        decide(Role.LABEL, product, category, verdict=verdict, annotator="ann")
        for verdict, products in ((Verdict.POSITIVE, inside), (Verdict.NEGATIVE, outside))
        for product in products
    ]
    with LiveModels(resources, workflow.log.state) as live:
        workflow.record(*said)
        live.decided(category)
        assert live.wait(category, timeout=PATIENCE)
        first = {c.model_version for c in page(workflow, resources, category)} - {None}
        workflow.undo(said[0].id, annotator="ann")
        live.decided(category)
        assert live.wait(category, timeout=PATIENCE)
        again = page(workflow, resources, category)
        assert {c.model_version for c in again}.isdisjoint(first)
        assert inside[0] in {c.product for c in again}


def test_a_new_embedding_takes_over_without_mixing_its_rows_with_older_scores(
    project: Project, workflow: Workflow
) -> None:
    resources = Resources(project)
    truth = read_reference(project, resources.taxonomy)
    category = truth[sorted(truth)[0]]
    for product in sorted(truth)[:40]:
        verdict = Verdict.POSITIVE if truth[product] == category else Verdict.NEGATIVE
        workflow.label(product, category, verdict=verdict, annotator="ann")
    with LiveModels(resources, workflow.log.state) as live:
        live.decided(category)
        assert live.wait(category, timeout=PATIENCE)
        before = page(workflow, resources, category)

        _embed_reversed(project)
        newer = Resources(project)
        live.serve(newer)
        assert live.wait(category, timeout=PATIENCE)
        leaf = Leaf.of(category, state=workflow.log.state(), taxonomy=resources.taxonomy)
        assert live(leaf, resources, model=MODEL) is None
        assert len(page(workflow, resources, category)) == 10
        # The vectors are the same, only their rows are not: so are the products found.
        found, again = (
            {c.product for c in one if c.source == "active"}
            for one in (before, page(workflow, newer, category))
        )
        assert found == again != set()


def _embed_reversed(project: Project) -> None:
    """Make the initial set anew, with the same vectors in the opposite order."""
    active = EmbeddingSet.open(project.embeddings_path / "initial")
    stamp = active.stamp
    write_embedding_set(
        project.embeddings_path / "initial",
        ids=active.ids[::-1],
        vectors=[np.asarray(active.vectors[::-1])],
        stamp=stamp,
    )
