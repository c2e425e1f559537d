"""Sources are compared alike however many workers share it and however often it is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from productnet.catalog.pool import Pool
from productnet.cli.main import app
from productnet.embeddings.active import Active, activate
from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError, ProjectError, UsageError
from productnet.evaluation.comparison import ComparisonPlan
from productnet.evaluation.reference import read_reference
from productnet.evaluation.simulate import simulate
from productnet.evaluation.simulation_record import SimulationRecord
from productnet.evaluation.standings import standings
from productnet.evaluation.trials import Trial, Trials, contenders, without_targets
from productnet.evaluation.workers import run_in_processes
from productnet.files import alone
from productnet.local.registry import DEFAULT, LOCAL_MODELS
from productnet.master.predictions import PREDICTION_SCHEMA
from productnet.progress import SILENT, Advance, Progress
from productnet.release.splits import GOLD_FILE, Split
from productnet.retrieval.active import Active as ActiveSource
from productnet.retrieval.recommendations import RECOMMENDATIONS_FILE, write_recommendations
from productnet.retrieval.registry import SOURCES
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

MakeShop = Callable[..., Project]

PLAN = ComparisonPlan(every_leaf=True, views=50, after=(10, 50, 200))
FILES = ("simulation.json", "simulation.parquet")


def compare(
    project: Project,
    plan: ComparisonPlan = PLAN,
    *,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
) -> SimulationRecord:
    return simulate(
        project, people=False, comparison=plan, seed=1, progress=progress, engine=engine
    ).comparison


def reports(project: Project) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in project.reports_path.glob("simulation.*")}


class Counting:
    """Counts what was there when a comparison began, and stops it after so many trials."""

    def __init__(self, *, stop_after: int = 10_000) -> None:
        self.stop_after = stop_after
        self.done: list[int] = []

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        yield self.advance

    def advance(self, done: int, /, note: str = "") -> None:
        self.done.append(done)
        if sum(self.done) > self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def compared(
    make_shop: MakeShop, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Project, SimulationRecord]:
    project = make_shop(tmp_path_factory.mktemp("compared") / "shop")
    return project, compare(project)


def test_every_source_looks_for_every_leaf(compared: tuple[Project, SimulationRecord]) -> None:
    project, record = compared
    assert record.leaves == tuple(f"leaf-{leaf}" for leaf in range(6))
    assert set(record.sources) >= {"mixed", "active", "nearest", "keyword", "random"}
    assert "master" not in record.sources
    assert len(record.found) == len(record.leaves) * len(record.sources)
    assert record.after == (10, 50)
    for one in record.found:
        assert (one.findable, one.pool) == (39, 238)
        assert one.viewed == 50 or len(one.hits) == one.findable
        assert list(one.hits) == sorted(set(one.hits))
        assert all(1 <= hit <= 50 for hit in one.hits)
    assert SimulationRecord.load(project.reports_path / "simulation.json") == record
    table = pq.read_table(project.reports_path / "simulation.parquet")
    assert table.num_rows == len(record.found)
    assert b"productnet.format_version" in table.schema.metadata


def test_who_learns_finds_more_than_chance(compared: tuple[Project, SimulationRecord]) -> None:
    by_name = {one.source: one for one in standings(compared[1])}
    chance = by_name["by chance"].positives[-1]
    assert by_name["active"].positives[-1] > 3 * chance
    assert by_name["mixed"].positives[-1] > 3 * chance
    assert by_name["random"].positives[-1] == pytest.approx(chance, rel=0.4)
    assert by_name["active"].speed_up > 3
    assert by_name["random"].speed_up == pytest.approx(1, rel=0.4)


def test_first_pages_are_those_that_trials_begin_with(
    compared: tuple[Project, SimulationRecord],
) -> None:
    project, record = compared
    truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
    assert {page.source for page in record.pages} == set(record.sources)
    found = {(one.category, one.source): one for one in record.found}
    for page in record.pages:
        assert page.correct == tuple(truth[product] == page.category for product in page.products)
        assert sum(map(bool, page.correct)) == found[page.category, page.source].after(20)


def test_nobody_decides_anything(compared: tuple[Project, SimulationRecord]) -> None:
    assert not compared[0].decisions_path.exists()


def test_a_few_leaves_are_compared_unless_all_are_asked_for(
    make_shop: MakeShop, tmp_path: Path, compared: tuple[Project, SimulationRecord]
) -> None:
    few = compare(make_shop(tmp_path / "shop"), ComparisonPlan(views=50, after=(200,)))
    assert len(few.leaves) == 4
    assert set(few.found) < set(compared[1].found)
    assert few.after == (50,)


def test_positives_end_a_trial_when_all_are_found(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    record = compare(project, ComparisonPlan(views=10_000))
    for one in record.found:
        assert len(one.hits) == one.findable
        assert one.views_to_target == one.hits[-1]
        assert one.viewed <= one.pool
    assert all(one.reached == 1 for one in standings(record))


def test_two_workers_find_what_one_finds(
    make_shop: MakeShop, tmp_path: Path, compared: tuple[Project, SimulationRecord]
) -> None:
    project = make_shop(tmp_path / "shop")
    compare(project, ComparisonPlan(every_leaf=True, views=50, after=(10, 50), workers=2))
    assert reports(project) == reports(compared[0])
    assert set(reports(project)) == set(FILES)


def test_workers_of_an_engine_find_what_one_process_finds(
    make_shop: MakeShop,
    tmp_path: Path,
    compared: tuple[Project, SimulationRecord],
    workers: Engine,
) -> None:
    project = make_shop(tmp_path / "shop")
    compare(project, engine=workers)
    assert reports(project) == reports(compared[0])


def test_what_was_interrupted_goes_on_where_it_stopped(
    make_shop: MakeShop, tmp_path: Path, compared: tuple[Project, SimulationRecord]
) -> None:
    project = make_shop(tmp_path / "shop")
    with pytest.raises(KeyboardInterrupt):
        compare(project, progress=Counting(stop_after=12))
    assert not reports(project)
    rest = Counting()
    assert compare(project, progress=rest) == compared[1]
    assert rest.done[0] == 13
    assert sum(rest.done) == len(compared[1].found)
    assert reports(project) == reports(compared[0])


def test_what_was_interrupted_begins_anew_when_asked_otherwise(
    make_shop: MakeShop, tmp_path: Path, compared: tuple[Project, SimulationRecord]
) -> None:
    project = make_shop(tmp_path / "shop")
    with pytest.raises(KeyboardInterrupt):
        compare(project, ComparisonPlan(every_leaf=True, views=30), progress=Counting(stop_after=3))
    rest = Counting()
    assert compare(project, progress=rest) == compared[1]
    assert rest.done[0] == 0


def test_a_comparison_that_ended_is_not_taken_for_the_next(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    compare(project, ComparisonPlan(views=20))
    again = Counting()
    compare(project, ComparisonPlan(views=20), progress=again)
    assert again.done[0] == 0


@pytest.mark.parametrize("torn", [b'{"category": "leaf-', b'{"category": "leaf-1"}\n', b"\xff\n"])
def test_a_torn_line_costs_the_trial_it_was_of(
    make_shop: MakeShop, tmp_path: Path, compared: tuple[Project, SimulationRecord], torn: bytes
) -> None:
    project = make_shop(tmp_path / "shop")
    with pytest.raises(KeyboardInterrupt):
        compare(project, progress=Counting(stop_after=2))
    [journal] = project.reports_path.glob("*.jsonl")
    with journal.open("ab") as file:
        file.write(torn)
    rest = Counting(stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        compare(project, progress=rest)
    assert rest.done[0] == 3
    rest = Counting()
    assert compare(project, progress=rest) == compared[1]
    assert rest.done[0] == 6


def test_a_line_whose_end_is_missing_is_torn(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    with pytest.raises(KeyboardInterrupt):
        compare(project, progress=Counting(stop_after=2))
    [journal] = project.reports_path.glob("*.jsonl")
    journal.write_bytes(journal.read_bytes()[:-1])
    rest = Counting(stop_after=5)
    with pytest.raises(KeyboardInterrupt):
        compare(project, progress=rest)
    assert rest.done[0] == 2
    assert all(json.loads(line) for line in journal.read_bytes().splitlines())


KILLED = """
import sys
from contextlib import contextmanager
from pathlib import Path
from productnet.evaluation.comparison import ComparisonPlan
from productnet.evaluation.simulate import simulate
from productnet.settings import Project

