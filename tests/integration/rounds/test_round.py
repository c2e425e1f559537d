"""A round over real components: what it leaves behind, and that a kill changes none of it."""

import json
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.workflow import Workflow
from productnet.catalog.importer import import_feed
from productnet.catalog.store.files import write_store
from productnet.embeddings.active import read_active
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.sets import EmbeddingSet
from productnet.errors import ProductNetError, ProjectError, TrainingError
from productnet.master.model import MasterModel
from productnet.master.sources import PoolPart
from productnet.rounds.record import Step, read_rounds
from productnet.rounds.round import run_round
from productnet.settings import MasterSettings, Project, Settings
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Taxonomy

LABELLED = 200

# Runs a round and kills its own process, without warning, at a step or shortly after it began.
KILLED_ROUND = """
import os, signal, sys, threading
from pathlib import Path
from productnet.rounds.round import run_round
from productnet.settings import Project

step_to_die_in, delay = sys.argv[2], float(sys.argv[3])

def on_step(step):
    if step == step_to_die_in:
        die = lambda: os.kill(os.getpid(), signal.SIGKILL)
        threading.Timer(delay, die).start() if delay else die()

run_round(Project.open(Path(sys.argv[1])), on_step=on_step)
"""


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with an embedded pool and trusted labels, before its first round."""
    folder = tmp_path_factory.mktemp("ready")
    # Text alone, and calibrated by a share: the journey goes round with images, and by folds.
    files = write_store(folder / "feed", size=260, seed=5, images=False)
    settings = Settings(master=MasterSettings(dimension=32, folds=1))
    project = Project.create(folder / "shop", settings)
    taxonomy = read_taxonomy(files.taxonomy)
    taxonomy.save(project.taxonomy_path)
    import_feed(project, files.feed)
    embed_initial(project)
    rows = pq.read_table(files.reference).to_pylist()
    leaves = {row["id"]: taxonomy.leaf_of(row["category"]) for row in rows}
    truth = {product: leaf.id for product, leaf in leaves.items() if leaf}
    labelled = {row["id"]: truth[row["id"]] for row in rows[:LABELLED] if row["id"] in truth}
    workflow = Workflow.open(project)
    with closing(workflow.log):
        workflow.import_labels(labelled, trusted=True)
        workflow.record(*rejections(truth, labelled))
    return project


def rejections(truth: Mapping[str, str], labelled: Mapping[str, str]) -> list[Decision]:
    """Somebody's rejections for two leaves: of products without a label, and of one with."""
    leaves = [leaf for leaf, _ in Counter(labelled.values()).most_common(2)]
    others = [product for product in truth if product not in labelled]
    gold_elsewhere = next(product for product, leaf in labelled.items() if leaf not in leaves)
    return [
        decide(
            Role.LABEL,
            product,
            leaf,
            verdict=Verdict.NEGATIVE,
            annotator="ann",
            source="active",
            score=0.4,
        )
        for number, leaf in enumerate(leaves)
        for product in [gold_elsewhere, *others[number:20:2]]
        if truth[product] != leaf
    ]


