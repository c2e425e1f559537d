"""The benchmark against peers is fair: one start for all, no test product shown, honest counts."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.candidates.__main__ import main
from benchmarks.candidates.after_round import project_after_round
from benchmarks.candidates.figures import figures_of
from benchmarks.candidates.master import Masters, Training, collected
from benchmarks.candidates.ours import OURS, FromSource
from benchmarks.candidates.peers import LIBRARIES, PEERS
from benchmarks.candidates.pools import FEWEST_PRODUCTS, Ground, ground_of, mask_title
from benchmarks.candidates.race import AFTER_ROUND, Race
from benchmarks.candidates.report import draw, table_of
from benchmarks.candidates.runs import PeersFailed
from benchmarks.candidates.trials import Asked, BadPage, Bench, Rows, page_sizes, run_trial
from productnet.catalog.importer import import_feed
from productnet.catalog.store.files import write_store
from productnet.embeddings.initial import embed_initial
from productnet.embeddings.near_duplicates import find_near_duplicates
from productnet.errors import UsageError
from productnet.evaluation.reference import read_reference, reference_counts
from productnet.progress import Advance, unseen
from productnet.release.groups import pool_groups
from productnet.retrieval.resources import Resources
from productnet.settings import MasterSettings, Project, Settings
from productnet.taxonomy.readers import read_taxonomy

# These run without the peers' environment.
SIMPLE = [name for name in PEERS if not name.startswith(tuple(LIBRARIES))]
PAGES = (8, 8, 4)
CHECKPOINTS = (16, 20)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A small generated store, texts alone, with two seeds."""
    folder = tmp_path_factory.mktemp("store")
    files = write_store(folder / "feed", size=300, seed=5, images=False)
    project = Project.create(folder / "shop", Settings(master=MasterSettings(dimension=32)))
    read_taxonomy(files.taxonomy).save(project.taxonomy_path)
    import_feed(project, files.feed)
    shutil.copy(files.reference, project.reference_path)
    embed_initial(project)
    find_near_duplicates(project)
    return ground_of("store", project, seeds=2)


@pytest.fixture(scope="module")
def resources(ground: Ground) -> Resources:
    return Resources(ground.project)


def test_every_leaf_with_enough_products_is_raced_on(ground: Ground) -> None:
    counts = reference_counts(read_reference(ground.project, Resources(ground.project).taxonomy))
    enough = {leaf for leaf, count in counts.items() if count >= FEWEST_PRODUCTS}
    raced = ground.bench.starts.shape[1]
    assert set(ground.bench.leaves[:raced]) == enough
    assert raced >= 3
    assert dict(zip(ground.bench.leaves, ground.counts, strict=True)) == counts


def test_a_start_is_a_positive_and_a_negative_that_are_not_set_aside(ground: Ground) -> None:
    bench = ground.bench
    for seed in range(bench.seeds):
        for leaf, (positive, negative) in enumerate(bench.starts[seed]):
            assert bench.labels[positive] == leaf
            assert bench.labels[negative] not in (leaf, -1)
            assert not bench.test[seed, [positive, negative]].any()
    assert (bench.starts[0] != bench.starts[1]).any()


def test_near_duplicates_and_products_of_one_title_lie_on_one_side(
    ground: Ground, resources: Resources
) -> None:
    titles = pool_groups(resources.pool, ground.bench.ids)
    copies = resources.near_duplicates.groups_of(ground.bench.ids)
    assert (copies >= 0).any()
    for aside in ground.bench.test:
        sides: dict[object, set[bool]] = {}
        for row, product in enumerate(ground.bench.ids):
            sides.setdefault(titles[product], set()).add(bool(aside[row]))
            if copies[row] >= 0:
                sides.setdefault(int(copies[row]), set()).add(bool(aside[row]))
        assert all(len(both) == 1 for both in sides.values())
        assert 0.1 < aside.mean() < 0.4


