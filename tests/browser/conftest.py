"""The portal in real Chromium: a small project, served by the command, opened as a person would."""

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from productnet.catalog.store.files import write_store
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.review.team import fill
from tests.browser.serving import Door, Served, command, free_port, open_door

CHROMIUM = Path("/usr/bin/chromium")
# Nothing but the portal: no updates, no accounts, no reports.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = 400


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a generated store, embedded, without decisions."""
    folder = tmp_path_factory.mktemp("browser")
    files = write_store(folder / "feed", size=SIZE, seed=3)
    shop = folder / "shop"
    command("init", str(shop), "--taxonomy", str(files.taxonomy))
    command("import", str(files.feed), "--project", str(shop))
    command("embed", "--project", str(shop))
    shutil.copy(files.reference, Project.open(shop).reference_path)
    return shop


@pytest.fixture(scope="session")
def worked_on(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """The project with people, answers and a round."""
    shop = Path(shutil.copytree(project, tmp_path_factory.mktemp("team") / "shop"))
    return shop, fill(shop)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if not CHROMIUM.exists():
        absent = f"{CHROMIUM} is absent: apt-get install chromium"
        # CI brings it; a run there that drove no browser would say nothing of the portal.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(absent)
    # Workers share the processors, and a server with models needs its time.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def door(
    project: Path, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """One server for all tests; each test works in a leaf of its own."""
    folder = tmp_path_factory.mktemp("door")
    # What is served gets an account for whoever serves it; the project itself stays as it is.
    served = Served(Path(shutil.copytree(project, folder / "shop")), free_port())
    yield open_door(served, browser, folder / "state.json")
    served.kill()


@pytest.fixture
def own_served(project: Path, tmp_path: Path) -> Iterator[Served]:
    """A project of the test's own, not yet served."""
    served = Served(shutil.copytree(project, tmp_path / "shop"), free_port())
    yield served
    served.kill()


@pytest.fixture
def own_door(own_served: Served, browser: Browser, tmp_path: Path) -> Door:
    """A server of the test's own, to be killed."""
    return open_door(own_served, browser, tmp_path / "state.json")


_turn = count()


@pytest.fixture
def leaf(project: Path) -> str:
    """A leaf that no other test works in."""
    leaves = Taxonomy.load(Project.open(project).taxonomy_path).leaves
    return leaves[next(_turn)].id


@pytest.fixture
def page(door: Door) -> Iterator[Page]:
    """A page signed in to the shared server; an error in its console fails the test."""
    context = door.context()
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    for each in context.pages:
        # A request that a test changes on its way may still be under way.
        each.unroute_all(behavior="ignoreErrors")
    context.close()
    assert not faults
