"""One leaf from the first candidate to what a round makes of it, by five people in real Chromium.

Everything is said by keyboard, and the log is compared with what was said: every answer once.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.annotation.workflow import Workflow
from productnet.database.database import Database
from productnet.evaluation.reference import read_reference
from productnet.people.doors import Doors
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy
from tests.browser.review.team import PASSWORD, PEOPLE, Team, Visitor
from tests.browser.serving import Served, free_port

LEAF = "kitchen/drinking-serving/mugs"
# A round needs gold in more than one leaf: here others have worked before.
BEFORE = ("home/decoration/vases", "fashion/shoes/sneakers", "kitchen/pots-pans/frying-pans")

VERDICTS = {"y": Verdict.POSITIVE, "n": Verdict.NEGATIVE}
OPPOSITE = {"y": "n", "n": "y"}

# What one says: role, leaf, product and verdict, which an undo has none of.
Said = tuple[Role, str, str, Verdict | None]


@dataclass
class Story:
    """The people at work, and what they have said.

    Attributes:
        team: Their project, served.
        said: By whom, in order.
    """

    team: Team
    said: list[tuple[str, Said]] = field(default_factory=list)

    def right(self, product: str, leaf: str = LEAF) -> str:
        """The key that is the true answer."""
        return "y" if self.team.truth.get(product) == leaf else "n"

    def answer(self, who: Visitor, name: str, role: Role, key: str, leaf: str = LEAF) -> str:
        """Press a key on the card under the cursor; its product."""
        product = str(who.page.locator("li.card-current").get_attribute("data-product"))
        who.press(key)
        self.said.append((name, (role, leaf, product, VERDICTS[key])))
        return product

    def decisions(self) -> list[Decision]:
        """The whole log, in order."""
        with self.log() as log:
            return [decision for _, decision in log.since(0)]

    def state(self) -> State:
        """What stands."""
        with self.log() as log:
            return log.state()

    def log(self) -> DecisionLog:
        """The log, beside the server."""
        return DecisionLog(Database.open(Project.open(self.team.served.folder).database_url))


@pytest.fixture
def story(project: Path, browser: Browser, tmp_path: Path) -> Iterator[Story]:
    """A project with people and some gold in other leaves, served."""
    shop = Project.open(Path(shutil.copytree(project, tmp_path / "shop")))
    truth = read_reference(shop, Taxonomy.load(shop.taxonomy_path))
    with Database.open(shop.database_url) as database:
        for name, roles in PEOPLE.items():
            Doors.open(database).people.add(name, roles=roles, password=PASSWORD)
    flow = Workflow.open(shop)
    with flow.log:
        for leaf in BEFORE:
            own = (product for product, true in truth.items() if true == leaf)
            for product in islice(own, 5):
                flow.label(product, leaf, verdict=Verdict.POSITIVE, annotator="lena")
                flow.audit(product, leaf, verdict=Verdict.POSITIVE, annotator="vera")
    served = Served(shop.root, free_port())
    served.start()
    yield Story(Team(served, browser, truth))
    served.kill()


def test_a_leaf_from_its_first_candidate_to_what_a_round_recommends(story: Story) -> None:
    before = len(story.decisions())
    label_with_second_thoughts(story)
    disputed = audit(story)
    settle(story, disputed)
    gold = set(story.state().gold(LEAF))
    labelled = [said for name, said in story.said if name == "lena"]
    assert gold == {product for role, _, product, _ in labelled if role is Role.LABEL} & {
        product for product, leaf in story.team.truth.items() if leaf == LEAF
    }
    start_a_round(story)
    leaf, accepted, rejected = verify(story)

    # Every answer is in the log once, and nothing else is.
    written = story.decisions()[before:]
    assert len({one.id for one in written}) == len(written)
    assert Counter(
        (one.annotator, (one.role, one.category, one.product, one.verdict)) for one in written
    ) == Counter(story.said)
    state = story.state()
    assert set(state.gold(LEAF)) == gold
    assert accepted <= set(state.positives(leaf))
    assert rejected in state.hard_negatives(leaf)
    assert state.pair(rejected, leaf).master_error


def label_with_second_thoughts(story: Story) -> None:
    """Lena labels twenty products, takes the last three back, and answers them again."""
    lena = story.team.enter("lena")
    lena.page.goto(f"/leaf?id={quote(LEAF)}")
    expect(lena.page.locator(".card-answers button").first).to_be_enabled()
    products = [
        str(card.get_attribute("data-product")) for card in lena.page.locator("li.card").all()
    ]
    assert len(products) == 20
    for product in products:
        # The cursor goes on by itself.
        assert story.answer(lena, "lena", Role.LABEL, story.right(product)) == product
    for product in reversed(products[-3:]):
        lena.press("z")
        story.said.append(("lena", (Role.UNDO, LEAF, product, None)))
    expect(lena.page.locator("li.card-open")).to_have_count(3)
    for product in products[-3:]:
        assert story.answer(lena, "lena", Role.LABEL, story.right(product)) == product
    lena.expect_saved()
    lena.close()


def audit(story: Story) -> str:
    """Otto answers all of it again, and differs on one product; which one."""
    otto = story.team.enter("otto")
    otto.page.goto(f"/audit?leaf={quote(LEAF)}")
    expect(otto.page.locator(".card-answers button").first).to_be_enabled()
    disputed = ""
    while otto.page.locator(".empty-title").count() == 0:
        for _ in range(otto.page.locator("li.card-open").count()):
            product = str(otto.page.locator("li.card-current").get_attribute("data-product"))
            key = story.right(product)
            if key == "y" and not disputed:
                disputed, key = product, OPPOSITE[key]
            story.answer(otto, "otto", Role.AUDIT, key)
        otto.press("Enter")
        otto.page.wait_for_selector("li.card-open, .empty-title")
    expect(otto.page.locator(".empty-title")).to_have_text("You are through with this leaf")
    otto.expect_saved()
    otto.close()
    assert disputed
    return disputed


def settle(story: Story, disputed: str) -> None:
    """Ada sees both answers, and says yes."""
    ada = story.team.enter("ada")
    ada.page.goto("/disputes")
    expect(ada.page.locator(".dispute-question")).to_contain_text("lena")
    expect(ada.page.locator(".dispute-question")).to_contain_text("otto")
    ada.press("y")
    story.said.append(("ada", (Role.ADJUDICATE, LEAF, disputed, Verdict.POSITIVE)))
    expect(ada.page.get_by_text("You are through")).to_be_visible()
    ada.expect_saved()
    ada.close()


def start_a_round(story: Story) -> None:
    """Root starts it in the portal, and sees it through."""
    root = story.team.enter("root")
    root.page.goto("/rounds")
    root.page.get_by_role("button", name="Start a round").first.click()
    root.page.get_by_role("dialog").get_by_role("button", name="Start", exact=True).click()
    expect(root.page.locator(".job")).to_contain_text("running")
    # A model is trained, and others to compare it with: half a minute on an idle machine.
    expect(root.page.locator(".round", has_text="in use")).to_be_visible(timeout=400_000)
    root.close()


def verify(story: Story) -> tuple[str, set[str], str]:
    """Lena verifies what is recommended for a leaf at one stroke, all but the least sure one."""
    lena = story.team.enter("lena")
    page = lena.page
    page.goto("/recommendations")
    page.locator(".recommended-name").first.click()
    expect(page.locator(".card-answers button").first).to_be_enabled()
    leaf = page.evaluate("new URLSearchParams(location.search).get('leaf')")
    cards = page.locator("li.card")
    products = [str(card.get_attribute("data-product")) for card in cards.all()]
    assert len(products) > 1
    lena.press(*["ArrowRight"] * (len(products) - 1))
    rejected = story.answer(lena, "lena", Role.LABEL, "n", leaf)
    assert rejected == products[-1]
    lena.press("Shift+Y")
    expect(page.locator("li.card-positive")).to_have_count(len(products) - 1)
    story.said += [
        ("lena", (Role.LABEL, leaf, product, Verdict.POSITIVE)) for product in products[:-1]
    ]
    lena.expect_saved()
    lena.close()
    return leaf, set(products[:-1]), rejected
