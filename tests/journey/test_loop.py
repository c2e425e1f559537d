"""One story from a feed to a release, by the commands a user types."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from productnet.catalog.store.files import write_store
from productnet.cli.main import app
from productnet.settings import Project

SIZE = 400


def command(*arguments: str) -> dict[str, object]:
    """Run a command with --json and give its answer."""
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    answer: dict[str, object] = json.loads(result.stdout.strip().splitlines()[-1])
    return answer


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has gone twice round the loop."""
    folder = tmp_path_factory.mktemp("journey")
    files = write_store(folder / "feed", size=SIZE, seed=3)
    shop = folder / "shop"
    command("init", str(shop), "--taxonomy", str(files.taxonomy))
    imported = command("import", str(files.feed), "--project", str(shop))
    assert imported["added"] == SIZE
    Project.open(shop).reference_path.write_bytes(files.reference.read_bytes())
    embedded = command("embed", "--project", str(shop))
    assert embedded["count"] == SIZE
    for target in (4, 6):
        command("simulate", "--target", str(target), "--project", str(shop))
        command("round", "--project", str(shop))
    return shop


def test_the_loop_makes_gold_and_a_model_that_beats_chance(shop: Path) -> None:
    status = command("status", "--project", str(shop))
    assert status["rounds"] == 2
    assert status["embedding_set"] == "round-0002"
    total = status["total"]
    assert isinstance(total, dict)
    assert total["gold"] > 60
    assert total["disputed"] == 0
    metrics = json.loads((shop / "models" / "round-0002" / "metrics.json").read_text())
    rows = {row["name"]: row for row in metrics["table"]}
    assert set(rows) == {"master", "text only", "image only", "bag of words"}
    assert rows["master"]["top1"] > 0.3
    assert rows["master"]["top1"] <= rows["master"]["top3"] <= rows["master"]["top5"]


def test_gold_agrees_with_the_reference(shop: Path) -> None:
    reference = pq.read_table(shop / "reference.parquet").to_pylist()
    truth = {row["id"]: row["category"].split(" > ")[-1] for row in reference if row["category"]}
    gold = pq.read_table(shop / "models" / "round-0002" / "gold.parquet").to_pylist()
    from productnet.taxonomy.tree import Taxonomy

    taxonomy = Taxonomy.load(shop / "taxonomy.json")
    right = sum(taxonomy[row["category"]].name == truth.get(row["product"]) for row in gold)
    assert right / len(gold) > 0.95


def test_the_report_is_one_page_that_needs_nothing_else(shop: Path) -> None:
    report = Path(str(command("report", "--project", str(shop))["report"]))
    page = report.read_text(encoding="utf-8")
    assert "<title>" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "<script src" not in page
    assert "round" in page


def test_the_release_loads_in_one_line(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = command("release", "make", "1.0.0", "--project", str(shop))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    from datasets import load_dataset

    folder = str(shop / "releases" / "1.0.0")
    for table in ("gold", "hard_negatives"):
        loaded = load_dataset(folder, table, cache_dir=str(tmp_path / "cache"))
        assert sum(len(side) for side in loaded.values()) == int(str(released[table]))


def test_new_products_are_categorized_and_encoded(shop: Path, tmp_path: Path) -> None:
    files = write_store(tmp_path / "new", size=30, seed=11)
    categories = tmp_path / "categories.parquet"
    vectors = tmp_path / "vectors.parquet"
    for name, out in (("categorize", categories), ("encode", vectors)):
        answer = command(name, str(files.feed), "--out", str(out), "--project", str(shop))
        assert answer["products"] == 30
    rows = pq.read_table(categories)
    assert rows.num_rows == 90
    assert all(0 <= value <= 1 for value in rows.column("confidence").to_pylist())
    assert pq.read_table(vectors).schema.field("embedding").type.list_size == 256


def test_similar_products_are_found_by_product_text_and_image(shop: Path, tmp_path: Path) -> None:
    project = Project.open(shop)
    gold = pq.read_table(project.models_path / "round-0002" / "gold.parquet").to_pylist()
    product = gold[0]["product"]
    found = command("similar", product, "-n", "5", "--project", str(shop))["neighbours"]
    assert isinstance(found, list)
    assert len(found) == 5
    assert product not in {one["product"] for one in found}
    from productnet.catalog.pool import Pool

    image = Pool.open(project.pool_path).take([product], columns=["image"]).column(0)[0].as_py()
    for query in (["--text", "a mug"], ["--image", str(tmp_path / "query.jpg")]):
        (tmp_path / "query.jpg").write_bytes(image or b"")
        if query[0] == "--image" and image is None:
            continue
        assert command("similar", *query, "-n", "3", "--project", str(shop))["neighbours"]


def test_importing_the_same_feed_again_changes_nothing(shop: Path) -> None:
    feed = next((shop.parent / "feed").glob("products*.parquet"))
    again = command("import", str(feed), "--project", str(shop))
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, SIZE)
    assert (shop / "import-errors.parquet").exists()