def test_a_seed_draws_the_same_start_however_many_there_are(ground: Ground) -> None:
    more = ground_of("store", ground.project, seeds=3)
    assert more.version == ground.version
    np.testing.assert_array_equal(more.bench.starts[:2], ground.bench.starts)
    np.testing.assert_array_equal(more.bench.test[:2], ground.bench.test)
    assert (more.bench.test[2] != ground.bench.test[0]).any()


def test_a_bench_is_read_as_it_was_written(ground: Ground, tmp_path: Path) -> None:
    ground.bench.save(tmp_path / "bench.npz")
    read = Bench.load(tmp_path / "bench.npz")
    assert (read.ids, read.leaves) == (ground.bench.ids, ground.bench.leaves)
    for name in ("vectors", "labels", "test", "starts"):
        np.testing.assert_array_equal(getattr(read, name), getattr(ground.bench, name))
    assert [rows.tolist() for rows in read.hits] == [rows.tolist() for rows in ground.bench.hits]


@pytest.mark.parametrize("name", [*OURS, *SIMPLE])
def test_a_strategy_shows_full_pages_of_new_products_and_none_set_aside(
    name: str, ground: Ground, resources: Resources
) -> None:
    def trial() -> Rows:
        strategy = (
            FromSource(OURS[name](), resources, ground.bench.ids) if name in OURS else PEERS[name]()
        )
        return run_trial(strategy, ground.bench, leaf=1, seed=1, pages=PAGES)

    shown = trial()
    assert len(shown) == len(set(shown.tolist())) == sum(PAGES)
    assert not ground.bench.test[1, shown].any()
    assert not set(shown.tolist()) & set(ground.bench.starts[1, 1].tolist())
    np.testing.assert_array_equal(trial(), shown)


def test_a_strategy_is_told_only_what_it_showed(ground: Ground) -> None:
    told: list[Asked] = []

    class Watching:
        def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
            told.append(asked)
            return asked.free[:count]

    shown = run_trial(Watching(), ground.bench, leaf=0, seed=0, pages=PAGES)
    start = ground.bench.starts[0, 0].tolist()
    for page, asked in enumerate(told):
        known = {*asked.positives.tolist(), *asked.negatives.tolist()}
        assert known == {*start, *shown[: sum(PAGES[:page])].tolist()}
        assert (ground.bench.labels[asked.positives] == 0).all()
        assert (ground.bench.labels[asked.negatives] != 0).all()


@pytest.mark.parametrize("fault", ["short", "twice", "set aside", "shown before"])
def test_a_page_against_the_rules_ends_the_trial(fault: str, ground: Ground) -> None:
    class Cheat:
        def page(self, asked: Asked, count: int, rng: np.random.Generator) -> Rows:
            page = asked.free[:count].copy()
            if fault == "short":
                return page[1:]
            page[0] = {
                "twice": page[1],
                "set aside": np.flatnonzero(ground.bench.test[0])[0],
                "shown before": asked.positives[0],
            }[fault]
            return page

    with pytest.raises(BadPage, match=r"asked for 8 products of leaf .* could be shown"):
        run_trial(Cheat(), ground.bench, leaf=0, seed=0, pages=PAGES)


def test_an_exhausted_pool_ends_a_trial_with_every_positive_found(ground: Ground) -> None:
    pages = page_sizes(50, [len(ground.bench.ids) + 100])
    shown = run_trial(PEERS["nearest-centroid"](), ground.bench, leaf=0, seed=0, pages=pages)
    assert len(shown) == (~ground.bench.test[0]).sum() - 2
    figures = figures_of(ground, {(0, 0): shown}, checkpoints=[10_000])
    assert figures["positives"]["10000"]["mean"] == figures["available"]
    assert figures["times_chance"]["10000"]["mean"] == 1


