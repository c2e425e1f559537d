"""What a person waits for in the browser: the first page, each key, the tree.

    python -m benchmarks.portal.browser --work ../portal-browser

Real Chromium, a shop as ``benchmarks.portal.load`` makes it, in a folder of its own, so that nobody
holds its leaves; the server on the same machine. From key press to the next candidate drawn is what
the page itself measures (from the key event's time until the frame is painted). The tree is
Google's, where PRODUCTNET_DATA names the folder of the real sets. The last line printed is one JSON
object.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Page, sync_playwright
from typer.testing import CliRunner

from benchmarks.portal.load import spread
from benchmarks.portal.served import Served
from benchmarks.portal.shop import make_shop
from productnet.catalog.store.files import write_store
from productnet.cli.main import app
from productnet.database.database import Database
from productnet.people.doors import Doors
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

_NAME, _PASSWORD = "lead", "a long enough password"


def main() -> None:
    arguments = _arguments()
    work: Path = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    shop = make_shop(work, products=arguments.products)
    report: dict[str, object] = {"benchmark": "portal_browser", "products": arguments.products}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with Served(shop, log=work / "server.log") as served:
            page = _enter(browser, served, shop)
            leaves = Taxonomy.load(Project.open(shop).taxonomy_path).leaves
            report["first_page_ms"] = spread([_open_leaf(page, leaf.id) for leaf in leaves[:10]])
            report |= _answer(page, arguments.answers)
        if google := _google():
            tree = _google_shop(work, google)
            with Served(tree, log=work / "server.log") as served:
                page = _enter(browser, served, tree)
                report["tree_ms"] = spread([_open_tree(page) for _ in range(10)])
                report["tree_key_ms"] = spread(_filter_tree(page))
        browser.close()
    print(json.dumps(report))


def _enter(browser: Browser, served: Served, shop: Path) -> Page:
    with Database.open(Project.open(shop).database_url) as database:
        people = Doors.open(database).people
        if people.find(_NAME) is None:
            people.add(_NAME, roles=["admin"], password=_PASSWORD)
    page = browser.new_context(
        base_url=served.url, viewport={"width": 1280, "height": 800}
    ).new_page()
    page.goto("/sign-in")
    page.get_by_label("Name").fill(_NAME)
    page.get_by_label("Password").fill(_PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("[role=tree]")
    return page


def _open_leaf(page: Page, leaf: str) -> float:
    """Seconds from opening a leaf's page until its first candidate can be answered."""
    began = time.perf_counter()
    page.goto(f"/leaf?id={quote(leaf)}", wait_until="commit")
    page.wait_for_selector(".card-answers button:enabled")
    return time.perf_counter() - began


def _answer(page: Page, answers: int) -> dict[str, object]:
    """From key press to the next candidate, and to the next page, as the page measured it."""
    for number in range(answers):
        page.keyboard.press("n" if number % 3 else "y")
        time.sleep(0.25)
        if page.locator("li.card-current .card-answers button:enabled").count() == 0:
            page.keyboard.press("Enter")
            page.wait_for_selector("li.card-current .card-answers button:enabled")
    script = "name => performance.getEntriesByName(name).map(entry => entry.duration)"
    return {
        f"{name}_ms": spread([float(one) / 1_000 for one in page.evaluate(script, name)])
        for name in ("answer", "next-page")
    }


def _open_tree(page: Page) -> float:
    began = time.perf_counter()
    page.goto("/", wait_until="commit")
    page.wait_for_selector("[role=treeitem]")
    return time.perf_counter() - began


def _filter_tree(page: Page) -> list[float]:
    """Seconds of each keystroke in the tree's search box, until the frame after it."""
    page.keyboard.press("/")
    taken = []
    for key in "coffee mug":
        began = time.perf_counter()
        page.keyboard.press(key if key != " " else "Space")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        taken.append(time.perf_counter() - began)
    return taken


def _google() -> Path | None:
    folder = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data")) / "taxonomies"
    return next(iter(sorted(folder.glob("*google*"))), None)


def _google_shop(work: Path, taxonomy: Path) -> Path:
    shop = work / "google"
    if not (shop / Project.SETTINGS_FILE).exists():
        files = write_store(work / "google-feed", size=500, images=False)
        for command in (
            ["init", str(shop), "--taxonomy", str(taxonomy)],
            ["import", str(files.feed), "--project", str(shop)],
        ):
            CliRunner().invoke(app, command, catch_exceptions=False)
    return shop


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.portal.browser",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--work", type=Path, required=True, help="folder of the shop and the log")
    parser.add_argument("--products", type=int, default=200_000)
    parser.add_argument("--answers", type=int, default=200)
    return parser.parse_args()


if __name__ == "__main__":
    main()