class Telling:
    @contextmanager
    def task(self, label, *, total):
        yield lambda done, note="": print("done", flush=True)

plan = ComparisonPlan(every_leaf=True, views=50, after=(10, 50, 200), workers=2)
simulate(Project.open(Path(sys.argv[1])), people=False, comparison=plan, seed=1, progress=Telling())
"""


def test_killed_it_leaves_no_process_and_goes_on_to_the_same_end(
    make_shop: MakeShop, tmp_path: Path, compared: tuple[Project, SimulationRecord]
) -> None:
    project = make_shop(tmp_path / "shop")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(project.root)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        for _ in range(4):
            assert running.stdout.readline() == b"done\n"
        running.send_signal(signal.SIGKILL)
        # The workers have the pipe too: it ends when the last of them has gone.
        running.stdout.read()
    assert not reports(project)
    rest = Counting()
    assert compare(project, progress=rest) == compared[1]
    assert rest.done[0] >= 3
    assert reports(project) == reports(compared[0])


def test_a_worker_that_dies_is_told_of(
    make_shop: MakeShop, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = make_shop(tmp_path / "shop")
    project.taxonomy_path.unlink()
    trials = [Trial("leaf-0", "random", 0)]
    with pytest.raises(UsageError, match="worker processes died.*fewer --workers"):
        list(run_in_processes(project, trials, views=20, workers=1))
    assert "taxonomy.json" in capfd.readouterr().err


def test_one_comparison_at_a_time(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    compare(project, ComparisonPlan(views=20))
    [lock] = project.reports_path.glob("*.lock")
    with (
        alone(lock, busy="busy"),
        pytest.raises(ProjectError, match="are being compared .* already"),
    ):
        compare(project)


def test_without_embeddings_it_says_how_to_make_them(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    project.active_path.unlink()
    with pytest.raises(EmbeddingError, match="productnet embed"):
        compare(project)


def test_reference_labels_of_products_that_were_not_imported_do_not_count(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    table = pq.read_table(project.reference_path)
    more = pa.table({"id": ["gone"], "category": ["Shop > Kind a"]})
    pq.write_table(pa.concat_tables([table, more]), project.reference_path)
    assert compare(project, ComparisonPlan(views=20)).reference_counts["leaf-0"] == 40


@pytest.mark.parametrize("bad", [{"seeds": 0}, {"views": 0}, {"workers": -1}, {"after": (20, 0)}])
def test_less_than_one_of_anything_is_refused(bad: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="is too few"):
        ComparisonPlan(**bad)  # type: ignore[arg-type]


def after_a_round(project: Project, *, gold_of_each: int) -> dict[str, str]:
    """Makes a round active whose master model knew some gold and recommends the rest rightly."""
    truth = read_reference(project, Taxonomy.load(project.taxonomy_path))
    leaves = sorted(set(truth.values()))
    ids = Pool.open(project.pool_path).ids().to_pylist()
    gold = {
        product: leaf
        for leaf in leaves
        for product in [one for one in ids if truth[one] == leaf][:gold_of_each]
    }
    folder = project.round_path(1)
    folder.mkdir(parents=True)
    known = sorted(gold)
    Split(
        {product: gold[product] for product in known[::2]},
        {product: gold[product] for product in known[1::2]},
    ).save(folder / GOLD_FILE)
    rest = [product for product in ids if product not in gold]
    recommended = {
        "product": rest,
        "category": [truth[product] for product in rest],
        "confidence": pa.array([0.9] * len(rest), pa.float32()),
        "rank": pa.array([1] * len(rest), pa.int8()),
    }
    write_recommendations(folder, pa.table(recommended, schema=PREDICTION_SCHEMA), gold=gold)
    activate(project, Active(round=1, embedding_set="initial"))
    return gold


def test_near_duplicates_are_found_once(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    resources = Resources(project)
    copies = [[f"p{6 * number}" for number in range(10)], ["p1", "p7"]]
    NearDuplicates.write(tmp_path / "copies", copies, stamp={})
    resources.near_duplicates = NearDuplicates.open(tmp_path / "copies")
    truth = read_reference(project, resources.taxonomy)
    for seed in range(4):
        found = Trials(resources, truth, views=10_000).run(Trial("leaf-0", "random", seed))
        assert found.findable == len(found.hits) == 40 - 9 - 1
        assert found.pool == 240 - 9 - 1 - 2


def test_sources_are_compared_by_positives_past_the_target(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    trial = Trial("leaf-0", "mixed", 0)
    found, unbounded = (
        Trials.of_project(one, views=60).run(trial) for one in (project, without_targets(project))
    )
    assert len(found.hits) > project.settings.targets.positives
    assert found.hits == unbounded.hits


class Texts:
    """Compares texts with a pool of nothing."""

    modalities = ("text",)

    def nearest(self, **query: object) -> list[tuple[str, float]]:
        return []


def test_every_source_contends_under_a_name_of_its_own(make_shop: MakeShop, tmp_path: Path) -> None:
    project = make_shop(tmp_path / "shop")
    before = {one.name for one in contenders(Resources(project))}
    assert not before & {"adhoc", "master", "mixed, no master"}
    after_a_round(project, gold_of_each=1)
    resources = Resources(project)
    resources.outside = Texts()
    found = list(contenders(resources))
    assert {one.source for one in found} == set(SOURCES)
    assert len({one.name for one in found}) == len(found)
    assert {one.name for one in found} - before == {"adhoc", "master", "mixed, no master"}
    assert [one.name for one in found if not one.recommended] == ["mixed, no master"]


def test_active_contends_with_every_local_model(make_shop: MakeShop, tmp_path: Path) -> None:
    resources = Resources(make_shop(tmp_path / "shop"))
    built = [one.build() for one in contenders(resources) if one.source == "active"]
    models = [source.model for source in built if isinstance(source, ActiveSource)]
    assert models[0] == DEFAULT
    assert set(models) == set(LOCAL_MODELS)


def test_after_a_round_nobody_is_credited_with_what_the_master_model_was_taught(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    gold = after_a_round(project, gold_of_each=12)
    record = compare(project)
    assert record.round == 1
    for page in record.pages:
        assert page.category not in {gold.get(product) for product in page.products}
    assert {one.findable for one in record.found} == {40 - 12}
    by_name = {one.source: one for one in standings(record)}
    assert by_name["master"].speed_up == pytest.approx(by_name["at best"].speed_up)
    assert by_name["mixed"].positives[0] >= by_name["mixed, no master"].positives[0]
    pages = {page.source: page for page in record.pages if page.category == "leaf-0"}
    assert pages["mixed"] != pages["mixed, no master"]


def test_what_a_mix_finds_without_the_master_is_what_it_finds_where_nothing_is_recommended(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    after_a_round(project, gold_of_each=12)
    without = [one.hits for one in compare(project).of("mixed, no master")]
    file = project.round_path(1) / RECOMMENDATIONS_FILE
    write_recommendations(file.parent, pq.read_table(file).slice(0, 0), gold={})
    assert [one.hits for one in compare(project).of("mixed")] == without


def test_where_everything_is_gold_there_is_nothing_to_compare(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    after_a_round(project, gold_of_each=40)
    record = compare(project)
    assert not record.found
    assert not record.pages
    assert standings(record) == ()


def command(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_shows_the_standings_and_the_report_draws_them(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    shop = str(make_shop(tmp_path / "shop").root)
    options = ("--no-people", "--views", "40", "--after", "10,40", "--project", shop)
    shown = command("simulate", *options)
    assert "Sources on 4 leaves, each begun with one of each kind" in shown
    assert "gold" not in shown
    chance = next(line for line in shown.splitlines() if line.split()[:2] == ["by", "chance"])
    assert chance.split()[-1] == "1.0"
    answer = json.loads(command("simulate", *options, "--leaf", "leaf-2", "--seeds", "3", "--json"))
    mixed = next(one for one in answer["comparison"]["standings"] if one["source"] == "mixed")
    assert list(mixed["positives"]) == ["10", "40"]
    assert {one["seed"] for one in answer["comparison"]["found"]} == {0, 1, 2}
    assert answer["leaves"] == []
    drawn = command("report", "--charts", str(tmp_path / "figures"), "--project", shop)
    assert "3 charts" in drawn
    assert (tmp_path / "figures" / "views-to-target.svg").exists()
    assert "3 seeds" in (tmp_path / "shop" / "reports" / "report.html").read_text(encoding="utf-8")


def test_the_command_says_that_there_is_nothing_to_find(
    make_shop: MakeShop, tmp_path: Path
) -> None:
    project = make_shop(tmp_path / "shop")
    after_a_round(project, gold_of_each=40)
    shown = command("simulate", "--no-people", "--project", str(project.root))
    assert "no leaf has a product left to find" in shown
