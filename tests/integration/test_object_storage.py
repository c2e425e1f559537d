"""Products and releases in object storage, on a server that speaks S3."""

import subprocess
import sys
from pathlib import Path

import pytest

from productnet.backup.make import back_up
from productnet.backup.restore import restore
from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.errors import ProjectError, ReleaseError, StorageError, UsageError
from productnet.locations import Location, location
from productnet.release.manifest import FileRecord, Manifest, verify_release
from productnet.release.publish import copy_release
from productnet.rounds.status import project_status
from productnet.settings import Project, Settings

# Imports, and is killed in place of adding a third batch of products.
KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.catalog import importer
from productnet.catalog.pool import Pool
from productnet.settings import Project

importer._BATCH_ROWS = 16
append, calls = Pool.append, []

def deadly(pool, table):
    calls.append(1)
    if len(calls) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    append(pool, table)

Pool.append = deadly
importer.import_feed(Project.open(Path(sys.argv[1])), Path(sys.argv[2]))
"""


@pytest.fixture
def shop(store: str, tmp_path: Path) -> Project:
    return shop_at(f"{store}/pool.lance", tmp_path)


def shop_at(url: str, folder: Path) -> Project:
    settings = Settings.model_validate({"pool_url": url, "catalog": {"fields": ["title"]}})
    return Project.create(folder / "shop", settings)


def feed_of(folder: Path, *, count: int, title: str = "Mug") -> Path:
    file = folder / "feed.csv"
    lines = [f"{number},{title} {number}" for number in range(count)]
    file.write_text("\n".join(["id,title", *lines]))
    return file


def titles(project: Project) -> dict[str, str]:
    pool = Pool.open(project.pool_path)
    table = pool.take(pool.ids().to_pylist(), columns=["id", "title"])
    return dict(zip(*(table.column(name).to_pylist() for name in ("id", "title")), strict=True))


def test_products_are_imported_updated_and_read_there(shop: Project, tmp_path: Path) -> None:
    assert project_status(shop).products is None
    with pytest.raises(ProjectError, match="has no products yet"):
        Pool.open(shop.pool_path)
    import_feed(shop, feed_of(tmp_path, count=3))
    import_feed(shop, feed_of(tmp_path, count=4, title="Red mug"))
    assert titles(shop) == {str(number): f"Red mug {number}" for number in range(4)}
    assert project_status(shop).products == 4
    assert not (shop.root / "pool.lance").exists()


def test_an_import_that_was_killed_goes_on(shop: Project, tmp_path: Path) -> None:
    feed = feed_of(tmp_path, count=100)
    killed = subprocess.run([sys.executable, "-c", KILLED, shop.root, feed], check=False)
    assert killed.returncode == -9
    assert len(Pool.open(shop.pool_path)) == 32
    import_feed(shop, feed)
    assert titles(shop) == {str(number): f"Mug {number}" for number in range(100)}


def test_a_backup_leaves_the_products_where_they_are(shop: Project, tmp_path: Path) -> None:
    import_feed(shop, feed_of(tmp_path, count=3))
    manifest = back_up(shop, tmp_path / "backup.tar")
    assert manifest.pool is not None
    assert manifest.pool.kept_at == shop.settings.pool_url
    restore(tmp_path / "backup.tar", tmp_path / "again")
    assert len(titles(Project.open(tmp_path / "again"))) == 3


def test_what_cannot_be_used_is_told(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from s3fs import S3FileSystem

    feed = feed_of(tmp_path, count=3)
    elsewhere = shop_at("s3://no-such-bucket/pool.lance", tmp_path)
    with pytest.raises(StorageError, match=r"NoSuchBucket.*credentials in the environment"):
        import_feed(elsewhere, feed)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    S3FileSystem.clear_instance_cache()
    gone = shop_at(f"{store}/gone.lance", tmp_path / "gone")
    with pytest.raises(StorageError, match="cannot be reached: .*that the store runs"):
        Pool.open(gone.pool_path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://key:secret@bucket/pool", "must not hold credentials"),
        ("s3://bucket/pool?secret=x", "must not hold credentials"),
        ("ftp://bucket/pool", '"ftp://" is no object store'),
        ("s3:///pool", "names no bucket"),
        ("gs://bucket/pool", r"pip install 'productnet\[gs\]'"),
    ],
)
def test_urls_that_name_no_store(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        location(url)
    assert "secret" not in str(error.value)


def made_release(folder: Path, *, text: str = "rows", version: str = "1.0.0") -> Path:
    release = folder / version
    (release / "data").mkdir(parents=True)
    (release / "README.md").write_text("A card")
    (release / "data" / "train.parquet").write_text(text)
    files = [release / "README.md", release / "data" / "train.parquet"]
    Manifest(
        name="shop",
        version=version,
        taxonomy={},
        pool_version=1,
        log_sequence=1,
        as_of="2026-01-31T00:00:00+00:00",
        test_share=0.2,
        seed=0,
        leaves=(),
        files=tuple(FileRecord.of(file, release) for file in files),
    ).write(release)
    return release


def test_a_release_is_published_and_fetched(store: str, tmp_path: Path) -> None:
    release, shelf = made_release(tmp_path / "made"), location(f"{store}/releases")
    done = copy_release(release, shelf)
    assert (done.release, done.files, done.copied) == ("shop 1.0.0", 3, 3)
    assert done.place == f"{store}/releases/1.0.0"
    assert copy_release(release, shelf).copied == 1  # the manifest
    fetched = copy_release(shelf / "1.0.0", tmp_path / "fetched")
    assert verify_release(Path(fetched.place)) == verify_release(release)


def test_a_release_that_is_there_never_changes(store: str, tmp_path: Path) -> None:
    shelf = location(f"{store}/releases")
    copy_release(made_release(tmp_path / "made"), shelf)
    with pytest.raises(ReleaseError, match=r"is another release 1\.0\.0 already"):
        copy_release(made_release(tmp_path / "other", text="others"), shelf)
    assert verify_release(shelf / "1.0.0").version == "1.0.0"


def test_a_release_is_not_found_before_all_of_it_has_come(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from productnet.release import publish

    release, shelf = made_release(tmp_path / "made"), location(f"{store}/releases")
    copy = publish._copy

    def killed(source: Location, target: Location) -> None:
        if target.name == "train.parquet":
            raise KeyboardInterrupt
        copy(source, target)

    monkeypatch.setattr(publish, "_copy", killed)
    with pytest.raises(KeyboardInterrupt):
        copy_release(release, shelf)
    with pytest.raises(ReleaseError, match="is no release"):
        verify_release(shelf / "1.0.0")
    monkeypatch.setattr(publish, "_copy", copy)
    assert copy_release(release, shelf).copied == 2


@pytest.mark.parametrize("what", ["changed", "missing", "extra"])
def test_a_release_that_was_tampered_with_is_told(what: str, store: str, tmp_path: Path) -> None:
    place = location(f"{store}/releases")
    copy_release(made_release(tmp_path / "made"), place)
    file = place / "1.0.0" / "data" / "train.parquet"
    if what == "changed":
        file.write_text("ROWS")
    elif what == "missing":
        file.unlink()
    else:
        (place / "1.0.0" / "more.txt").write_text("more")
    said = {"changed": "its hash differs", "missing": "lacks data/train", "extra": r"more\.txt"}
    with pytest.raises(ReleaseError, match=said[what]):
        verify_release(place / "1.0.0")
