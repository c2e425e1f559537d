"""The pool partitioned by category: every product once, in its place, readable by everyone."""

import json
import shutil
from functools import partial
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.catalog.pool import Pool
from productnet.errors import ModelError, ProjectError, UsageError
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTIONS_FILE
from productnet.progress import SILENT
from productnet.release.exporters.parquet import write_shards
from productnet.serving.active import active_model, active_model_folder
from productnet.serving.pool.categories import PoolCategories, categorize_pool
from productnet.serving.pool.partition import (
    PARTITION_FILE,
    UNCERTAIN,
    PartitionSummary,
    folder_name,
    partition_pool,
)
from productnet.settings import Project


@pytest.fixture(scope="module")
def written(
    after_round: Project, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, PartitionSummary]:
    out = tmp_path_factory.mktemp("partition") / "by-category"
    return out, partition_pool(after_round, out, precision=0.8)


def test_every_product_is_there_once_in_the_folder_of_its_category(
    written: tuple[Path, PartitionSummary], after_round: Project
) -> None:
    out, summary = written
    table = ds.dataset(out, partitioning="hive").to_table()
    pool = Pool.open(after_round.pool_path)
    assert sorted(table.column("id").to_pylist()) == sorted(pool.ids().to_pylist())
    decided = active_model(after_round).decide(after_round, precision=0.8)
    wanted = {
        product: category or UNCERTAIN
        for product, category in zip(decided.ids, decided.categories, strict=True)
    }
    assert (
        dict(zip(*(table.column(name).to_pylist() for name in ("id", "category")), strict=True))
        == wanted
    )
    assert 0 < summary.certain < summary.products == len(pool)
    assert summary.certain == sum(category is not None for category in decided.categories)
    some = table.filter(pa.compute.equal(table["category"], UNCERTAIN))
    assert set(some.column("likeliest").to_pylist()) <= set(active_model(after_round).classes)
    titles = pool.take(table.column("id").to_pylist(), columns=["title"]).column("title")
    assert table.column("title").to_pylist() == titles.to_pylist()


def test_pandas_and_polars_read_it_as_well(written: tuple[Path, PartitionSummary]) -> None:
    out, summary = written
    counts = pd.read_parquet(out).category.astype(str).value_counts().to_dict()
    table = pl.scan_parquet(out / "**/*.parquet", hive_partitioning=True).collect()
    assert dict(table.group_by("category").len().iter_rows()) == counts
    assert counts[UNCERTAIN] == summary.products - summary.certain
    assert any("/" in str(category) for category in counts)


def test_what_it_is_stands_beside(written: tuple[Path, PartitionSummary]) -> None:
    out, summary = written
    told = json.loads((out / PARTITION_FILE).read_text())
    assert told["products"] == summary.products
    assert told["coverage"] == summary.coverage
    assert sum(one["products"] for one in told["folders"]) == summary.certain
    assert told["uncertain"] == summary.products - summary.certain
    for one in told["folders"]:
        files = list((out / one["folder"]).glob("part-*.parquet"))
        assert sum(pq.read_metadata(file).num_rows for file in files) == one["products"]
    assert {path.name for path in out.parent.iterdir()} == {out.name}


def test_of_a_pool_that_changed_the_model_is_asked(
    own_copy: Project, written: tuple[Path, PartitionSummary], tmp_path: Path
) -> None:
    file = own_copy.round_path(1) / PREDICTIONS_FILE
    before = pq.read_table(file)
    wrong = pa.array(["nonsense"] * len(before), pa.string())
    pq.write_table(before.set_column(1, "category", wrong), file)
    summary = partition_pool(own_copy, tmp_path / "out", precision=0.8)
    assert summary.certain == written[1].certain


