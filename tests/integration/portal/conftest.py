"""A small generated shop, served, and people of every role who talk to it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from productnet.catalog.store.files import write_store
from productnet.cli.main import app
from productnet.database.database import Database
from productnet.people.doors import Doors
from productnet.portal.app import create_app
from productnet.portal.portal import Portal
from productnet.portal.security import CSRF_HEADER
from productnet.settings import Project

PASSWORD = "correct horse battery"

# Who there is: a name, and the roles it has.
PEOPLE = {
    "lena": ["labeler"],
    "otto": ["auditor"],
    "ada": ["adjudicator"],
    "root": ["admin"],
    "guest": [],
}

Visit = Callable[[str], TestClient]


@pytest.fixture(scope="session")
def embedded_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 products, imported and embedded, of which nothing is decided, and people."""
    folder = tmp_path_factory.mktemp("served")
    files = write_store(folder / "feed", size=120, seed=5)
    shop = folder / "shop"
    for arguments in (
        ["init", str(shop), "--taxonomy", str(files.taxonomy)],
        ["import", str(files.feed), "--project", str(shop)],
        ["embed", "--project", str(shop)],
    ):
        CliRunner().invoke(app, arguments, catch_exceptions=False)
    project = Project.open(shop)
    shutil.copy(files.reference, project.reference_path)
    # Hashing passwords is slow on purpose, so it is done once.
    with Database.open(project.database_url) as database:
        for name, roles in PEOPLE.items():
            Doors.open(database).people.add(name, roles=roles, password=PASSWORD)
    return shop


@pytest.fixture
def project(embedded_shop: Path, tmp_path: Path) -> Project:
    """A copy of the shop, for one test."""
    return Project.open(Path(shutil.copytree(embedded_shop, tmp_path / "shop")))


@pytest.fixture
def portal(project: Project) -> Iterator[Portal]:
    """The shop's portal."""
    with Portal.open(project) as opened:
        yield opened


@pytest.fixture
def visit(portal: Portal) -> Iterator[Visit]:
    """Gives the signed-in browser of somebody."""
    application = create_app(portal)
    browsers: list[TestClient] = []

    def enter(name: str) -> TestClient:
        browser = TestClient(application, raise_server_exceptions=False)
        browsers.append(browser)
        answer = browser.post("/api/v1/session", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        browser.headers[CSRF_HEADER] = answer.json()["csrf"]
        return browser

    yield enter
    for browser in browsers:
        browser.close()


@pytest.fixture
def leaf(portal: Portal) -> str:
    """A leaf to work on."""
    return portal.taxonomy.find("Mugs").id
