import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from productnet.errors import ReleaseError
from productnet.release.build import release
from productnet.release.manifest import verify_release
from productnet.settings import Project
from tests.released import PER_LEAF, contents, make_shop


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_shop(tmp_path / "shop")


def test_a_release_holds_gold_hard_negatives_and_what_made_them(project: Project) -> None:
    summary = release(project, version="1.0.0")
    assert (summary.gold, summary.hard_negatives, summary.leaves) == (24, 5, 2)
    manifest = verify_release(summary.path)
    assert manifest.gold == 24
    assert manifest.hard_negatives == 5
    assert manifest.as_of == "2026-01-01T00:00:53+00:00"
    rows = pq.read_table(summary.path / "data").to_pylist()
    assert {row["id"] for row in rows if row["category_id"] == "mugs"} == {
        f"mugs-{n:02d}" for n in range(PER_LEAF)
    }
    assert {row["stage"] for row in rows} == {"confirmed"}
    assert {(row["labeler"], row["auditor"]) for row in rows} == {("person-1", "person-2")}
    assert "example" not in json.dumps(rows, default=str)
    hard = pq.read_table(summary.path / "hard_negatives").to_pylist()
    assert {(row["category_id"], row["verdict"]) for row in hard} == {("chairs", "negative")}


def test_near_duplicates_share_a_side_and_both_sides_have_every_leaf(project: Project) -> None:
    path = release(project, version="1.0.0").path
    train = pq.read_table(path / "data" / "train-00000-of-00001.parquet").to_pylist()
    test = pq.read_table(path / "data" / "test-00000-of-00001.parquet").to_pylist()
    assert {row["title"] for row in train}.isdisjoint(row["title"] for row in test)
    for side in (train, test):
        assert {row["category_id"] for row in side} == {"mugs", "chairs"}


def test_the_same_log_and_pool_make_the_same_bytes(project: Project, tmp_path: Path) -> None:
    first = release(project, version="1.0.0").path
    before = contents(first)
    shutil.move(first, tmp_path / "elsewhere")
    assert contents(release(project, version="1.0.0").path) == before


def test_datasets_loads_images_and_class_labels(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    import datasets

    datasets.disable_progress_bars()
    path = release(project, version="1.0.0").path
    cache = str(tmp_path / "cache")
    loaded = datasets.load_dataset(
        "parquet",
        data_files={side: str(path / "data" / f"{side}-*.parquet") for side in ("train", "test")},
        cache_dir=cache,
    )
    assert loaded["train"].num_rows + loaded["test"].num_rows == 24
    features = loaded["train"].features
    assert isinstance(features["image"], datasets.Image)
    assert features["label"].names == ["mugs", "chairs", "sofas"]
    for row in loaded["train"]:
        number = int(row["id"][-2:])
        assert features["label"].int2str(row["label"]) == row["category_id"]
        if number % 4:
            assert row["image"].size == (8, 6)
            assert row["image"].convert("RGB").getpixel((0, 0)) == (10 * number, 0, 0)
        else:
            assert row["image"] is None
    by_card = datasets.load_dataset(str(path), "hard_negatives", cache_dir=cache)
    assert sum(split.num_rows for split in by_card.values()) == 5
    assert datasets.load_dataset(str(path), cache_dir=cache)["train"].features == features


def test_a_version_is_released_once(project: Project) -> None:
    path = release(project, version="1.0.0").path
    before = contents(path)
    with pytest.raises(ReleaseError, match=r"Release 1\.0\.0 exists already.*higher version"):
        release(project, version="1.0.0")
    assert contents(path) == before
    assert [entry.name for entry in project.releases_path.iterdir()] == ["1.0.0"]


@pytest.mark.parametrize(
    "version", ["1.0", "v1.0.0", "1.0.0.0", "01.0.0", "../1.0.0", "1.0.0-", ""]
)
def test_a_version_that_is_not_semantic_is_refused(project: Project, version: str) -> None:
    with pytest.raises(ReleaseError, match="is not a semantic version"):
        release(project, version=version)


def test_nothing_is_released_without_gold(project: Project) -> None:
    (project.root / "decisions.db").unlink()
    with pytest.raises(ReleaseError, match="no gold to release yet"):
        release(project, version="1.0.0")
    assert not project.releases_path.exists()


def test_a_failed_release_leaves_nothing_behind(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise OSError("disk full")

    monkeypatch.setattr("productnet.release.build.dataset_card", broken)
    with pytest.raises(ReleaseError, match=r"could not be written .*disk full.*free space"):
        release(project, version="1.0.0")
    assert list(project.releases_path.iterdir()) == []


def test_shards_and_row_groups_split_large_leaves(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.release.exporters.parquet.SHARD_ROWS", 6)
    monkeypatch.setattr("productnet.release.rows.TABLE_ROWS", 3)
    monkeypatch.setattr("productnet.release.rows._FIRST_ROWS", 3)
    path = release(project, version="1.0.0").path
    shards = sorted((path / "data").glob("train-*.parquet"))
    assert shards[0].name == f"train-00000-of-{len(shards):05d}.parquet"
    assert sum(pq.read_metadata(shard).num_rows for shard in shards) > 7
    assert pq.read_metadata(shards[0]).num_row_groups == 2


def test_verifying_finds_every_kind_of_damage(project: Project) -> None:
    path = release(project, version="1.0.0").path
    card = path / "README.md"
    text = card.read_bytes()
    card.write_bytes(text.replace(b"Corner", b"Carnal"))
    with pytest.raises(ReleaseError, match=r"README\.md is not the file that was released"):
        verify_release(path)
    card.unlink()
    with pytest.raises(ReleaseError, match=r"lacks README\.md"):
        verify_release(path)
    card.write_bytes(text)
    (path / "notes.txt").write_text("mine")
    with pytest.raises(ReleaseError, match=r"holds notes\.txt, which is not part of it"):
        verify_release(path)
    (path / "notes.txt").unlink()
    assert verify_release(path).version == "1.0.0"
    (path / "manifest.json").write_text('{"format_version": 1}')
    with pytest.raises(ReleaseError, match="is damaged"):
        verify_release(path)
    (path / "manifest.json").write_text('{"format_version": 3}')
    with pytest.raises(ReleaseError, match="release format 3"):
        verify_release(path)
    (path / "manifest.json").unlink()
    with pytest.raises(ReleaseError, match="is no release"):
        verify_release(path)
