"""``productnet backup`` and ``restore`` as a person types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from productnet.catalog.importer import import_feed
from productnet.cli.main import app
from productnet.database.database import Database
from productnet.errors import BackupError
from productnet.events.activity import Activity
from productnet.settings import Project, Settings
from productnet.taxonomy.tree import Category, Taxonomy


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    opened = Project.create(tmp_path / "shop", Settings())
    Taxonomy([Category("mugs", ("Mugs",))], name="t", version="1").save(opened.taxonomy_path)
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title\na,Mug\nb,Cup\n")
    import_feed(opened, feed)
    with Database.open(opened.database_url):
        return opened


def run(*arguments: object) -> str:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, words, catch_exceptions=False).stdout


def test_a_backup_is_made_checked_and_restored(shop: Project, tmp_path: Path) -> None:
    target = tmp_path / "shop.tar"
    made = json.loads(run("backup", target, "--project", shop.root, "--json"))
    assert (made["decisions"], made["products"]) == (0, 2)
    assert "Sound: " in run("backup", "--check", target)
    assert "Restored: " in run("restore", target, tmp_path / "again")
    assert Project.open(tmp_path / "again").settings == shop.settings
    with Database.open(shop.database_url) as database:
        (event,) = Activity(database).page().items
    assert (event.kind, event.subject) == ("backup.made", "shop.tar")


def test_one_without_products_says_what_comes_next(shop: Project, tmp_path: Path) -> None:
    run("backup", tmp_path / "small", "--without-pool", "--project", shop.root)
    assert "productnet import FEED" in run("restore", tmp_path / "small", tmp_path / "again")


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.tar").write_text("Dear Ada")
    with pytest.raises(BackupError, match="is no backup, or a damaged one"):
        run("backup", "--check", tmp_path / "letter.tar")
    with pytest.raises(BackupError, match="There is no backup"):
        run("restore", tmp_path / "nothing.tar", tmp_path / "again")
