"""``productnet candidates``: a page in the terminal, its options, and what it refuses."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from productnet.annotation.decisions import Verdict
from productnet.annotation.workflow import Workflow
from productnet.catalog.store.files import write_store
from productnet.cli.main import app
from productnet.errors import ProductNetError
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy


def run(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["candidates", *arguments])


def page(*arguments: str) -> list[dict[str, object]]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    candidates: list[dict[str, object]] = json.loads(result.stdout)["candidates"]
    return candidates


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small project of texts, embedded, with two decisions."""
    folder = tmp_path_factory.mktemp("candidates")
    files = write_store(folder / "feed", size=120, seed=3, images=False)
    shop = str(folder / "shop")
    encoder = ("--text-encoder", "static")
    for arguments in (
        ("init", shop, "--taxonomy", str(files.taxonomy), *encoder),
        ("import", str(files.feed), "--project", shop),
        ("embed", "--project", shop),
    ):
        assert CliRunner().invoke(app, list(arguments)).exit_code == 0
    return shop


def test_a_page_is_shown_with_reasons_and_nothing_is_recorded(shop: str) -> None:
    shown = run("tumblers", "-n", "5", "--source", "keyword", "--project", shop)
    assert shown.exit_code == 0
    assert "Candidates for Kitchen > Drinking & Serving > Tumblers" in shown.output
    assert 'matches "tumblers"' in shown.output
    status = CliRunner().invoke(app, ["status", "--project", shop, "--json"])
    assert json.loads(status.stdout)["total"]["decisions"] == 0


@pytest.mark.parametrize(
    ("options", "source"),
    [
        (("--query", "lamp"), "keyword"),
        (("--field", "title"), "keyword"),
        (("--text", "a lamp"), "adhoc"),
        (("--source", "random"), "random"),
    ],
)
def test_the_source_follows_from_the_options(
    shop: str, options: tuple[str, ...], source: str
) -> None:
    candidates = page("tumblers", "-n", "3", *options, "--project", shop)
    assert [one["source"] for one in candidates] == [source] * 3
    assert all(one["reason"] and "title" in one for one in candidates)


def test_the_same_seed_shows_the_same_page(shop: str) -> None:
    arguments = ("tumblers", "--source", "random", "--project", shop)
    assert page(*arguments, "--seed", "1") == page(*arguments, "--seed", "1")
    assert page(*arguments, "--seed", "1") != page(*arguments, "--seed", "2")


def test_ids_are_shown_in_order_and_unknown_ones_told(shop: str) -> None:
    first, second = (str(one["product"]) for one in page("tumblers", "-n", "2", "--project", shop))
    options = ("--id", f"{second}, nowhere", "--id", first, "--project", shop)
    assert [one["product"] for one in page("tumblers", "-n", "2", *options)] == [second, first]
    shown = run("tumblers", *options).output
    assert "Not in the pool: nowhere." in shown
    many = ",".join([second, *(f"x{number}" for number in range(9))])
    shown = run("tumblers", "--id", many, "--project", shop).output
    assert "Not in the pool: x0, x1, x2, x3, x4 and 4 more." in shown


def test_the_local_model_is_asked_and_decided_products_are_gone(shop: str, tmp_path: Path) -> None:
    copied = shutil.copytree(shop, tmp_path / "shop")
    options = ("-n", "10", "--project", str(copied))
    (first, second) = (str(one["product"]) for one in page("tumblers", *options)[:2])
    workflow = Workflow.open(Project.open(copied))
    with workflow.log:
        tumblers = Taxonomy.load(copied / "taxonomy.json").find("tumblers").id
        for product, verdict in ((first, Verdict.POSITIVE), (second, Verdict.NEGATIVE)):
            workflow.label(product, tumblers, annotator="ann", verdict=verdict)
    sure, doubtful = (
        page("tumblers", "--ask", ask, *options) for ask in ("positives", "ambiguous")
    )
    assert not {one["product"] for one in [*sure, *doubtful]} & {first, second}
    assert {one["source"] for one in [*sure, *doubtful]} == {"active"}
    assert str(sure[0]["model_version"]).startswith("logistic-regression:2:")
    assert sure != doubtful
    assert "the local model says no" in " ".join(
        str(one["reason"]) for one in page("tumblers", "--ask", "negatives", *options)
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tumbler",), 'Did you mean "Tumblers"'),
        (("Kitchen",), 'not a leaf.*such as "Kitchen > '),
        (("tumblers", "--source", "keywords"), 'no source "keywords". Did you mean "keyword"'),
        (
            ("tumblers", "--source", "random", "--text", "x"),
            '"text" is for source adhoc, not for random',
        ),
        (("tumblers", "--query", "x", "--ask", "positives"), '"query" is for source keyword'),
        (("tumblers", "--ask", "everything"), '"ask" takes positives, negatives, ambiguous'),
        (("tumblers", "--model", "logistic"), 'Did you mean "logistic-regression"'),
        (("tumblers", "--query", "x", "--field", "titel"), 'Did you mean "title"'),
        (("tumblers", "--image", "gone.jpg"), "no image gone.jpg"),
        (("tumblers", "--image", "gone.jpg", "--url", "http://x.example"), "--image or --url"),
        (("tumblers", "--url", "http://127.0.0.1/a.jpg"), "embedded by its image"),
        (("tumblers", "--text", " "), "text to look for is empty"),
        (("tumblers", "--id", ""), "no product id"),
        (("tumblers", "--id", "x1 x2"), "None of the 2 ids given is in the pool"),
        (("tumblers", "--project", "nowhere"), "productnet init DIR"),
    ],
)
def test_an_error_says_what_to_do(shop: str, arguments: tuple[str, ...], message: str) -> None:
    named = arguments if "--project" in arguments else (*arguments, "--project", shop)
    result = run(*named)
    assert isinstance(result.exception, ProductNetError), result.output
    assert re.search(message, str(result.exception))
