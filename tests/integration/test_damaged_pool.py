"""A pool with files missing or cut short: a sentence, and nothing made worse."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.errors import ProjectError
from productnet.settings import Project, Settings


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    (tmp_path / "feed.csv").write_text("id,title\n1,mug\n2,vase\n")
    return tmp_path / "feed.csv"


@pytest.fixture
def shop(tmp_path: Path, feed: Path) -> Project:
    project = Project.create(tmp_path / "shop", Settings())
    import_feed(project, feed)
    return project


@pytest.mark.parametrize(
    "read",
    [
        Pool.ids,
        lambda pool: list(pool.scan()),
        lambda pool: list(pool.fingerprints()),
        lambda pool: pool.take(["1"]),
    ],
    ids=["ids", "scan", "fingerprints", "take"],
)
def test_damaged_data_is_reported(shop: Project, read: Callable[[Pool], object]) -> None:
    for file in (shop.pool_path / "data").iterdir():
        file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(ProjectError, match=r"pool\.lance cannot be read .* import the feeds again"):
        read(Pool.open(shop.pool_path))


def test_an_import_never_clears_away_a_pool_that_holds_data(shop: Project, feed: Path) -> None:
    shutil.rmtree(str(shop.pool_path / "_versions"))
    before = sorted((shop.pool_path / "data").iterdir())
    with pytest.raises(ProjectError, match="put it back from a backup"):
        import_feed(shop, feed)
    assert sorted((shop.pool_path / "data").iterdir()) == before
