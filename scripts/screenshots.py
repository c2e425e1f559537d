"""Take the pictures of the portal that the README and the guides show.

Makes a shop with the generated store, lets simulated people work in it for three weeks, runs a
round, serves it, and takes every page, light and dark, into docs/images/portal-NAME[-dark].png:

    .venv/bin/python scripts/screenshots.py                     # all, in some minutes
    .venv/bin/python scripts/screenshots.py --shop /tmp/shop    # keeps the shop for the next time
    .venv/bin/python scripts/screenshots.py --shop /tmp/shop --only leaf --only home
"""

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote

from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.workflow import Workflow
from productnet.catalog.store.files import write_store
from productnet.catalog.store.leaves import store_guidelines
from productnet.database.database import Database
from productnet.evaluation.people import Team
from productnet.evaluation.reference import read_reference
from productnet.evaluation.work import Plan, Work
from productnet.people.doors import Doors
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.guidelines import Guideline, write_guideline
from productnet.taxonomy.tree import Category, Taxonomy

IMAGES = Path(__file__).parent.parent / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
# The map draws with WebGL, here without a graphics card.
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SIZE: ViewportSize = {"width": 1280, "height": 800}
SCHEMES: dict[Literal["light", "dark"], str] = {"light": "", "dark": "-dark"}
COLOURS = (240, 160, 96, 64, 32)
MOST_BYTES = 150_000

PASSWORD = "correct horse battery"
PEOPLE = {
    "lena": ("Lena Ortiz", ["labeler"]),
    "mika": ("Mika Aalto", ["labeler", "auditor"]),
    "otto": ("Otto Brandt", ["auditor"]),
    "ada": ("Ada Nwosu", ["adjudicator"]),
    "root": ("Robin Oates", ["admin", "labeler", "auditor", "adjudicator"]),
}
NOTES = [
    "The handle is missing: is it a spare part?",
    "The title says one thing, the picture another.",
    "Looks like a set; the guideline takes sets in.",
]

# The leaf that is labelled in the pictures, and the one that is audited.
LEAF = "Mugs"
TO_AUDIT = "Vases"
DAYS = 21


@dataclass(frozen=True)
class Shot:
    """A picture to be taken.

    Attributes:
        name: Of the picture's file.
        person: Whose browser; nobody's for the page to sign in.
        path: The page; a leaf's name in braces becomes its id.
        ready: Selector of what has to be there.
        prepare: What the person does before.
    """

    name: str
    person: str | None
    path: str
    ready: str
    prepare: Callable[[Page, Mapping[str, str]], None] = lambda page, truth: None


def _answer(page: Page, truth: Mapping[str, str], number: int) -> None:
    """Answer as many as the person who knows would."""
    leaf = re.search(r"(?:id|leaf)=([^&]+)", unquote(page.url))
    for _ in range(number):
        product = page.locator("li.card-current").get_attribute("data-product")
        page.keyboard.press("y" if leaf and truth.get(str(product)) == leaf[1] else "n")


def _answer_some(page: Page, truth: Mapping[str, str]) -> None:
    """Answer some of the page, and leave one open."""
    _answer(page, truth, 6)
    page.keyboard.press("u")
    _wait_until_saved(page)
    # The strips beside the candidates follow in a moment.
    page.wait_for_timeout(4000)


def _open_tree(page: Page, truth: Mapping[str, str]) -> None:
    page.get_by_role("tree").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)


def _open_detail(page: Page, truth: Mapping[str, str]) -> None:
    page.keyboard.press("Space")
    expect(page.locator("dialog.detail .fields")).to_be_visible()


def _open_keys(page: Page, truth: Mapping[str, str]) -> None:
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()


def _go_offline(page: Page, truth: Mapping[str, str]) -> None:
    page.context.set_offline(True)
    _answer(page, truth, 4)
    expect(page.locator(".notice-float")).to_be_visible()


def _open_outbox(page: Page, truth: Mapping[str, str]) -> None:
    _go_offline(page, truth)
    page.locator(".bar .chip").click()
    expect(page.locator("dialog")).to_be_visible()


