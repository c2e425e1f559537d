"""An import killed at any moment and run again ends as an undisturbed one."""

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from productnet.catalog import importer
from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.settings import Project, Settings

PRODUCTS = 120

# Runs an import in small batches and kills itself when a function was called so many times,
# before doing its work or after.
KILLED = """
import os, signal, sys
from pathlib import Path
from productnet.catalog import importer, side_tables
from productnet.catalog.pool import Pool
from productnet.settings import Project

root, feed, where, call, moment = sys.argv[1:]
importer._BATCH_ROWS = 16
owner = {"append": Pool, "upsert": Pool, "compact": Pool, "create": Pool}.get(where, side_tables)
owner = importer if where == "merge_categories" else owner
original = getattr(owner, where)
calls = 0

def deadly(*arguments):
    global calls
    calls += 1
    dying = calls == int(call)
    if dying and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments)
    if dying:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(owner, where, deadly)
importer.import_feed(Project.open(Path(root)), Path(feed), reference="truth", labels="kind")
"""


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with bad rows and bad images among the good."""
    folder = tmp_path_factory.mktemp("shop")
    lines = ["id,title,image,truth,kind"]
    for number in range(PRODUCTS):
        buffer = io.BytesIO()
        Image.new("RGB", (30, 30), (number, 2 * number, 90)).save(buffer, "JPEG")
        data = buffer.getvalue() if number % 7 else buffer.getvalue()[:-60]
        (folder / f"{number}.jpg").write_bytes(data)
        lines.append(f"p{number},Product {number},{number}.jpg,T{number % 3},K{number % 4}")
        if number % 11 == 0:
            lines += [f"p{number},Twice,,,", ",Nameless,,,", "short"]
    (folder / "feed.csv").write_text("\n".join(lines))
    return folder / "feed.csv"


def new_project(root: Path) -> Project:
    """A project with some of the products already there, as they were before."""
    project = Project.create(root, Settings())
    before = root / "before.csv"
    before.write_text("id,title\n" + "".join(f"p{number},Old\n" for number in range(40)))
    import_feed(project, before)
    return project


def contents(project: Project) -> dict[str, pa.Table]:
    pool = pa.Table.from_batches(list(Pool.open(project.pool_path).scan())).sort_by("id")
    labels = project.imported_labels_path
    files = (project.import_errors_path, project.reference_path, labels)
    return {"pool": pool, **{path.name: pq.read_table(path) for path in files}}


@pytest.fixture(scope="module")
def undisturbed(feed: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, pa.Table]:
    project = new_project(tmp_path_factory.mktemp("undisturbed") / "project")
    import_feed(project, feed, reference="truth", labels="kind")
    tables = contents(project)
    assert len(tables["pool"]) == PRODUCTS
    assert len(tables["import-errors.parquet"]) == 51
    return tables


@pytest.mark.parametrize(
    ("where", "call", "moment"),
    [
        ("append", 1, "before"),
        ("append", 3, "after"),
        ("upsert", 2, "before"),
        ("upsert", 2, "after"),
        ("compact", 1, "after"),
        ("merge_categories", 1, "after"),
        ("write_table_atomically", 3, "before"),
    ],
)
def test_killed_and_run_again(
    where: str,
    call: int,
    moment: str,
    feed: Path,
    undisturbed: dict[str, pa.Table],
    tmp_path: Path,
) -> None:
    project = new_project(tmp_path / "project")
    arguments = [str(project.root), str(feed), where, str(call), moment]
    killed = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
    assert killed.returncode == -signal.SIGKILL
    import_feed(project, feed, reference="truth", labels="kind")
    assert contents(project) == undisturbed


def test_killed_while_the_pool_is_made(feed: Path, tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", Settings())
    (project.pool_path / "data").mkdir(parents=True)  # what a kill before the first commit leaves
    assert import_feed(project, feed).added == PRODUCTS


def test_killed_from_outside(feed: Path, undisturbed: dict[str, pa.Table], tmp_path: Path) -> None:
    project = new_project(tmp_path / "project")
    versions = project.pool_path / "_versions"
    before = len(list(versions.iterdir()))
    arguments = [str(project.root), str(feed), "compact", "99", "before"]
    running = subprocess.Popen([sys.executable, "-c", KILLED, *arguments])
    while len(list(versions.iterdir())) < before + 3 and running.poll() is None:
        time.sleep(0.002)
    running.kill()
    running.wait()
    import_feed(project, feed, reference="truth", labels="kind")
    assert contents(project) == undisturbed


def test_batches_do_not_show_in_the_result(
    feed: Path,
    undisturbed: dict[str, pa.Table],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importer, "_BATCH_BYTES", 2_000)
    project = new_project(tmp_path / "project")
    import_feed(project, feed, reference="truth", labels="kind")
    assert contents(project) == undisturbed
