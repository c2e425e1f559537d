"""``partition``, ``index`` and ``search`` as people type them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from productnet.cli.main import app
from productnet.errors import SearchError
from productnet.settings import Project


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_pool_is_partitioned(after_round: Project, tmp_path: Path) -> None:
    asked = ("partition", "-o", str(tmp_path / "out"), "--precision", "0.8")
    here = ("--project", str(after_round.root))
    told = json.loads(run(*asked, *here, "--json"))
    assert told["certain"] / told["products"] == told["coverage"]
    said = run(*asked, *here)
    assert f"{told['certain']:,} of {told['products']:,} products" in said
    assert "category=" in " ".join(path.name for path in (tmp_path / "out").iterdir())


def test_an_index_is_built_and_searched(before_round: Project, tmp_path: Path) -> None:
    out = str(tmp_path / "index")
    said = run("index", "-o", out, "--project", str(before_round.root))
    assert f"productnet search {out}" in said
    assert "by name" in said
    told = json.loads(run("search", out, "red mug", "-n", "3", "--json"))
    assert len(told["found"]) == 3
    assert set(told["found"][0]) >= {"product", "title", "category", "path", "score"}
    assert "by vectors" in run("search", out, "red mug", "-n", "3")
    with pytest.raises(SearchError, match="productnet index --out FOLDER"):
        run("search", str(tmp_path), "red mug")