def test_killed_it_goes_on_to_the_same_files(
    after_round: Project,
    written: tuple[Path, PartitionSummary],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "out"
    done: list[int] = []

    def dying(*arguments: object, **named: object) -> object:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(1)
        return write_shards(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("productnet.serving.pool.partition.write_shards", dying)
    with pytest.raises(KeyboardInterrupt):
        partition_pool(after_round, out, precision=0.8)
    assert not out.exists()
    monkeypatch.undo()
    summary = partition_pool(after_round, out, precision=0.8)
    assert 0 < summary.resumed < summary.products
    assert contents(out) == contents(written[0])
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


@pytest.mark.parametrize("step", ["put_in_place", "shutil.rmtree"])
def test_killed_at_the_very_end_it_comes_to_the_same(
    after_round: Project,
    written: tuple[Path, PartitionSummary],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    out = tmp_path / "out"

    def dying(path: Path, *others: Path, **how: bool) -> None:
        if path.name in ("_work", "out.unfinished"):
            raise KeyboardInterrupt

    monkeypatch.setattr(f"productnet.serving.pool.partition.{step}", dying)
    with pytest.raises(KeyboardInterrupt):
        partition_pool(after_round, out, precision=0.8)
    monkeypatch.undo()
    partition_pool(after_round, out, precision=0.8)
    assert contents(out) == contents(written[0])
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_products_that_are_imported_meanwhile_change_no_places(
    own_copy: Project, written: tuple[Path, PartitionSummary], tmp_path: Path
) -> None:
    pool = Pool.open(own_copy.pool_path)
    model = MasterModel.load(active_model_folder(own_copy))
    first = next(iter(pool.scan(batch_size=1)))
    Pool.open(own_copy.pool_path).append(
        pa.Table.from_pylist([first.to_pylist()[0] | {"id": "new"}], first.schema)
    )
    told = partial(categorize_pool, own_copy, pool, model, precision=0.8, progress=SILENT)
    answers = told(tmp_path, made=own_copy.round_path(1))
    assert len(answers) == len(pool)
    assert int(answers.counts()[:-1].sum()) == written[1].certain
    (tmp_path / "asked").mkdir()
    with pytest.raises(ProjectError, match="imported while the model went over the pool"):
        told(tmp_path / "asked", made=own_copy.round_path(2))


def test_rows_are_put_in_the_order_of_their_categories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.serving.pool.categories._BLOCK", 7)
    numbers = np.random.default_rng(0).integers(-1, 4, 50).astype(np.int32)
    answers = PoolCategories(tuple("abcde"), numbers, np.ones(50, np.float32), None)
    wanted = np.argsort(np.where(numbers < 0, 5, numbers), kind="stable")
    assert answers.ordered(tmp_path).tolist() == wanted.tolist()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_partition_is_replaced_whole_and_nothing_else_is(
    after_round: Project, written: tuple[Path, PartitionSummary], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    shutil.copytree(written[0], out)
    (out / "category=gone").mkdir()
    summary = partition_pool(after_round, out, precision=0.5, images=True)
    assert not (out / "category=gone").exists()
    assert "image" in ds.dataset(out, partitioning="hive").schema.names
    assert summary.coverage > written[1].coverage
    (tmp_path / "mine").mkdir()
    with pytest.raises(UsageError, match="is no partition. Choose another"):
        partition_pool(after_round, tmp_path / "mine", precision=0.5)
    with pytest.raises(UsageError):
        partition_pool(after_round, tmp_path / "other", precision=1.5)
    assert {path.name for path in tmp_path.iterdir()} == {"out", "mine"}


def test_without_a_model_it_says_what_to_do(before_round: Project, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no master model yet"):
        partition_pool(before_round, tmp_path / "out", precision=0.9)


@given(st.text(min_size=1, max_size=30))
def test_a_folder_is_read_back_as_its_category(category: str) -> None:
    name = folder_name(category) if len(category.encode("utf-8", "replace")) < 30 else "category=x"
    assert "/" not in name
    assert "\\" not in name
    assert name not in (".", "..")
    if name != "category=x":
        assert unquote(name.removeprefix("category="), errors="surrogatepass") == category


def test_a_name_that_no_file_system_takes_is_refused() -> None:
    with pytest.raises(UsageError, match="too long for the name of a folder"):
        folder_name("x" * 300)
    assert folder_name("a/b=c%d") == "category=a%2Fb%3Dc%25d"