def test_figures_are_those_counted_by_hand(ground: Ground) -> None:
    """Leaf 0 under seed 0: first two positives, then a sibling's product, then others."""
    bench = ground.bench
    start = bench.starts[0, 0]
    free = np.setdiff1d(np.flatnonzero(~bench.test[0]), start)
    positives = free[bench.labels[free] == 0]
    siblings = [
        row
        for row in free
        if bench.labels[row] > 0 and ground.parents[bench.labels[row]] == ground.parents[0]
    ]
    strangers = [row for row in free if bench.labels[row] == -1]
    shown = np.array([*positives[:2], siblings[0], *strangers[:2]])
    figures = figures_of(ground, {(0, 0): shown}, checkpoints=[1, 5])
    assert figures["available"] == len(positives)
    assert [one["mean"] for one in figures["positives"].values()] == [1, 2]
    assert [one["mean"] for one in figures["hard_negatives"].values()] == [0, 1]
    by_chance = 5 * len(positives) / len(free)
    assert figures["by_chance"]["5"]["mean"] == pytest.approx(by_chance, abs=1e-3)
    assert figures["times_chance"]["5"]["mean"] == pytest.approx(2 / by_chance, abs=1e-3)
    distinct = [1, len(np.unique(ground.groups[positives[:2]]))]
    assert [one["mean"] for one in figures["distinct"].values()] == distinct
    cosine = float(bench.vectors[positives[0]] @ bench.vectors[positives[1]])
    assert figures["cosine_among_positives"] == pytest.approx(cosine, abs=1e-3)
    copies = np.arange(len(bench.ids))
    copies[positives[2]] = copies[positives[0]]
    copies[positives[1]] = copies[start[0]]
    with_copies = replace(ground, copies=copies)
    covered = figures_of(with_copies, {(0, 0): shown}, checkpoints=[1, 5])["with_copies"]
    assert [one["mean"] for one in covered.values()] == [2, 2]
    later = figures_of(ground, {(0, 0): shown}, checkpoints=[4], begun=1)
    assert later["positives"]["4"]["mean"] == 1
    assert later["available"] == len(positives) - 1


def test_chance_finds_what_is_expected_of_it(ground: Ground) -> None:
    trials = {
        (seed, leaf): run_trial(PEERS["chance"](), ground.bench, leaf=leaf, seed=seed, pages=[100])
        for seed in range(ground.bench.seeds)
        for leaf in range(ground.bench.starts.shape[1])
    }
    assert figures_of(ground, trials, checkpoints=[100])["times_chance"]["100"][
        "mean"
    ] == pytest.approx(1, abs=0.25)


class Counted:
    """Remembers how many units every task had."""

    def __init__(self) -> None:
        self.totals: dict[str, int | None] = {}

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        self.totals[label] = total
        yield unseen


def race(work: Path, *strategies: str, master_seeds: int = 0) -> tuple[Race, Counted]:
    watched = Counted()
    return Race(
        work=work,
        strategies=strategies,
        seeds=1,
        leaves=3,
        pages=PAGES,
        checkpoints=CHECKPOINTS,
        python=Path(sys.executable),
        workers=1,
        mastered=(),
        master_seeds=master_seeds,
        master_views=CHECKPOINTS,
        progress=watched,
    ), watched


def test_a_race_goes_on_after_a_kill_and_ends_the_same(ground: Ground, tmp_path: Path) -> None:
    run, watched = race(tmp_path, "nearest", "nearest-positive")
    report, shown = run.on(ground)
    assert watched.totals == {"store: nearest": 3, "store: nearest-positive": 3}
    assert report["strategies"]["nearest-positive"]["leaves"] == 3
    assert set(shown["nearest"]) == set(shown["nearest-positive"])

    kept = tmp_path / "shown" / "store" / "nearest.jsonl"
    kept.write_text(kept.read_text()[:-20])  # torn in the last line
    run, watched = race(tmp_path, "nearest", "nearest-positive")
    assert run.on(ground)[0] == report
    assert watched.totals == {"store: nearest": 1}


def test_peers_that_cannot_start_are_named(ground: Ground, tmp_path: Path) -> None:
    run, _ = race(tmp_path, "nearest-positive")
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(PeersFailed, match=r"python failed at Job\(strategy='nearest-positive'"):
        replace(run, python=tmp_path / "python").on(ground)