def _answer_few(page: Page, truth: Mapping[str, str]) -> None:
    _answer(page, truth, 3)
    _wait_until_saved(page)


def _reject_one(page: Page, truth: Mapping[str, str]) -> None:
    page.locator(".recommended-name").first.click()
    page.wait_for_selector(CARDS)
    _settle(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("n")
    _wait_until_saved(page)


def _wait_until_saved(page: Page) -> None:
    expect(page.locator(".bar .chip")).to_have_text("All saved")


CARDS = ".card-answers button:enabled"
SHOTS = (
    Shot("sign-in", None, "/", ".sign-in-box"),
    Shot("home", "lena", "/", "[role=treeitem]", _open_tree),
    Shot("detail", "lena", f"/leaf?id={{{LEAF}}}", CARDS, _open_detail),
    Shot("keys", "lena", f"/leaf?id={{{LEAF}}}", CARDS, _open_keys),
    Shot("leaf", "lena", f"/leaf?id={{{LEAF}}}", CARDS, _answer_some),
    Shot("offline", "lena", f"/leaf?id={{{LEAF}}}", CARDS, _go_offline),
    Shot("outbox", "lena", f"/leaf?id={{{LEAF}}}", CARDS, _open_outbox),
    Shot("guideline", "root", f"/guideline?id={{{LEAF}}}", "textarea"),
    Shot("audit-queue", "otto", "/audit", ".queue-item, .queue li"),
    Shot("audit", "otto", f"/audit?leaf={{{TO_AUDIT}}}", CARDS, _answer_few),
    Shot("disputes", "ada", "/disputes", ".dispute-question"),
    Shot("recommendations", "lena", "/recommendations", ".recommended-name"),
    Shot("verify", "lena", "/recommendations", ".recommended-name", _reject_one),
    Shot("duplicates", "ada", "/duplicates", ".alike-card"),
    Shot("quality", "root", "/quality", ".flaw"),
    Shot("suspects", "ada", "/suspects", ".suspects li, .empty"),
    Shot("dashboard", "root", "/dashboard", ".figures"),
    Shot("dashboard-people", "root", "/dashboard?view=people", ".table"),
    Shot("dashboard-leaves", "root", "/dashboard?view=leaves", "#dashboard h2"),
    Shot("dashboard-model", "root", "/dashboard?view=model", "#dashboard .panel"),
    Shot("map", "root", "/map", "canvas[data-drawn]"),
    Shot("rounds", "root", "/rounds", ".round"),
    Shot("releases", "root", "/releases", "h1"),
    Shot("people", "root", "/people", ".table"),
    Shot("activity", "root", "/activity", ".event"),
    Shot("webhooks", "root", "/webhooks", "h1"),
    Shot("account", "lena", "/me", "h1"),
    Shot("settings", "lena", "/settings", "[data-command]"),
)


def main() -> None:
    """Make the shop, unless it is there, and take the pictures."""
    parser = argparse.ArgumentParser(description="Take the pictures of the portal.")
    parser.add_argument("--shop", type=Path, help="folder of the shop, kept; made where absent")
    parser.add_argument("--only", action="append", help="a picture's name; can be repeated")
    parser.add_argument("--into", type=Path, default=IMAGES, help="folder of the pictures")
    chosen = parser.parse_args()
    shots = [shot for shot in SHOTS if not chosen.only or shot.name in chosen.only]
    chosen.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        shop = chosen.shop or Path(scratch) / "shop"
        if not shop.exists():
            make_shop(shop)
        # Pictures are taken of a copy: taking them is work that the shop remembers.
        served = Path(shutil.copytree(shop, Path(scratch) / "served"))
        with serving(served) as url, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            taxonomy = Taxonomy.load(Project.open(served).taxonomy_path)
            truth = read_reference(Project.open(served), taxonomy)
            for shot in shots:
                take(shot, browser, url, taxonomy, truth, chosen.into)
            browser.close()


def make_shop(shop: Path) -> None:
    """A generated shop, people, three weeks of their work, and a round."""
    files = write_store(shop.parent / f"{shop.name}-feed", size=1_600, seed=7)
    command("init", str(shop), "--taxonomy", str(files.taxonomy), "--name", "demo shop")
    here = ("--project", str(shop))
    settings = (shop / Project.SETTINGS_FILE).read_text()
    settings = re.sub(r"^(positives|hard_negatives) = 60", r"\1 = 20", settings, flags=re.M)
    (shop / Project.SETTINGS_FILE).write_text(settings)
    command("import", str(files.feed), *here)
    project = Project.open(shop)
    taxonomy = Taxonomy.load(project.taxonomy_path)
    for path, texts in store_guidelines().items():
        write_guideline(project.guidelines_path, taxonomy.find(path), Guideline(**texts))
    command("embed", *here)
    with Database.open(project.database_url) as database:
        for name, (shown, roles) in PEOPLE.items():
            Doors.open(database).people.add(
                name, display_name=shown, roles=roles, password=PASSWORD
            )
    shutil.copy(files.reference, project.reference_path)
    work(project)
    command("round", *here)
    command("inspect", *here)


def work(project: Project) -> None:
    """Three weeks of work in two leaves of three, ended in the midst of it."""
    resources = Resources(project)
    taxonomy = resources.taxonomy
    truth = read_reference(project, taxonomy)
    targets = project.settings.targets
    usual = Team.of(
        truth,
        cost=project.settings.cost,
        labeler_error=0.04,
        auditor_error=0.03,
        unsure_rate=0.02,
        seed=7,
    )
    teams = [
        Team(
            labeler=replace(usual.labeler, name=labeler),
            auditor=replace(usual.auditor, name="otto"),
            adjudicator=replace(usual.adjudicator, name="ada"),
        )
        for labeler in ("lena", "mika")
    ]
    plan = Plan(
        positives=targets.positives,
        hard_negatives=targets.hard_negatives,
        page_size=20,
        max_views=80,
        source="mixed",
        seed=7,
    )
    workflow = Workflow.open(project)
    wanted = {LEAF, TO_AUDIT}
    leaves = [
        leaf for place, leaf in enumerate(taxonomy.leaves) if place % 3 or leaf.name in wanted
    ]
    begun = datetime.now(UTC).replace(hour=8, minute=30) - timedelta(days=DAYS)
    for place, leaf in enumerate(leaves):
        awaited = Role.AUDIT if leaf.name == TO_AUDIT or place % 8 == 5 else None
        awaited = Role.ADJUDICATE if place % 5 == 3 else awaited
        at = begun + timedelta(days=DAYS * place / len(leaves) + place % 4 / 12)
        plans, last = [plan], 200
        if leaf.name == LEAF:
            # Some of it is done, and it has just been taken up again.
            begin = replace(plan, positives=4, hard_negatives=3, page_size=5)
            plans, last, awaited = [begin, replace(plan, page_size=4)], 1, None
        for one in plans:
            works = Work(workflow, resources, teams[place % 2], one)
            pages = 0
            while page := works.next_page(leaf.id):
                if page[0].role is awaited or (one is plans[-1] and pages == last):
                    break
                at = _record(workflow, page, at, pages) + timedelta(hours=5)
                pages += 1
    _mistake(workflow, taxonomy, truth, leaves[1:12:3], at=at)
    workflow.log.close()


def _mistake(
    workflow: Workflow,
    taxonomy: Taxonomy,
    truth: Mapping[str, str],
    leaves: Sequence[Category],
    *,
    at: datetime,
) -> None:
    """Of each leaf, one product is gold that belongs to another one."""
    state = workflow.log.state()
    known = {leaf.id for leaf in taxonomy.leaves if len(state.gold(leaf.id)) > 10}
    # Gold and what is disputed would be refused, or lead to a dispute.
    free = iter(
        (product, own)
        for product, own in truth.items()
        if own in known and not any(product in dict(state.votes(leaf)) for leaf in known)
    )
    for leaf, (product, _) in zip(leaves, free, strict=False):
        yes = Verdict.POSITIVE
        workflow.label(product, leaf.id, verdict=yes, annotator="lena", at=at, seconds=0.6)
        workflow.audit(product, leaf.id, verdict=yes, annotator="otto", at=at, seconds=0.6)


def _record(workflow: Workflow, page: list[Decision], at: datetime, pages: int) -> datetime:
    """Record a page as if it had been answered from ``at`` on; when it was through."""
    shift = at - page[0].at
    moved = [
        replace(one, at=one.at + shift, note=_note(place + pages)) for place, one in enumerate(page)
    ]
    workflow.record(*moved)
    return moved[-1].at


def _note(n: int) -> str | None:
    """What somebody wrote, now and then."""
    return NOTES[n // 17 % len(NOTES)] if n % 17 == 5 else None


def command(*arguments: str) -> None:
    """Run one of the product's commands."""
    run = [sys.executable, "-c", "from productnet.cli.main import run; run()", *arguments]
    subprocess.run(run, check=True)


@contextmanager
def serving(shop: Path) -> Iterator[str]:
    """The shop, served on a free port, until the end of the block."""
    run = [sys.executable, "-c", "from productnet.cli.main import run; run()", "serve"]
    process = subprocess.Popen(
        [*run, "--project", str(shop), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http://" in line)
        found = re.search(r"http://[^\s/]+", line)
        assert found is not None
        yield found[0]
    finally:
        process.terminate()
        process.wait()


def take(
    shot: Shot,
    browser: Browser,
    url: str,
    taxonomy: Taxonomy,
    truth: Mapping[str, str],
    into: Path,
) -> None:
    """Take a page, light and dark."""
    context = browser.new_context(base_url=url, viewport=SIZE, reduced_motion="reduce")
    context.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    if shot.person:
        _sign_in(context, shot.person)
    page = context.new_page()
    path = re.sub(r"\{(.+)\}", lambda name: quote(_leaf(taxonomy, name[1])), shot.path)
    page.goto(path)
    page.wait_for_selector(shot.ready)
    _settle(page)
    shot.prepare(page, truth)
    for scheme, suffix in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.mouse.move(0, 799)
        _settle(page)
        picture = Image.open(io.BytesIO(page.screenshot()))
        target = into / f"portal-{shot.name}{suffix}.png"
        _save(picture.convert("RGB"), target)
        print(f"{target.name}  {target.stat().st_size / 1000:.0f} kB", flush=True)
    context.set_offline(False)
    if shot.person:
        page.goto("/settings")
        _wait_until_saved(page)
    context.close()


def _save(picture: Image.Image, target: Path) -> None:
    """As few colours as the file's size asks for, undithered, so that flat areas stay flat."""
    for colours in COLOURS:
        palette = Image.new("P", (1, 1))
        palette.putpalette(_palette(picture, colours))
        small = picture.quantize(palette=palette, dither=Image.Dither.NONE)
        small.save(target, optimize=True)
        if target.stat().st_size <= MOST_BYTES:
            return


def _palette(picture: Image.Image, colours: int) -> list[int]:
    """The page's own flat colours as they are, rare ones as near as can be, and the pictures'."""
    counted = picture.getcolors(picture.width * picture.height) or []
    often = sorted(counted, key=lambda one: one[0], reverse=True)[: colours // 4]
    flat = [colour for _, colour in often if isinstance(colour, tuple)]
    rare = picture.quantize(colours // 4, method=Image.Quantize.MAXCOVERAGE).getpalette()
    rest = picture.quantize(colours // 2, method=Image.Quantize.MEDIANCUT).getpalette()
    return [channel for colour in flat for channel in colour] + (rare or []) + (rest or [])


def _sign_in(context: BrowserContext, name: str) -> None:
    answer = context.request.post("/api/v1/session", data={"name": name, "password": PASSWORD})
    assert answer.ok, answer.text()


def _leaf(taxonomy: Taxonomy, name: str) -> str:
    return next(leaf.id for leaf in taxonomy.leaves if leaf.name == name)


def _settle(page: Page) -> None:
    """Until nothing is loading any more."""
    page.wait_for_function(
        """() => !document.querySelector(".skeleton-box, .skeleton, .card-wait")
            && [...document.images].every((one) => one.complete || !one.checkVisibility()
                || one.getBoundingClientRect().top > innerHeight)"""
    )
    page.wait_for_timeout(400)


if __name__ == "__main__":
    main()
