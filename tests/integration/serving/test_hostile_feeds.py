"""Whatever bytes a feed has, ``categorize`` gives a table or one sentence, never a traceback."""

import gzip
import io
import json
import tempfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from productnet.cli.main import app
from productnet.errors import ProductNetError

SUFFIXES = ("csv", "tsv", "jsonl", "parquet", "xml", "txt", "csv.gz", "jsonl.gz")


def table() -> bytes:
    sink = io.BytesIO()
    rows = {"id": ["1", "2"], "title": ["mug", "scarf"], "image": [b"\xff\xd8\xff", None]}
    pq.write_table(pa.table(rows), sink)
    return sink.getvalue()


WHOLE = {
    "csv": b'id,title,image\n1,"a ""mug""",x.jpg\n2,scarf,\n',
    "tsv": b"id\ttitle\n1\tmug\n2\tscarf\n",
    "jsonl": b'{"id": 1, "title": "mug"}\n{"id": 2, "title": ["a", {"b": 3}]}\n',
    "parquet": table(),
    "xml": b"<rss><channel><item><id>1</id><title>mug</title></item></channel></rss>",
    "csv.gz": gzip.compress(b"id,title\n1,mug\n2,scarf\n", mtime=0),
}


@pytest.fixture(scope="module")
def taxonomy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("taxonomy") / "paths.txt"
    path.write_text("Kitchen > Mugs\nClothing > Scarves\n")
    return path


def categorize(content: bytes, suffix: str, taxonomy: Path, *, format: str | None = None) -> None:
    """A table of every usable product, or an error that says something."""
    with tempfile.TemporaryDirectory() as folder:
        feed, out = Path(folder, f"feed.{suffix}"), Path(folder, "out.parquet")
        feed.write_bytes(content)
        asked = ["categorize", str(feed), "--taxonomy", str(taxonomy), "-o", str(out), "--json"]
        chosen = [] if format is None else ["--format", format]
        result = CliRunner().invoke(app, [*asked, *chosen])
        if isinstance(result.exception, ProductNetError):
            assert len(str(result.exception)) > 20
            assert not out.exists()
            return
        assert result.exception is None, result.exc_info
        told = json.loads(result.stdout.strip().splitlines()[-1])
        assert pq.read_metadata(out).num_rows == told["products"]


quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@quick
@given(content=st.binary(max_size=400), suffix=st.sampled_from(SUFFIXES))
def test_any_bytes(taxonomy: Path, content: bytes, suffix: str) -> None:
    categorize(content, suffix, taxonomy)


@quick
@given(st.data(), st.sampled_from(sorted(WHOLE)))
def test_good_feeds_broken_anywhere(taxonomy: Path, data: st.DataObject, kind: str) -> None:
    content = bytearray(WHOLE[kind])
    cut = data.draw(st.integers(0, len(content)), label="cut")
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4), label="broken"):
        content[place] = data.draw(st.integers(0, 255), label="byte")
    categorize(bytes(content[:cut]), kind, taxonomy)


@quick
@given(st.text(max_size=200), st.sampled_from(["csv", "tsv", "jsonl"]))
def test_any_text_in_a_field(taxonomy: Path, text: str, kind: str) -> None:
    content = {
        "csv": "id,title\n1,{}\n2,mug\n".format(text.replace('"', "")),
        "tsv": f"id\ttitle\n1\t{text}\n2\tmug\n",
        "jsonl": json.dumps({"id": 1, "title": text}) + '\n{"id": 2, "title": "mug"}\n',
    }[kind]
    categorize(content.encode("utf-8", "surrogatepass"), kind, taxonomy)


def zipped(content: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.csv", content)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (b"id,title\n1," + b"x" * 200_000 + b"\n2,mug\n", "csv"),
        (b"id,title\n1,mug\0\n2,scarf\n", "csv"),
        (b'{"id": 1, "title": ' + b"[" * 20_000 + b"]" * 20_000 + b"}\n", "jsonl"),
        (b'{"id": 1, "title": ' + b"9" * 6_000 + b"}\n", "jsonl"),
        ("id,title\n1,Tasse à café\n".encode("cp1252"), "csv"),
        ("id,title\n1,mug\n".encode("utf-16"), "csv"),
        (gzip.compress(b"id,title\n1," + b"\0" * 2**25, mtime=0), "csv.gz"),
        (gzip.compress(b"id,title\n" + b"1,mug\n" * 20, mtime=0)[:-9], "csv.gz"),
        (zipped(b"0" * 2**24), "csv"),
        (table()[:-7], "parquet"),
        (b"PAR1" + b"\xff" * 50 + b"PAR1", "parquet"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">]><rss>&a;</rss>', "xml"),
        (b"id,title\n", "csv"),
        (b"name,price\nmug,3\n", "csv"),
        (b"id,id\n1,2\n", "csv"),
        (b"id,title\n1,mug\n1,scarf\n", "csv"),
        (b",".join(b"c%d" % place for place in range(100_000)) + b"\n1\n", "csv"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_people_and_attackers_send(taxonomy: Path, content: bytes, suffix: str) -> None:
    categorize(content, suffix, taxonomy)
