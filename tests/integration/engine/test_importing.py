"""A feed imported by workers: the pool that this process alone would have made of it."""

import io
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from productnet.catalog import loaded_apart
from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.engine.base import Engine
from productnet.settings import CatalogSettings, Project, Settings

PRODUCTS = 40


def picture(number: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (number * 5, 90, 200)).save(file, "PNG")
    return file.getvalue()


def feed(folder: Path, *, dearer: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(PRODUCTS):
        content = picture(number)
        (folder / f"{number}.png").write_bytes(content[:50] if number == 11 else content)
    lines = [
        f'p{n},"Mug, {"new" if n < dearer else "old"} {n}",{n}.png,g{n % 3}'
        for n in range(PRODUCTS)
    ]
    lines[5] = ",no id,5.png,"
    lines[6] = "p4,twice,6.png,"
    path = folder / "feed.csv"
    path.write_text("id,title,image,group\n" + "\n".join(lines) + "\n")
    return path


def contents(project: Project) -> pa.Table:
    return pa.Table.from_batches(list(Pool.open(project.pool_path).scan()))


def test_the_pool_and_its_errors_are_those_of_one_process(
    tmp_path: Path, workers: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_apart, "_SHARD", 16)
    monkeypatch.setattr(loaded_apart, "_BATCH", 5)
    settings = Settings(catalog=CatalogSettings(fields=("title",)))
    shared, alone = (Project.create(tmp_path / name, settings) for name in ("shared", "alone"))
    path = feed(tmp_path / "feed")
    summary = import_feed(shared, path, engine=workers)
    assert asdict(summary) == asdict(import_feed(alone, path))
    assert (summary.added, summary.errors, summary.without_image) == (PRODUCTS - 2, 3, 1)
    # Again, some of it changed: what is current stays as it is.
    path = feed(tmp_path / "feed", dearer=3)
    summary = import_feed(shared, path, engine=workers)
    assert asdict(summary) == asdict(import_feed(alone, path))
    assert (summary.added, summary.updated, summary.unchanged) == (0, 3, PRODUCTS - 5)
    assert contents(shared) == contents(alone)
    assert pq.read_table(shared.import_errors_path) == pq.read_table(alone.import_errors_path)
    assert not (shared.root / ".import").exists()
