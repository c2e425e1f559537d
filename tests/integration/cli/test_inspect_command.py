"""``productnet inspect``: what it prints and writes, and with which status it ends."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.cli.main import app
from productnet.errors import ProductNetError
from productnet.inspection.registry import INSPECTIONS
from productnet.inspection.run import read_inspected
from productnet.settings import Project
from tests.released import FIELDS, make_shop


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two leaves of twelve gold products, not embedded, and one whose brand is a number."""
    project = make_shop(tmp_path / "shop")
    odd = Product("odd", {"title": "mugs x", "brand": "8801643"}, fingerprint=bytes(8))
    Pool.open(project.pool_path).append(products_to_table([odd], FIELDS))
    return project.root


def inspect(shop: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        app, ["inspect", *arguments, "--project", str(shop)], catch_exceptions=True
    )


def test_flaws_are_told_with_advice_and_kept_for_the_portal(shop: Path) -> None:
    result = inspect(shop)
    assert result.exit_code == 0, result.output
    assert "number as a brand" in result.output.lower()
    assert "productnet import --map" in " ".join(result.output.split())
    # What needs vectors says so, and the rest is looked at all the same.
    assert "Not looked at: labels." in result.output
    found = read_inspected(Project.open(shop))
    assert found is not None
    assert set(found.skipped) == {"labels", "siblings", "narrow"}
    assert found.seq == 53
    kinds = {flaw.kind: flaw for flaw in found.flaws}
    assert kinds["number as a brand"].products == ("odd",)
    assert kinds["below the target"].numbers["target"] == 60


def test_one_inspection_keeps_nothing(shop: Path) -> None:
    result = inspect(shop, "--only", "misplaced", "--json")
    told = json.loads(result.stdout)
    assert {flaw["inspection"] for flaw in told["flaws"]} == {"misplaced"}
    assert told["flaws"][0]["severity"] == "warning"
    assert read_inspected(Project.open(shop)) is None


@pytest.mark.parametrize(("severity", "status"), [("error", 0), ("warning", 1), ("note", 1)])
def test_a_check_in_ci_fails_on_what_it_asked_about(shop: Path, severity: str, status: int) -> None:
    result = inspect(shop, "--only", "misplaced", "--fail-on", severity)
    assert result.exit_code == status


def test_flaws_are_written_as_a_table_or_with_all_else(shop: Path, tmp_path: Path) -> None:
    parquet, flat, whole = (tmp_path / f"flaws.{ending}" for ending in ("parquet", "csv", "json"))
    for path in (parquet, flat, whole):
        assert inspect(shop, "--only", "misplaced", "--out", str(path)).exit_code == 0
    [row] = pq.read_table(parquet).to_pylist()
    assert (row["kind"], row["field"], row["products"]) == ("number as a brand", "brand", ["odd"])
    with flat.open() as file:
        [line] = csv.DictReader(file)
    assert json.loads(line["products"]) == ["odd"]
    assert line["advice"] == row["advice"]
    assert json.loads(whole.read_text())["flaws"][0]["products"] == ["odd"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--only", "brand"], 'There is no inspection "brand". Did you mean "brands"'),
        (["--fail-on", "eror"], 'there is no "eror". Did you mean "error"?'),
        (["--out", "flaws.xlsx", "--only", "thin"], "Flaws are written as .parquet, .csv or .json"),
        (["--out", "."], ". is a folder. Name a file in it"),
    ],
)
def test_mistakes_are_answered(shop: Path, arguments: list[str], said: str) -> None:
    result = inspect(shop, *arguments)
    assert isinstance(result.exception, ProductNetError)
    assert said in str(result.exception)


def test_every_inspection_is_a_choice_with_help() -> None:
    assert all(INSPECTIONS.help(name) and callable(INSPECTIONS[name]) for name in INSPECTIONS)


def test_what_was_kept_and_cannot_be_read_says_what_to_do(shop: Path) -> None:
    project = Project.open(shop)
    project.inspection_path.write_text("{")
    with pytest.raises(ProductNetError, match="Delete it and run `productnet inspect` again"):
        read_inspected(project)
    project.inspection_path.write_text('{"format_version": 0}')
    assert read_inspected(project) is None


def test_products_that_nobody_can_tell_are_named(shop: Path) -> None:
    pool = Pool.open(Project.open(shop).pool_path)
    bare = [Product(one, {}, fingerprint=one.encode() + bytes(4)) for one in ("bare", "void")]
    blank = Product("blank", {"title": "  "}, fingerprint=bytes(7) + b"1")
    pool.append(products_to_table([*bare, blank], FIELDS))
    told = json.loads(inspect(shop, "--only", "missing", "--json").stdout)
    (found,) = [flaw for flaw in told["flaws"] if flaw["kind"] == "nothing to go by"]
    assert set(found["products"]) == {"bare", "void", "blank"}
    assert found["count"] == 3
