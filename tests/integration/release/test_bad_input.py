"""Releases on full disks, in folders nobody can write, beside others, of a pool that shrank."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.errors import ReleaseError
from productnet.release.build import release
from productnet.release.manifest import verify_release
from productnet.settings import CatalogSettings, Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy
from tests.released import FIELDS, decision, make_shop


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_shop(tmp_path / "shop")


# The operating system refuses what goes past the limit, as a full disk does.
_LIMITED = """
import resource, signal, sys
from pathlib import Path
from productnet.errors import ReleaseError
from productnet.release import build
from productnet.release.build import release
from productnet.settings import Project

project = Project.open(Path(sys.argv[1]))
release(project, version="0.9.0")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
real = build.write_shards

def write_shards(*what, **how):
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, resource.RLIM_INFINITY))
    return real(*what, **how)

build.write_shards = write_shards
try:
    release(project, version="1.0.0")
except ReleaseError as error:
    sys.exit(str(error))
"""


def test_a_full_disk_in_the_middle_leaves_nothing_and_says_so(project: Project) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", _LIMITED, str(project.root)], capture_output=True, text=True
    )
    assert answer.returncode == 1
    assert "Release 1.0.0 could not be written" in answer.stderr
    assert "File too large" in answer.stderr
    assert "Nothing of it was left there" in answer.stderr
    assert [path.name for path in project.releases_path.iterdir()] == ["0.9.0"]
    assert release(project, version="1.0.0").gold == 24


def test_a_folder_that_cannot_be_written_is_said(project: Project) -> None:
    project.releases_path.write_text("in the way")
    with pytest.raises(ReleaseError, match=r"could not be written to .*rights on that folder"):
        release(project, version="1.0.0")


def test_of_two_at_once_one_has_the_version(project: Project) -> None:
    start = threading.Barrier(2)
    ended: list[object] = []

    def make() -> None:
        start.wait()
        try:
            ended.append(release(project, version="1.0.0"))
        except ReleaseError as error:
            ended.append(str(error))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [one for one in ended if isinstance(one, str)]
    assert len(refused) == 1, ended
    assert "Release 1.0.0 exists already" in refused[0]
    assert verify_release(project.releases_path / "1.0.0").gold == 24
    assert [path.name for path in project.releases_path.iterdir()] == ["1.0.0"]


def test_a_version_taken_while_it_was_made_is_not_overwritten(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = project.releases_path / "1.0.0"

    def taken(*_: object, **__: object) -> str:
        mine.mkdir()
        (mine / "notes.txt").write_text("somebody else's")
        return ""

    monkeypatch.setattr("productnet.release.build.datasheet", taken)
    with pytest.raises(ReleaseError, match=r"1\.0\.0 exists already"):
        release(project, version="1.0.0")
    assert [path.name for path in project.releases_path.iterdir()] == ["1.0.0"]
    assert (mine / "notes.txt").read_text() == "somebody else's"


def test_gold_that_is_gone_from_the_pool_is_named(project: Project) -> None:
    with DecisionLog.open(project.database_url) as log:
        for number, product in enumerate(("ghost-1", "ghost-2")):
            for role in (Role.LABEL, Role.AUDIT):
                place = 400 + 2 * number + (role is Role.AUDIT)
                log.append(decision(place, product, "mugs", Verdict.POSITIVE, role))
    with pytest.raises(
        ReleaseError, match=r"2 of 31 products.*\"ghost-1\"\. Import the feed they came with again"
    ):
        release(project, version="1.0.0")
    assert not project.releases_path.exists()
    back = [Product(f"ghost-{n}", {"title": "Boo"}, fingerprint=bytes(8)) for n in (1, 2)]
    Pool.open(project.pool_path).append(products_to_table(back, FIELDS))
    assert release(project, version="1.0.0").gold == 26


def test_a_text_field_named_like_a_column_of_releases_is_refused(tmp_path: Path) -> None:
    fields = ("title", "verdict")
    settings = Settings(catalog=CatalogSettings(fields=fields))
    project = Project.create(tmp_path / "shop", settings)
    Taxonomy([Category("mugs", ("Mugs",))], name="one").save(project.taxonomy_path)
    Pool.create(project.pool_path, fields)
    with pytest.raises(ReleaseError, match='a column "verdict" of its own'):
        release(project, version="1.0.0")
