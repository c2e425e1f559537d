"""A team that has worked for a while: people, their answers, and a round's recommendations."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyarrow as pa
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.workflow import Workflow
from productnet.catalog.pool import Pool
from productnet.database.database import Database
from productnet.embeddings.active import Active, activate, read_active
from productnet.evaluation.reference import read_reference
from productnet.master.predictions import PREDICTION_SCHEMA
from productnet.people.doors import Doors
from productnet.retrieval.recommendations import write_recommendations
from productnet.settings import Project
from productnet.taxonomy.guidelines import Guideline, write_guideline
from productnet.taxonomy.tree import Taxonomy
from tests.browser.serving import Served, free_port

PASSWORD = "correct horse battery"
PEOPLE = {
    "lena": ["labeler"],
    "otto": ["auditor"],
    "vera": ["labeler", "auditor", "adjudicator"],
    "ada": ["adjudicator"],
    "root": ["admin"],
}

TO_AUDIT = "home/lighting/pendant-lamps"
ALSO_TO_AUDIT = "home/decoration/vases"
DISPUTED = "fashion/shoes/sneakers"
CHALLENGED = "home/lighting/floor-lamps"
TWO_LEAVES = ("kitchen/drinking-serving/tumblers", "kitchen/drinking-serving/mugs")
RECOMMENDED = "fashion/tops/jackets"
ALSO_RECOMMENDED = "fashion/tops/t-shirts"
MISTAKEN = "kitchen/pots-pans/frying-pans"

YES, NO, UNSURE = Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.UNSURE


@dataclass
class Team:
    """A served project of a team.

    Attributes:
        served: Its server.
        browser: Where its people work.
        truth: Product to the leaf it belongs to.
    """

    served: Served
    browser: Browser
    truth: dict[str, str]

    def enter(self, name: str, **options: object) -> "Visitor":
        """The browser of somebody who has signed in."""
        context = self.browser.new_context(
            base_url=self.served.url,
            viewport={"width": 1280, "height": 800},
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        context.set_default_timeout(15_000)
        answer = context.request.post("/api/v1/session", data={"name": name, "password": PASSWORD})
        assert answer.ok, answer.text()
        return Visitor(context, context.new_page(), answer.json()["csrf"])


class Visitor:
    """Somebody at work in a browser; an error in its console, or a 5xx, fails the test."""

    def __init__(self, context: BrowserContext, page: Page, csrf: str) -> None:
        self.context = context
        self.page = page
        self.csrf = csrf
        self.faults: list[str] = []
        self.answers: list[Response] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("response", lambda answer: self.answers.append(answer))

    def press(self, *keys: str) -> None:
        """Press keys one after another, as fast as they go."""
        for key in keys:
            self.page.keyboard.press(key)

    def expect_saved(self) -> None:
        """Until the bar says that every answer is with the server."""
        expect(self.page.locator(".bar .chip")).to_have_text("All saved", timeout=30_000)

    def close(self) -> None:
        """Leave, and tell whether anything went wrong."""
        self.context.close()
        assert not self.faults, self.faults


@contextmanager
def serving(
    worked_on: tuple[Path, dict[str, str]], browser: Browser, folder: Path
) -> Iterator[Team]:
    """A team at a copy of its project in this folder, served until the block ends."""
    project, truth = worked_on
    served = Served(Path(shutil.copytree(project, folder / "shop")), free_port())
    served.start()
    try:
        yield Team(served, browser, truth)
    finally:
        served.kill()


def fill(shop: Path) -> dict[str, str]:
    """Give a project people, answers and a round; what is true of its products."""
    project = Project.open(shop)
    with Database.open(project.database_url) as database:
        for name, roles in PEOPLE.items():
            Doors.open(database).people.add(name, roles=roles, password=PASSWORD)
    taxonomy = Taxonomy.load(project.taxonomy_path)
    truth = read_reference(project, taxonomy)
    work = _Work(Workflow.open(project), truth)
    work.to_audit(TO_AUDIT, gold=5)
    work.to_audit(ALSO_TO_AUDIT, gold=0)
    for leaf in (DISPUTED, CHALLENGED, TWO_LEAVES[0], TWO_LEAVES[1], MISTAKEN):
        work.settle(leaf, gold=7)
    work.dispute(DISPUTED, 5)
    work.in_two_leaves(*TWO_LEAVES, 3)
    work.challenge(CHALLENGED)
    work.mistake(MISTAKEN, true=DISPUTED)
    work.flow.log.close()
    for leaf in (TO_AUDIT, DISPUTED, RECOMMENDED):
        write_guideline(
            project.guidelines_path,
            taxonomy[leaf],
            Guideline(
                definition=f"{taxonomy[leaf].name}, whole and ready to use.",
                include=("sets of several", "those for children"),
                exclude=("spare parts and accessories", "what only shows one in a picture"),
                examples=(),
            ),
        )
    _recommend(project, truth)
    return truth


class _Work:
    """Answers, product by product, none used twice."""

    def __init__(self, flow: Workflow, truth: dict[str, str]) -> None:
        self.flow = flow
        self._of: dict[str, list[str]] = {}
        for product, leaf in truth.items():
            self._of.setdefault(leaf, []).append(product)
        self._others = [one for one, leaf in truth.items() if not leaf.startswith("home/")]
        self._scores = count(1)

    def _take(self, leaf: str, number: int) -> list[str]:
        taken, self._of[leaf] = self._of[leaf][:number], self._of[leaf][number:]
        assert len(taken) == number, f"{leaf} has {len(taken)} products left of {number}"
        return taken

    def _label(self, product: str, leaf: str, verdict: Verdict, note: str | None = None) -> None:
        score = (next(self._scores) % 50) / 50
        self.flow.label(
            product,
            leaf,
            verdict=verdict,
            annotator="lena",
            seconds=1.4,
            source="nearest",
            score=score,
            note=note,
        )

    def settle(self, leaf: str, *, gold: int) -> None:
        """Gold, and some negatives that two people have seen."""
        for product in self._take(leaf, gold):
            self._label(product, leaf, YES)
            self.flow.audit(product, leaf, verdict=YES, annotator="vera", seconds=1.1)
        for product in self._others[-6:]:
            self._label(product, leaf, NO)
            self.flow.audit(product, leaf, verdict=NO, annotator="vera", seconds=1.2)
        self._others = self._others[:-6]

    def to_audit(self, leaf: str, *, gold: int) -> None:
        """Everything of a leaf labelled, and as much that is not of it."""
        if gold:
            self.settle(leaf, gold=gold)
        positives = self._take(leaf, len(self._of[leaf]))
        for product in positives:
            self._label(product, leaf, YES)
        for product in self._others[: len(positives) + 5]:
            self._label(product, leaf, NO)

    def dispute(self, leaf: str, number: int) -> None:
        """Answers that differ, one of them by the adjudicator."""
        for place, product in enumerate(self._take(leaf, number)):
            self._label(product, leaf, YES, note="The sole says so." if place == 0 else None)
            self.flow.audit(
                product,
                leaf,
                verdict=NO if place % 2 == 0 else UNSURE,
                annotator="ada" if place == number - 1 else "otto",
                note="It looks like a boot to me: the shaft is high." if place == 0 else None,
                seconds=4.0,
            )

    def in_two_leaves(self, first: str, second: str, number: int) -> None:
        """Products that were confirmed in both."""
        for product in self._take(first, number):
            for leaf in (first, second):
                self._label(product, leaf, YES)
                self.flow.audit(product, leaf, verdict=YES, annotator="otto", seconds=2.0)

    def challenge(self, leaf: str) -> None:
        """Gold that a model doubts."""
        product = self.flow.log.state().gold(leaf)[0]
        self.flow.challenge(
            product,
            leaf,
            annotator="model",
            model_version="out-of-fold:initial",
            score=0.93,
            note="It looks like a table lamp.",
        )

    def mistake(self, leaf: str, *, true: str) -> None:
        """Gold of a leaf that it does not belong to."""
        for product in self._take(true, 1):
            self._label(product, leaf, YES)
            self.flow.audit(product, leaf, verdict=YES, annotator="vera", seconds=0.4)


def _recommend(project: Project, truth: dict[str, str]) -> None:
    """A round that recommends what is true with confidence, and something else with less."""
    products: Sequence[str] = Pool.open(project.pool_path).ids().to_pylist()
    rows = []
    for place, product in enumerate(products):
        for leaf in (RECOMMENDED, ALSO_RECOMMENDED):
            right = truth.get(product) == leaf
            if right or place % (7 if leaf == RECOMMENDED else 40) == 0:
                sure = 0.55 + 0.44 * ((place * 37) % 100) / 100
                confidence = sure if right else 0.6 * ((place * 53) % 100) / 100
                rows.append((product, leaf, confidence, 1 if right else 2))
    columns = dict(zip(PREDICTION_SCHEMA.names, zip(*rows, strict=True), strict=True))
    folder = project.round_path(1)
    folder.mkdir(parents=True)
    write_recommendations(folder, pa.table(columns, schema=PREDICTION_SCHEMA), gold={})
    active = read_active(project)
    assert active is not None
    activate(project, Active(round=1, embedding_set=active.embedding_set))


def roles_of(decisions: Iterator[object] | Sequence[object]) -> list[Role]:
    """The roles of decisions, in order."""
    return [one.role for one in decisions]  # type: ignore[attr-defined]
