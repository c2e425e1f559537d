"""What a user sees of the commands: answers, errors that say what to do, and nothing heavy."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from productnet.cli.console import fail
from productnet.cli.main import app
from productnet.errors import ProductNetError

TAXONOMY = "Home > Mugs\nHome > Vases\nFashion > Scarves\n"


def run(*arguments: str) -> Result:
    """A command as ``productnet`` runs it, errors included."""
    return CliRunner().invoke(app, list(arguments))


def refused(*arguments: str) -> str:
    """The text of the error that a command ends with."""
    result = run(*arguments)
    assert isinstance(result.exception, ProductNetError), result.output
    return str(result.exception)


@pytest.fixture
def taxonomy(tmp_path: Path) -> Path:
    file = tmp_path / "taxonomy.txt"
    file.write_text(TAXONOMY)
    return file


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    file = tmp_path / "feed.csv"
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["sku", "name", "category"])
        rows.writerow(["1", "A red mug", "Home > Mugs"])
        rows.writerow(["2", "A tall vase", "Home > Vases > Tall"])
        rows.writerow(["", "No id", "Home > Mugs"])
        rows.writerow(["3", "A [bold]scarf[/bold]", "Garden > Hoses"])
    return file


@pytest.fixture
def shop(tmp_path: Path, taxonomy: Path) -> str:
    assert run("init", str(tmp_path / "shop"), "--taxonomy", str(taxonomy)).exit_code == 0
    return str(tmp_path / "shop")


def test_a_bad_taxonomy_leaves_no_half_made_project(tmp_path: Path, taxonomy: Path) -> None:
    taxonomy.write_text("Home > Mugs\nHome > Mugs\n")
    assert "line 2" in refused("init", str(tmp_path / "shop"), "--taxonomy", str(taxonomy))
    assert not (tmp_path / "shop").exists()


def test_a_dry_run_shows_the_mapping_and_changes_nothing(shop: str, feed: Path) -> None:
    shown = run("import", str(feed), "--dry-run", "--project", shop).output
    assert "sku" in shown
    assert "A red mug" in shown
    assert "[bold]scarf" not in shown or "A [bold]scarf[/bold]" in shown
    assert "Held back" in shown
    assert not (Path(shop) / "pool.lance").exists()


def test_an_import_counts_what_it_could_not_use(shop: str, feed: Path) -> None:
    answer = json.loads(run("import", str(feed), "--project", shop, "--json").stdout)
    assert (answer["added"], answer["errors"]) == (3, 1)
    assert answer["reasons"] == {"missing-id": 1}


def test_labels_become_decisions_and_unknown_ones_are_told(shop: str, feed: Path) -> None:
    arguments = ("import", str(feed), "--labels", "category", "--trusted", "--project", shop)
    answer = json.loads(run(*arguments, "--json").stdout)
    assert answer["labels_recorded"] == 2
    assert answer["labels_unknown"] == {"Garden > Hoses": 1}
    again = json.loads(run(*arguments, "--json").stdout)
    assert again["labels_recorded"] == 0
    status = json.loads(run("status", "--project", shop, "--json").stdout)
    assert status["total"]["gold"] == 2


def test_the_taxonomy_cannot_change_under_decisions(shop: str, feed: Path, taxonomy: Path) -> None:
    assert run("taxonomy", str(taxonomy), "--project", shop).exit_code == 0
    run("import", str(feed), "--labels", "category", "--project", shop)
    assert "Make a new project" in refused("taxonomy", str(taxonomy), "--project", shop)


def test_a_category_is_found_and_its_guideline_begun(shop: str) -> None:
    found = json.loads(run("taxonomy", "--find", "mugs", "--project", shop, "--json").stdout)
    assert found["path"] == "Home > Mugs"
    shown = run("taxonomy", "--guideline", "mugs", "--project", shop).output
    assert "no guideline yet" in shown
    assert list((Path(shop) / "guidelines").rglob("mugs.toml"))
    assert 'Did you mean "Mugs"' in refused("taxonomy", "--find", "muggs", "--project", shop)


def test_a_taxonomy_is_derived_from_a_feed(shop: str, feed: Path) -> None:
    arguments = ("taxonomy", "--derive", str(feed), "--depth", "2", "--project", shop, "--json")
    assert json.loads(run(*arguments).stdout)["leaves"] == 3
    assert 'no column "kategory". Did you mean "category"' in refused(
        "taxonomy", "--derive", str(feed), "--column", "kategory", "--project", shop
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("status", "--project", "nowhere"), "productnet init DIR"),
        (("import", "gone.csv"), "There is no feed gone.csv"),
        (("import", "gone.csv", "--map", "title"), "--map takes FIELD=COLUMN"),
        (("import", "gone.csv", "--trusted"), "--trusted says how to take --labels"),
        (("embed",), "productnet import FEED"),
        (("round",), "productnet import FEED|gold in at least two leaves"),
        (("release", "make", "1.0.0"), "gold|productnet import"),
        (("export", "1.0.0"), "There is no release .*release make"),
        (("similar",), "Give one of"),
        (("similar", "x"), "no embeddings yet"),
        (("categorize", "x.csv", "--out", "y.csv"), "no master model yet"),
    ],
)
def test_an_error_says_what_to_do(shop: str, arguments: tuple[str, ...], message: str) -> None:
    import re

    named = arguments if "--project" in arguments else (*arguments, "--project", shop)
    assert re.search(message, refused(*named))


def test_an_error_is_one_sentence_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        fail(ProductNetError("The [red]feed[/red] is empty."))
    assert left.value.code == 2
    assert "error: The [red]feed[/red] is empty." in capsys.readouterr().err


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from productnet.cli.main import app; app(['--help'], standalone_mode=False); "
        "heavy = {'torch', 'pyarrow', 'numpy', 'sklearn', 'lance', 'sqlalchemy', 'ray'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip().endswith("[]")


def test_a_host_without_torch_can_import_and_look(shop: str, feed: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.modules['transformers'] = None; "
        "from productnet.cli.main import app; "
        f"app(['import', {str(feed)!r}, '--project', {shop!r}], standalone_mode=False); "
        f"app(['status', '--project', {shop!r}], standalone_mode=False)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert "3 products" in answer.stdout