@pytest.fixture(scope="module")
def undisturbed(ready: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same project after a round that nobody disturbed."""
    project = copied(ready, tmp_path_factory.mktemp("undisturbed"))
    run_round(project)
    return project


def copied(project: Project, folder: Path) -> Project:
    shutil.copytree(project.root, folder / "shop")
    return Project.open(folder / "shop")


def outcome(project: Project) -> dict[str, object]:
    """Everything a round is for, in a form that compares."""
    folder = project.models_path / "round-0001"
    embeddings = EmbeddingSet.open(project.embeddings_path / "round-0001")
    metrics = json.loads((folder / "metrics.json").read_text())
    return {
        "gold": pq.read_table(folder / "gold.parquet").to_pylist(),
        "rejected": pq.read_table(folder / "hard_negatives.parquet").to_pylist(),
        "weights": next((folder / "model").rglob("*.safetensors")).read_bytes(),
        "vectors": np.asarray(embeddings.vectors).tobytes(),
        "ids": embeddings.ids.to_pylist(),
        "recommendations": pq.read_table(folder / "recommendations.parquet").to_pylist(),
        "accuracies": [(row["name"], row["top1"], row["top5"]) for row in metrics["table"]],
        "active": read_active(project),
    }


def test_a_round_trains_measures_embeds_and_recommends(undisturbed: Project) -> None:
    (record,) = read_rounds(undisturbed)
    assert record.finished
    assert record.done == tuple(Step)
    left = outcome(undisturbed)
    gold = left["gold"]
    assert isinstance(gold, list)
    assert {row["side"] for row in gold} == {"train", "test"}
    rejected = left["rejected"]
    assert isinstance(rejected, list)
    assert rejected
    assert not {row["product"] for row in rejected} & {row["product"] for row in gold}
    recommendations = left["recommendations"]
    assert isinstance(recommendations, list)
    new = {row["product"] for row in recommendations if row["rank"] > 0}
    assert not new & {row["product"] for row in gold}
    taught = {(row["product"], row["category"]) for row in recommendations if row["rank"] == 0}
    assert taught == {(row["product"], row["category"]) for row in gold}
    assert all(0 <= row["confidence"] <= 1 for row in recommendations)
    assert recommendations == sorted(
        recommendations, key=lambda row: (row["category"], -row["confidence"], row["product"])
    )
    active = read_active(undisturbed)
    assert active is not None
    assert (active.round, active.embedding_set) == (1, "round-0001")
    taxonomy = Taxonomy.load(undisturbed.taxonomy_path)
    model = MasterModel.load(record.folder(undisturbed) / "model")
    assert model.taxonomy == f"{taxonomy.name} {taxonomy.version}"


@pytest.mark.parametrize(
    ("step", "delay"),
    [
        (Step.TRAIN, 1.0),
        (Step.EVALUATE, 0.0),
        (Step.EMBED, 0.05),
        (Step.RECOMMEND, 0.0),
        (Step.ACTIVATE, 0.0),
    ],
)
def test_a_killed_round_goes_on_and_ends_the_same(
    ready: Project, undisturbed: Project, tmp_path: Path, step: Step, delay: float
) -> None:
    project = copied(ready, tmp_path)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_ROUND, str(project.root), step, str(delay)],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    before = read_active(project)
    assert before is not None
    assert before.round is None  # people still work with what they had
    assert run_round(project).resumed
    assert outcome(project) == outcome(undisturbed)


def test_gold_that_arrives_while_a_round_is_stopped_belongs_to_the_next(
    undisturbed: Project, tmp_path: Path
) -> None:
    project = copied(undisturbed, tmp_path)
    (record,) = read_rounds(project)
    replace(record, done=(Step.TRAIN,), seconds=(1.0,)).save(project)
    frozen = pq.read_table(project.models_path / "round-0001" / "gold.parquet")
    product = next(
        id for id in EmbeddingSet.open(project.embeddings_path / "round-0001").ids.to_pylist()
        if id not in frozen.column("product").to_pylist()
    )  # fmt: skip
    workflow = Workflow.open(project)
    with closing(workflow.log):
        workflow.import_labels({product: frozen.column("category")[0].as_py()}, trusted=True)
    run_round(project)
    again = pq.read_table(project.models_path / "round-0001" / "gold.parquet")
    assert again.equals(frozen)
    assert run_round(project).record.number == 2
    newer = pq.read_table(project.models_path / "round-0002" / "gold.parquet")
    assert product in newer.column("product").to_pylist()


def test_what_people_rejected_teaches_the_master_to_be_less_sure_of_it(
    ready: Project, undisturbed: Project, tmp_path: Path
) -> None:
    untaught = copied(ready, tmp_path)
    workflow = Workflow.open(untaught)
    with closing(workflow.log):
        for decision in [one for _, one in workflow.log.since() if one.role is Role.LABEL]:
            workflow.undo(decision.id, annotator=decision.annotator)
    run_round(untaught)
    without, taught = outcome(untaught), outcome(undisturbed)
    assert without["rejected"] == []
    assert without["gold"] == taught["gold"]
    rows = taught["rejected"]
    assert isinstance(rows, list)
    products = [row["product"] for row in rows]

    def sureness(project: Project) -> float:
        model = MasterModel.load(project.models_path / "round-0001" / "model")
        return float(model.predict_proba(PoolPart(project, products)).max(axis=1).mean())

    assert sureness(undisturbed) < sureness(untaught)


def test_a_round_without_gold_says_what_is_missing(ready: Project, tmp_path: Path) -> None:
    project = copied(ready, tmp_path)
    (project.root / "decisions.db").unlink()
    with pytest.raises(TrainingError, match="gold in at least two leaves; there is gold in 0"):
        run_round(project)


def test_a_damaged_record_says_which_folder_to_delete(undisturbed: Project, tmp_path: Path) -> None:
    project = copied(undisturbed, tmp_path)
    (project.models_path / "round-0001" / "round.json").write_text("{")
    with pytest.raises(ProjectError, match="is damaged.*Delete its folder"):
        run_round(project)


def test_a_round_that_cannot_train_leaves_nothing_behind(ready: Project, tmp_path: Path) -> None:
    project = copied(ready, tmp_path)
    with pytest.raises(ProductNetError, match="no-such-encoder"):
        run_round(project, image="no-such-encoder")
    assert not read_rounds(project)


def test_a_stopped_round_asked_for_otherwise_starts_again(
    undisturbed: Project, tmp_path: Path
) -> None:
    project = copied(undisturbed, tmp_path)
    (record,) = read_rounds(project)
    replace(record, done=(Step.TRAIN,), seconds=(1.0,)).save(project)
    before = (project.models_path / "round-0001" / "gold.parquet").stat().st_mtime_ns
    outcome = run_round(project, image="efficientnet-lite0")
    assert not outcome.resumed
    assert (outcome.record.number, outcome.record.image) == (1, "efficientnet-lite0")
    assert (project.models_path / "round-0001" / "gold.parquet").stat().st_mtime_ns > before
