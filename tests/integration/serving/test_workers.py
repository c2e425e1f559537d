"""Feeds and pools categorised by workers: the very files that this process alone writes."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from productnet.catalog.pool import Pool
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import UsageError
from productnet.files import unfinished
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTIONS_FILE
from productnet.progress import SILENT
from productnet.serving import resumed
from productnet.serving.categorize import (
    active_model_folder,
    categorize_feed,
    decide_feed,
    encode_feed,
)
from productnet.serving.feeds import BATCH, FeedProducts
from productnet.serving.pool_categories import categorize_pool
from productnet.settings import Project

ROWS = 2 * BATCH + 88


@pytest.fixture(scope="module")
def feed(after_round: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    titles = Pool.open(after_round.pool_path).scan(columns=["title"])
    known = [title for batch in titles for title in batch.column("title").to_pylist()]
    lines = [f'{row},"{known[row % len(known)]} {row}"' for row in range(ROWS)]
    lines[7] = ",a row without an id"
    path = tmp_path_factory.mktemp("feed") / "feed.csv"
    path.write_text("id,title\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def folder(after_round: Project) -> Path:
    return active_model_folder(after_round)


@pytest.fixture(scope="module")
def model(folder: Path) -> MasterModel:
    return MasterModel.load(folder)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several shards of a small feed."""
    defaults = {**(resumed.write_resumed.__kwdefaults__ or {}), "part": BATCH}
    monkeypatch.setattr(resumed.write_resumed, "__kwdefaults__", defaults)


def test_workers_write_the_categories_that_one_process_writes_and_go_on_after_it(
    feed: Path,
    folder: Path,
    model: MasterModel,
    after_round: Project,
    tmp_path: Path,
    workers: Engine,
) -> None:
    def products() -> FeedProducts:
        return FeedProducts(feed, after_round.settings)

    alone = categorize_feed(model, products(), tmp_path / "alone.parquet")
    out = tmp_path / "shared.parquet"
    # As a killed command leaves it: the middle part is done.
    monkey = pytest.MonkeyPatch()
    monkey.setattr(resumed, "table_sink", None)
    with pytest.raises(TypeError):
        categorize_feed(model, products(), out)
    monkey.undo()
    work = unfinished(out)
    for number in (0, 2):
        (work / f"part-{number:06d}.parquet").unlink()
    shared = categorize_feed(model, products(), out, engine=workers, folder=folder)
    assert out.read_bytes() == alone.path.read_bytes()
    assert (shared.products, shared.skipped) == (alone.products, alone.skipped) == (ROWS - 1, 1)
    assert shared.resumed == BATCH
    assert not work.exists()


def test_what_decides_and_encodes_arrives_at_a_worker_as_it_was(
    feed: Path,
    folder: Path,
    model: MasterModel,
    after_round: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared, alone = tmp_path / "shared.parquet", tmp_path / "alone.parquet"
    products = partial(FeedProducts, feed, after_round.settings)
    vectors = tmp_path / "vectors.parquet"
    decide_feed(model, products(), alone, precision=0.8)
    encode_feed(model, products(), vectors)
    monkeypatch.setattr(resumed, "_here", by_post(resumed._here))
    told = decide_feed(model, products(), shared, precision=0.8, folder=folder)
    assert shared.read_bytes() == alone.read_bytes()
    assert told.decided
    encode_feed(model, products(), shared, folder=folder)
    assert shared.read_bytes() == vectors.read_bytes()


def by_post(here: Callable[..., Iterator[object]]) -> Callable[..., Iterator[object]]:
    """As it was, but what makes the rows has travelled."""
    # Not before an engine has said how Ray is to be imported.
    from ray import cloudpickle

    def posted(products: FeedProducts, rows: object, *rest: object) -> Iterator[object]:
        return here(products, cloudpickle.loads(cloudpickle.dumps(rows)), *rest)

    return posted


def test_a_model_without_a_folder_cannot_travel(
    feed: Path, model: MasterModel, after_round: Project, tmp_path: Path, workers: Engine
) -> None:
    products = FeedProducts(feed, after_round.settings)
    with pytest.raises(UsageError, match="Workers load a model from its folder"):
        categorize_feed(model, products, tmp_path / "out.parquet", engine=workers)


def test_workers_categorize_the_pool_as_one_process_does(
    after_round: Project, model: MasterModel, tmp_path: Path, workers: Engine
) -> None:
    # Of the round's own predictions nothing would be computed.
    predicted = after_round.round_path(1) / PREDICTIONS_FILE
    aside = predicted.rename(tmp_path / "aside.parquet")
    try:
        told = []
        for name, engine in (("shared", workers), ("alone", LOCAL)):
            (tmp_path / name).mkdir()
            told.append(
                categorize_pool(
                    after_round,
                    Pool.open(after_round.pool_path),
                    model,
                    tmp_path / name,
                    made=after_round.round_path(1),
                    precision=0.8,
                    progress=SILENT,
                    engine=engine,
                )
            )
    finally:
        aside.rename(predicted)
    shared, alone = told
    assert np.array_equal(shared.likeliest, alone.likeliest)
    np.testing.assert_allclose(shared.confidence, alone.confidence, atol=1e-5)
