"""Long tables go on after a kill, to the bytes an undisturbed command gives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from productnet.errors import ProjectError, UsageError
from productnet.files import alone
from productnet.progress import SILENT
from productnet.serving.feeds.products import BATCH, FeedProducts
from productnet.serving.feeds.resumed import Written, write_resumed
from productnet.settings import Settings

SCHEMA = pa.schema([("product", pa.string()), ("length", pa.int64())])
ROWS = 5 * BATCH + 7

# What a command does, slowly: three seconds a run, so that it can be killed in the middle.
SLOW = """
import sys, time
from pathlib import Path
from tests.integration.serving import test_resumed as here
def slow(table):
    print("batch", flush=True)
    time.sleep(0.4)
    return here.lengths(table)
here.write(Path(sys.argv[1]), Path(sys.argv[2]), rows=slow)
"""


def lengths(table: pa.Table) -> pa.Table:
    titles = table.column("title").to_pylist()
    return pa.table([table.column("id"), [len(title or "") for title in titles]], schema=SCHEMA)


def write(feed: Path, out: Path, *, rows: object = lengths, stamp: str = "a") -> Written:
    products = FeedProducts(feed, Settings())
    return write_resumed(
        products,
        out,
        SCHEMA,
        rows,  # type: ignore[arg-type]
        stamp={"model": stamp},
        label="Measuring",
        progress=SILENT,
        part=BATCH,
    )


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    lines = [f'{row},"title {"x" * (row % 11)}"' for row in range(ROWS)]
    lines[3 * BATCH] = '9,"never closed'[:3] + ',"one column too many",z'
    path = tmp_path / "feed.csv"
    path.write_text("id,title\n" + "\n".join(lines) + "\n")
    return path


def killed_after(feed: Path, out: Path, *, batches: int) -> None:
    command = [sys.executable, "-c", SLOW, str(feed), str(out)]
    paths = [str(Path(__file__).parents[3]), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for _ in range(batches):
            assert process.stdout.readline() == "batch\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("name", ["out.parquet", "out.csv"])
def test_killed_it_goes_on_to_the_same_bytes(feed: Path, tmp_path: Path, name: str) -> None:
    whole = tmp_path / "whole" / name
    told = write(feed, whole)
    assert (told.products, told.skipped, told.resumed) == (ROWS - 1, 1, 0)
    out = tmp_path / name
    killed_after(feed, out, batches=4)
    assert not out.exists()
    seen: list[int] = []

    def rows(table: pa.Table) -> pa.Table:
        seen.append(len(table))
        return lengths(table)

    told = write(feed, out, rows=rows)
    assert told.resumed >= 2 * BATCH
    assert told.resumed + sum(seen) == told.products == ROWS - 1
    assert told.skipped == 1
    assert out.read_bytes() == whole.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"feed.csv", "whole", name}


def begun(feed: Path, out: Path) -> None:
    """Work that ended in the middle."""

    def failing(table: pa.Table) -> pa.Table:
        if table.column("title")[0].as_py() != "title":
            raise RuntimeError("the power went")
        return lengths(table)

    with pytest.raises(RuntimeError, match="power"):
        write(feed, out, rows=failing)


def test_of_another_model_or_feed_it_begins_anew(feed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    begun(feed, out)
    told = write(feed, out, stamp="b")
    assert (told.resumed, told.anew) == (0, True)
    begun(feed, out)
    time.sleep(0.01)
    feed.write_text(feed.read_text())
    told = write(feed, out)
    assert (told.resumed, told.anew) == (0, True)
    begun(feed, out)
    assert write(feed, out).resumed == BATCH
    begun(feed, out)
    (tmp_path / "out.parquet.unfinished" / "part-000000.parquet").unlink()
    told = write(feed, out)
    assert (told.resumed, told.anew) == (0, False)


def test_killed_while_it_cleans_up_or_begins_it_is_its_own(feed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    begun(feed, out)
    hidden = tmp_path / f".out.parquet.unfinished.12345678.{2**22 + 1}.draft"
    (tmp_path / "out.parquet.unfinished").rename(hidden)  # as ``discard`` does first
    assert write(feed, out).resumed == 0
    (tmp_path / "out.parquet.unfinished").mkdir()
    (tmp_path / "out.parquet.unfinished" / ".stamp.json.12345678.9.draft").write_text("{")
    assert write(feed, out).resumed == 0
    assert {path.name for path in tmp_path.iterdir()} == {"feed.csv", "out.parquet"}


def test_work_is_removed_at_once(
    feed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out.parquet"

    def dying(*paths: Path, **how: bool) -> None:
        if out.exists():
            raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", dying)
    with pytest.raises(KeyboardInterrupt):
        write(feed, out)
    monkeypatch.undo()
    assert not (tmp_path / "out.parquet.unfinished").exists()


def test_an_empty_feed_gives_a_file_without_rows(tmp_path: Path) -> None:
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title\n,no id\n")
    told = write(feed, tmp_path / "out.parquet")
    assert (told.products, told.skipped) == (0, 1)
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_the_feed_itself_is_never_replaced(feed: Path) -> None:
    before = feed.read_bytes()
    for name in (feed, feed.parent / "." / feed.name):
        with pytest.raises(UsageError, match="is the feed itself"):
            write(feed, name)
    assert feed.read_bytes() == before


def test_an_id_that_comes_twice_is_answered_twice(tmp_path: Path) -> None:
    feed, out = tmp_path / "feed.csv", tmp_path / "out.csv"
    feed.write_text("id,title\na,mug\nb,cup\na,teapot\n")
    given: list[object] = []

    def rows(table: pa.Table) -> pa.Table:
        given.extend(table.column("id").to_pylist())
        return lengths(table)

    assert write(feed, out, rows=rows).products == 3
    assert len(set(given)) == 3
    assert out.read_text().replace('"', "") == "product,length\na,3\nb,3\na,6\n"


def test_two_do_not_write_one_file(feed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    with (
        alone(tmp_path / ".out.parquet.lock", busy=""),
        pytest.raises(ProjectError, match="writes .*out.parquet already"),
    ):
        write(feed, out)


def test_what_somebody_put_there_is_left_alone(feed: Path, tmp_path: Path) -> None:
    (tmp_path / "out.parquet.unfinished").mkdir()
    (tmp_path / "out.parquet.unfinished" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is no table that was begun"):
        write(feed, tmp_path / "out.parquet")
    with pytest.raises(UsageError, match="should end in .parquet or .csv"):
        write(feed, tmp_path / "out.xlsx")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        write(feed, tmp_path / "folder.csv")
