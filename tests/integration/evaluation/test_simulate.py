"""Simulated people take a small shop from nothing to gold, however often they are interrupted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from productnet.annotation.decisions import Decision, Role
from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.errors import UnknownName, UsageError
from productnet.evaluation.reference import read_reference
from productnet.evaluation.simulate import SimulationResult, simulate
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

LEAVES = 6
PRODUCTS = 240

MakeShop = Callable[..., Project]


def state_of(project: Project) -> State:
    with DecisionLog.open(project.database_url) as log:
        return log.state()


def decisions_of(project: Project) -> list[Decision]:
    with DecisionLog.open(project.database_url) as log:
        return [decision for _, decision in log.since()]


@pytest.fixture(scope="module")
def undisturbed(
    make_shop: MakeShop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, SimulationResult]:
    project = make_shop(tmp_path_factory.mktemp("undisturbed") / "shop")
    return project, simulate(project, seed=1)


def test_every_leaf_reaches_its_targets(undisturbed: tuple[Project, SimulationResult]) -> None:
    _, result = undisturbed
    assert len(result.leaves) == LEAVES
    for leaf in result.leaves:
        assert leaf.available == PRODUCTS // LEAVES
        assert leaf.progress.gold >= 8
        assert leaf.progress.hard_negatives >= 8
        assert leaf.progress.to_audit == leaf.progress.disputed == 0
        assert leaf.views < 150
    assert result.total.decisions == len(decisions_of(undisturbed[0]))
    assert "6 leaves" in result.summary()


def test_two_pairs_of_eyes_make_gold_better_than_one(
    undisturbed: tuple[Project, SimulationResult],
) -> None:
    project, _ = undisturbed
    truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
    gold = state_of(project).gold_labels()
    right = sum(truth[product] == leaf for product, leaf in gold.items())
    assert right / len(gold) > 0.98


def test_decisions_are_those_of_three_people_with_sources_and_times(
    undisturbed: tuple[Project, SimulationResult],
) -> None:
    decisions = decisions_of(undisturbed[0])
    people = {(decision.role, decision.annotator) for decision in decisions}
    assert people == {
        (Role.LABEL, "labeler"),
        (Role.AUDIT, "auditor"),
        (Role.ADJUDICATE, "adjudicator"),
    }
    labels = [decision for decision in decisions if decision.role is Role.LABEL]
    assert all(decision.source and decision.score is not None for decision in labels)
    assert "active" in {decision.source for decision in labels}
    assert all(d.source is None for d in decisions if d.role is Role.AUDIT)
    for leaf in {decision.category for decision in decisions}:
        times = [decision.at for decision in decisions if decision.category == leaf]
        assert times == sorted(times)


def test_a_second_call_finds_nothing_to_do(undisturbed: tuple[Project, SimulationResult]) -> None:
    project, result = undisturbed
    before = decisions_of(project)
    assert simulate(project, seed=1) == result
    assert decisions_of(project) == before


def test_a_higher_target_goes_on_from_the_lower(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    few = simulate(project, target=4, leaves=["Kind a"], seed=1)
    begun = decisions_of(project)
    more = simulate(project, target=10, leaves=["shop > kind a"], seed=1)
    assert few.leaves[0].progress.gold >= 4
    assert more.leaves[0].progress.gold >= 10
    assert decisions_of(project)[: len(begun)] == begun


def test_a_leaf_that_is_exhausted_is_left(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop", products=2 * PRODUCTS)
    (leaf,) = simulate(project, target=200, leaves=["leaf-0"], max_views=10_000).leaves
    assert leaf.progress.gold == pytest.approx(80, abs=5)
    assert leaf.views < 2 * PRODUCTS
    (again,) = simulate(project, target=200, leaves=["leaf-0"], max_views=10_000).leaves
    assert again == leaf


def test_no_more_is_looked_at_than_allowed(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    (leaf,) = simulate(project, leaves=["leaf-0"], max_views=15, source="random").leaves
    assert leaf.views == 15


KILLED = """
import sys
from pathlib import Path
from productnet.evaluation.simulate import simulate
from productnet.settings import Project
simulate(Project.open(Path(sys.argv[1])), seed=1)
"""


def test_killed_and_started_again_it_ends_as_if_undisturbed(
    make_shop: MakeShop, tmp_path: Path, undisturbed: tuple[Project, SimulationResult]
) -> None:
    project = make_shop(tmp_path / "shop")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(project.root)], env=environment
    ) as people:
        _wait_for_decisions(project, people)
        people.send_signal(signal.SIGKILL)
    begun = decisions_of(project)
    assert begun
    assert simulate(project, seed=1) == undisturbed[1]
    assert decisions_of(project) == decisions_of(undisturbed[0])
    assert decisions_of(project)[: len(begun)] == begun


def _wait_for_decisions(project: Project, people: "subprocess.Popen[bytes]") -> None:
    database = project.root / "decisions.db"
    while people.poll() is None:
        time.sleep(0.05)
        if database.exists() and len(decisions_of(project)) >= 40:
            return


def test_what_cannot_be_simulated_is_refused(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    with pytest.raises(UsageError, match="0 to 1; nan is not"):
        simulate(project, labeler_error=float("nan"))
    with pytest.raises(UsageError, match='"Shop" is not a leaf.*such as "Shop > Kind a"'):
        simulate(project, leaves=["shop"])
    with pytest.raises(UnknownName, match='no source "mixd". Did you mean "mixed"'):
        simulate(project, source="mixd")
    pq.write_table(pa.table({"id": ["p1"], "category": ["Elsewhere"]}), project.reference_path)
    with pytest.raises(UsageError, match='"Elsewhere", names a leaf'):
        simulate(project)
    project.reference_path.unlink()
    with pytest.raises(UsageError, match="--reference COLUMN"):
        simulate(project)
