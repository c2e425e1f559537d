"""The model's commands on plain files, without a project."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from productnet.cli.main import app
from productnet.errors import ModelError, UsageError


def command(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("labelled") / "products.parquet"
    titles = [f"{colour} {kind}" for kind in ("mug", "scarf") for colour in COLOURS]
    pq.write_table(
        pa.table(
            {
                "id": [str(row) for row in range(len(titles))],
                "title": titles,
                "kind": ["mugs" if "mug" in title else "scarves" for title in titles],
            }
        ),
        file,
    )
    return file


COLOURS = ("red", "blue", "green", "black", "white", "grey", "pink", "teal", "gold", "beige")


@pytest.fixture(scope="module")
def model(labelled: Path) -> Path:
    folder = labelled.parent / "model"
    trained = command(
        "train", str(labelled), "--label", "kind", "--out", str(folder), "--dimension", "16"
    )
    assert (trained["products"], trained["categories"]) == (20, 2)
    return folder


def test_a_trained_model_knows_what_it_was_taught(labelled: Path, model: Path) -> None:
    measured = command("evaluate", str(labelled), "--label", "kind", "--model", str(model))
    assert measured["n_test"] == 20
    assert measured["top1"] == 1.0


def test_categories_and_vectors_are_written_whole(
    labelled: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "categories.csv"
    command("categorize", str(labelled), "--out", str(out), "--model", str(model), "--top", "1")
    lines = out.read_text().splitlines()
    assert len(lines) == 21
    assert "mugs" in lines[1]
    vectors = tmp_path / "vectors.parquet"
    command("encode", str(labelled), "--out", str(vectors), "--model", str(model))
    assert pq.read_table(vectors).schema.field("embedding").type.list_size == 16
    assert {path.name for path in tmp_path.iterdir()} == {"categories.csv", "vectors.parquet"}


def test_a_wanted_precision_leaves_out_what_is_not_sure(
    labelled: Path, model: Path, tmp_path: Path
) -> None:
    out = tmp_path / "keys.parquet"
    answer = command(
        "categorize", str(labelled), "-o", str(out), "--model", str(model), "--precision", "0.95"
    )
    rows = pq.read_table(out).to_pylist()
    assert answer["certified"] is False
    assert answer["decided"] == sum(row["category"] is not None for row in rows)
    assert all(row["category"] in (None, row["likeliest"]) for row in rows)
    assert {row["sure_of"] for row in rows} <= {"mugs", "scarves", None}
    plain = CliRunner().invoke(
        app,
        ["categorize", str(labelled), "-o", str(out), "--model", str(model), "--precision", "0.95"],
    )
    assert "20 held-out products are too few to be certain" in " ".join(plain.output.split())


def test_mistakes_about_precision_are_told_before_the_feed_is_read(
    labelled: Path, model: Path, tmp_path: Path
) -> None:
    asked = ("categorize", str(labelled), "-o", str(tmp_path / "x.csv"), "--model", str(model))
    with pytest.raises(UsageError, match="goes with --precision"):
        command(*asked, "--false-accept", "0.1")
    with pytest.raises(UsageError, match=r"A wanted precision.*not 99"):
        command(*asked, "--precision", "99")
    with pytest.raises(ModelError, match="hidden leaves"):
        command(*asked, "--precision", "0.9", "--false-accept", "0.1")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_hold_vectors_is_refused(
    labelled: Path, model: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"Vectors do not fit in CSV.*x\.parquet"):
        command("encode", str(labelled), "--out", str(tmp_path / "x.csv"), "--model", str(model))
    with pytest.raises(UsageError, match=r"should end in \.parquet or \.csv"):
        command("encode", str(labelled), "--out", str(tmp_path / "x.xls"), "--model", str(model))


def test_a_model_is_never_written_over(labelled: Path, model: Path) -> None:
    with pytest.raises(UsageError, match="holds a model already"):
        command("train", str(labelled), "--label", "kind", "--out", str(model))


def test_a_folder_without_a_model_is_named(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=tmp_path.name):
        command("categorize", str(labelled), "--out", "x.csv", "--model", str(tmp_path))