def test_a_round_after_the_first_views_leads_the_views_that_follow(
    ground: Ground, tmp_path: Path
) -> None:
    run, _ = race(tmp_path, "mixed", master_seeds=1)
    report, shown = run.on(ground)
    for trial, rows in shown[AFTER_ROUND].items():
        np.testing.assert_array_equal(rows[: CHECKPOINTS[0]], shown["mixed"][trial][:16])
        assert not ground.bench.test[0, rows].any()
        assert len(set(rows.tolist())) == sum(PAGES)
    assert report["later"]["begun_with_views"] == 16
    assert report["later"]["mixed"]["available"] == report["later"][AFTER_ROUND]["available"]
    json.dumps(report, allow_nan=False)

    project = project_after_round(
        ground, shown["mixed"], seed=0, views=16, folder=tmp_path / "rounds"
    )
    recommended = Resources(project).recommendations
    assert recommended is not None
    taught = collected(ground, shown["mixed"], seed=0, views=16)
    leaf = sorted(set(taught.values()))[0]
    assert recommended.of(leaf)
    table = table_of({"store": report}, checkpoints=CHECKPOINTS)
    assert re.search(r"^\| \*\*mixed\*\* \| 1 \| \d", table, flags=re.MULTILINE)
    draw(ground, shown, report["strategies"], tmp_path / "plots" / "store.png")
    assert (tmp_path / "plots" / "store.png").stat().st_size > 10_000


def test_a_master_learns_what_was_found_and_nothing_set_aside(
    ground: Ground, tmp_path: Path
) -> None:
    bench = ground.bench
    trials = {
        (0, leaf): run_trial(PEERS["bm25"](), bench, leaf=leaf, seed=0, pages=PAGES)
        for leaf in range(3)
    }
    labels = collected(ground, trials, seed=0, views=20)
    row = {product: number for number, product in enumerate(ground.bench.ids)}
    assert not bench.test[0, [row[product] for product in labels]].any()
    assert all(bench.leaves[bench.labels[row[product]]] == leaf for product, leaf in labels.items())
    assert {row[product] for product in labels} >= {
        int(bench.starts[0, leaf, 0]) for leaf in (0, 1, 2)
    }
    masters = Masters(ground, tmp_path)
    found = masters.run(Training("bm25", 0, 20, labels))
    assert found.n_train == len(labels)
    assert found.n_test == (bench.test[0] & (bench.labels >= 0) & (bench.labels < 3)).sum()
    assert found.top1 > 0.5
    assert masters.run(Training("another", 0, 20, labels)) == found


@pytest.mark.parametrize(
    ("title", "article_type", "masked"),
    [
        ("Casio Men Black Digital Watch", "Watches", "Casio Men Black Digital"),
        ("Nike SANDALS, brown", "Sandal", "Nike brown"),
        ("Perfume and body care", "Perfume and Body Mist", "and care"),
        ("Baby dress", "Dresses", "Baby"),
        ("Carry a lorry", "Lorries", "Carry a"),
        ("Watching birds", "Watches", "Watching birds"),
    ],
)
def test_a_masked_title_names_its_article_type_in_no_form(
    title: str, article_type: str, masked: str
) -> None:
    assert mask_title(title, article_type) == masked


def test_a_page_is_cut_at_a_checkpoint() -> None:
    assert page_sizes(20, [50, 100]) == [20, 20, 10, 20, 20, 10]
    assert page_sizes(20, [10]) == [10]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--strategies", "modal-uncertainty", "chance"], "modal-uncertainty: give --peers-python"),
        (["--strategies", "chance"], "flipkart/products.csv is not in .* PRODUCTNET_DATA names"),
    ],
)
def test_what_is_missing_is_named(
    options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRODUCTNET_DATA", str(tmp_path / "nowhere"))
    monkeypatch.setattr(sys, "argv", ["candidates", "--work", str(tmp_path), *options])
    with pytest.raises(UsageError, match=said):
        main()
