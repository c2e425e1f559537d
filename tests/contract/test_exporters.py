"""Every exporter of the registry, read back with its ecosystem's own reader, and killed half-way.

The release has awkward texts and ids, JPEG and PNG images, products without one, and several parts
a side.
"""

import gc
import io
import json
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.embeddings.stamp import Stamp
from productnet.errors import EmbeddingError, ProjectError, ReleaseError, UsageError
from productnet.files import alone
from productnet.release.build import release
from productnet.release.export import EXPORT_FILE, export_release
from productnet.release.exporters.base import SCRATCH
from productnet.release.exporters.registry import EXPORTERS
from productnet.release.parts import Released
from productnet.settings import Project
from tests.released import AWKWARD, FIELDS, contents, decision, make_shop, picture

DIMENSION = 5

VECTORS = [name for name in EXPORTERS if name.startswith("embeddings-")]
PRODUCTS = [name for name in EXPORTERS if name not in VECTORS]


@dataclass(frozen=True)
class Read:
    """A row as a reader gave it."""

    facts: Mapping[Any, Any]
    pixel: tuple[int, ...] | None = None
    vector: list[float] | None = None


Rows = dict[tuple[str, str], list[Read]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_shop(tmp_path_factory.mktemp("shop") / "shop")
    odd = [
        Product("007", {"title": AWKWARD, "brand": "NA"}, image=picture(90), fingerprint=bytes(8)),
        Product("../a.b/c%:é", {"title": "5"}, image=picture(200, "JPEG"), fingerprint=bytes(8)),
    ]
    Pool.open(project.pool_path).append(products_to_table(odd, FIELDS))
    with DecisionLog.open(project.database_url) as log:
        for number, product in enumerate(("007", "../a.b/c%:é")):
            for role in (Role.LABEL, Role.AUDIT):
                place = 100 + 2 * number + (role is Role.AUDIT)
                log.append(decision(place, product, "mugs", Verdict.POSITIVE, role))
    return project


@pytest.fixture(scope="module")
def released(project: Project) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("productnet.release.exporters.parquet.SHARD_ROWS", 4)
        patch.setattr("productnet.release.rows.TABLE_ROWS", 3)
        patch.setattr("productnet.release.rows._FIRST_ROWS", 2)
        yield release(project, version="1.0.0", validation_share=0.2).path


@pytest.fixture(scope="module")
def vectors(project: Project) -> EmbeddingSet:
    ids = Pool.open(project.pool_path).ids()
    made = np.random.default_rng(0).normal(size=(len(ids), DIMENSION)).astype(np.float32)
    stamp = Stamp("drawn", "drawn", DIMENSION, len(ids), 1, None, 0, "2026-01-01T00:00:00+00:00")
    return write_embedding_set(
        project.embeddings_path / "drawn", ids=ids, vectors=[made], stamp=stamp
    )


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def pixel_of(image: Image.Image | None) -> tuple[int, ...] | None:
    if image is None:
        return None
    assert image.size == (8, 6)
    found = image.convert("RGB").getpixel((0, 0))
    assert isinstance(found, tuple)
    return found


def opened(path: Path) -> tuple[int, ...] | None:
    with Image.open(path) as image:
        return pixel_of(image)


def expected(released: Path) -> Rows:
    """What was released, read without any of our code."""
    rows: Rows = {}
    for table in ("data", "hard_negatives"):
        for file in sorted((released / table).glob("*.parquet")):
            for row in pq.read_table(file).to_pylist():
                image = row.pop("image")
                pixel = pixel_of(Image.open(io.BytesIO(image["bytes"]))) if image else None
                facts = row | {"decided_at": row["decided_at"].isoformat()}
                rows.setdefault((table, file.name.split("-")[0]), []).append(Read(facts, pixel))
    return rows


def by_card(out: Path) -> Iterator[tuple[tuple[str, str], Any]]:
    """Rows as ``datasets`` gives them, told by nothing but the card."""
    import datasets

    datasets.disable_progress_bars()
    for config, table in (("gold", "data"), ("hard_negatives", "hard_negatives")):
        cache = str(out.parent / "cache")
        for side, rows in datasets.load_dataset(str(out), config, cache_dir=cache).items():
            yield (table, str(side)), rows


def facts_of(row: Mapping[Any, Any], *without: str) -> dict[str, Any]:
    facts = {name: value for name, value in row.items() if name not in without}
    time = facts["decided_at"]
    if not isinstance(time, str):
        # What has no zone once ``datasets`` has found a time in a text is UTC.
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()
    return facts | {"decided_at": time}


def read_parquet(out: Path) -> Rows:
    return {
        place: [Read(facts_of(row, "image"), pixel_of(row["image"])) for row in rows]
        for place, rows in by_card(out)
    }


def read_image_folder(out: Path) -> Rows:
    found: Rows = {}
    for place, rows in by_card(out):
        assert rows.features["image"].__class__.__name__ == "Image"
        found[place] = [Read(facts_of(row, "image"), pixel_of(row["image"])) for row in rows]
    # As torchvision reads it: a folder a class.
    classes = {folder.name for folder in (out / "data" / "train").iterdir() if folder.is_dir()}
    assert classes == {"mugs", "chairs"}
    return found


def read_jsonl(out: Path) -> Rows:
    found: Rows = {}
    for place, rows in by_card(out):
        found[place] = [
            Read(facts_of(row, "image"), row["image"] and opened(out / row["image"]))
            for row in rows
        ]
    return found


def read_csv(out: Path) -> Rows:
    import pandas as pd

    found: Rows = {}
    for table in ("data", "hard_negatives"):
        for file in sorted((out / table).glob("*.csv")):
            frame = pd.read_csv(file, dtype={"id": str}, keep_default_na=False, na_values=[""])
            rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
            found.setdefault((table, file.name.split("-")[0]), []).extend(
                Read(facts_of(row, "image"), row["image"] and opened(out / row["image"]))
                for row in rows
            )
    return found


def read_webdataset(out: Path) -> Rows:
    import webdataset

    found: Rows = {}
    for table in ("data", "hard_negatives"):
        for side in ("train", "validation", "test"):
            urls = sorted(str(file) for file in (out / table).glob(f"{side}-*.tar"))
            if not urls:
                continue
            with warnings.catch_warnings():
                # It leaves closing its files to whoever collects them.
                warnings.simplefilter("ignore", ResourceWarning)
                samples = list(webdataset.WebDataset(urls, shardshuffle=False).decode("pil"))
                gc.collect()
            assert len({sample["__key__"] for sample in samples}) == len(samples)
            rows = found.setdefault((table, side), [])
            for sample in samples:
                assert sample["cls"] == sample["json"]["label"]
                image = sample.get("jpg") or sample.get("png")
                rows.append(Read(sample["json"], pixel_of(image)))
    return found


def read_lance(out: Path) -> Rows:
    import lance

    found: Rows = {}
    for path in sorted(out.glob("*/*.lance")):
        dataset = lance.dataset(str(path))
        rows = dataset.to_table().to_pylist()
        assert dataset.count_rows() == len(rows)
        found[path.parent.name, path.stem] = [
            Read(
                facts_of(row, "image"),
                pixel_of(Image.open(io.BytesIO(row["image"]))) if row["image"] else None,
            )
            for row in rows
        ]
    return found


def read_vectors_parquet(out: Path) -> Rows:
    return {
        place: [
            Read({k: v for k, v in row.items() if k != "embedding"}, vector=row["embedding"])
            for row in rows
        ]
        for place, rows in by_card(out)
    }


def read_vectors_npy(out: Path) -> Rows:
    import pandas as pd

    found: Rows = {}
    for file in sorted(out.glob("*/*.npy")):
        matrix = np.load(file, mmap_mode="r", allow_pickle=False)
        rows = pd.read_csv(file.with_suffix(".csv"), dtype={"id": str}).to_dict("records")
        assert matrix.shape == (len(rows), DIMENSION)
        found.setdefault((file.parent.name, file.name.split("-")[0]), []).extend(
            Read(row, vector=vector.tolist()) for row, vector in zip(rows, matrix, strict=True)
        )
    return found


def read_vectors_safetensors(out: Path) -> Rows:
    from safetensors import safe_open

    found: Rows = {}
    for file in sorted(out.glob("*/*.safetensors")):
        negative = file.parent.name == "hard_negatives"
        with safe_open(file, "numpy") as tensors:
            names = json.loads(tensors.metadata()["rows"])
            columns = [names["id"], names["category_id"], tensors.get_tensor("label").tolist()]
            matrix = tensors.get_tensor("embedding")
        verdict = "negative" if negative else "positive"
        found.setdefault((file.parent.name, file.name.split("-")[0]), []).extend(
            Read(
                {"id": id, "label": label, "category_id": leaf, "verdict": verdict},
                vector=vector.tolist(),
            )
            for id, leaf, label, vector in zip(*columns, matrix, strict=True)
        )
    return found


READERS: Mapping[str, Callable[[Path], Rows]] = {
    "parquet": read_parquet,
    "imagefolder": read_image_folder,
    "webdataset": read_webdataset,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "lance": read_lance,
    "embeddings-parquet": read_vectors_parquet,
    "embeddings-npy": read_vectors_npy,
    "embeddings-safetensors": read_vectors_safetensors,
}


def compare(name: str, out: Path, released: Path, vectors: EmbeddingSet) -> None:
    """Equal counts, order, labels, texts, and pixels or vectors."""
    wanted, found = expected(released), READERS[name](out)
    assert {place: len(rows) for place, rows in found.items()} == {
        place: len(rows) for place, rows in wanted.items()
    }
    for place, rows in wanted.items():
        for want, have in zip(rows, found[place], strict=True):
            if name in PRODUCTS:
                assert dict(have.facts) == want.facts
                if want.pixel is None:
                    assert have.pixel is None
                else:
                    # JPEG is compared after decoding the same bytes, so it is exact, too.
                    assert have.pixel == want.pixel
            else:
                own = ("id", "label", "category_id", "verdict")
                assert dict(have.facts) == {fact: want.facts[fact] for fact in own}
                row = vectors.rows([want.facts["id"]])
                assert have.vector == vectors.read(row)[0].tolist()


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_what_the_ecosystem_reads_is_what_was_released(
    name: str, released: Path, vectors: EmbeddingSet, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    summary = export_release(
        released, out, format=name, vectors=vectors if name in VECTORS else None
    )
    compare(name, out, released, vectors)
    assert summary.rows == sum(len(rows) for rows in expected(released).values())
    assert summary.resumed == 0
    record = json.loads((out / EXPORT_FILE).read_text())
    assert {file["path"] for file in record["files"]} == contents(out).keys() - {EXPORT_FILE}
    assert not list(tmp_path.glob("*.unfinished"))
    # The same again finds it done; anything else is refused.
    again = export_release(released, out, format=name, vectors=vectors if name in VECTORS else None)
    assert again == summary
    other = "csv" if name != "csv" else "jsonl"
    with pytest.raises(UsageError, match="is no such export"):
        export_release(released, out, format=other)


def test_another_export_to_the_same_place_waits(released: Path, tmp_path: Path) -> None:
    work = tmp_path / "out.unfinished"
    (work / SCRATCH).mkdir(parents=True)
    (work / "begun.csv").write_text("by somebody who writes on")
    with (
        alone(tmp_path / ".out.lock", busy=""),
        pytest.raises(ProjectError, match="writes .*out already"),
    ):
        export_release(released, tmp_path / "out", format="jsonl")
    assert (work / "begun.csv").exists()


# Kills itself in the middle of the third part, after some of it is written.
_KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.embeddings.sets import EmbeddingSet
from productnet.release.export import export_release
from productnet.release.parts import Part

seen = []
real = Part.batches

def batches(self, **how):
    seen.append(self.name)
    if len(seen) == 3:
        how["target_bytes"] = 1
    for number, batch in enumerate(real(self, **how)):
        if len(seen) == 3 and number == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        yield batch

Part.batches = batches
folder, out, name, vectors = sys.argv[1:]
given = EmbeddingSet.open(Path(vectors)) if name.startswith("embeddings-") else None
export_release(Path(folder), Path(out), format=name, vectors=given)
"""


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_a_killed_export_goes_on_and_ends_the_same(
    name: str, released: Path, vectors: EmbeddingSet, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    arguments = [str(released), str(out), name, str(vectors.path)]
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, *arguments], env=os.environ, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not out.exists()
    given = vectors if name in VECTORS else None
    summary = export_release(released, out, format=name, vectors=given)
    assert summary.resumed == sum(part.rows for part in Released.open(released).parts[:2])
    compare(name, out, released, vectors)
    if name != "lance":  # whose files are named by chance
        whole = tmp_path / "whole"
        export_release(released, whole, format=name, vectors=given)
        assert contents(out) == contents(whole)


@pytest.mark.parametrize("name", list(EXPORTERS))
def test_every_exporter_says_what_it_writes(name: str) -> None:
    assert EXPORTERS.help(name)
    assert name in READERS


@pytest.mark.parametrize("name", VECTORS)
def test_vectors_have_to_be_given_and_to_be_whole(
    name: str, released: Path, project: Project, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="name the embedding set"):
        export_release(released, tmp_path / "out", format=name)
    stamp = Stamp("one", "drawn", 2, 1, 1, None, 0, "2026-01-01T00:00:00+00:00")
    one = write_embedding_set(
        tmp_path / "one",
        ids=pa.array(["sofas-11"]),
        vectors=[np.ones((1, 2), np.float32)],
        stamp=stamp,
    )
    with pytest.raises(EmbeddingError, match='"one" has no vector of product'):
        export_release(released, tmp_path / "out", format=name, vectors=one)


def test_a_damaged_part_is_not_exported(released: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "1.0.0"
    shutil.copytree(released, folder)
    part = sorted((folder / "data").glob("test-*.parquet"))[0]
    content = bytearray(part.read_bytes())
    content[20] ^= 1
    part.write_bytes(bytes(content))
    with pytest.raises(ReleaseError, match="is not the file that was released"):
        export_release(folder, tmp_path / "out", format="jsonl")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said_and_can_be_gone_on_with(
    released: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReleaseError, match="could not be written .*same command then goes on"):
        export_release(released, tmp_path / "file" / "out", format="csv")
    (tmp_path / "mine.unfinished").mkdir()
    (tmp_path / "mine.unfinished" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no export that was begun"):
        export_release(released, tmp_path / "mine", format="csv")
    assert (tmp_path / "mine.unfinished" / "notes.txt").exists()
