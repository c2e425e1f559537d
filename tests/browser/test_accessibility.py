"""No page, in any of its states, light or dark, breaks a rule of axe-core seriously.

axe-core comes with the front end's tools (package.json); CI installs them for the type check.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.review.team import (
    CHALLENGED,
    DISPUTED,
    RECOMMENDED,
    TO_AUDIT,
    TWO_LEAVES,
    Team,
    Visitor,
    serving,
)

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"

# Everything axe-core knows, and the rule of WCAG 2.2 that is off by itself: it counts what an open
# menu half covers as too small to hit, so it rests while one is open.
RULES = """() => axe.run(document, {
  resultTypes: ["violations"],
  rules: { "target-size": { enabled: !document.querySelector("[role=menu]") } },
})"""

# Colours that fade over are measured when they have arrived.
SETTLED = """async () => {
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  for (let calm = 0; calm < 3; calm = document.getAnimations().length ? 0 : calm + 1) await frame();
}"""

FREE = "kitchen/drinking-serving/teapots"
# A leaf that nobody has answered for, in no state.
UNTOUCHED = "electronics/audio/headphones"
CARD = ".card-answers button:enabled"


@dataclass(frozen=True)
class State:
    """A page in one of its states.

    Attributes:
        name: Of the test.
        person: Who looks at it; nobody for the page to sign in.
        path: Its address.
        ready: Selector of what has to be there before anything is done.
        reach: What is done to get there.
    """

    name: str
    person: str | None
    path: str
    ready: str = "h1"
    reach: Callable[[Page], object] = lambda page: None


def press(*keys: str) -> Callable[[Page], None]:
    """Press keys, one after another."""

    def reach(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return reach


def click(name: str, *, role: str = "button", then: str = "dialog") -> Callable[[Page], None]:
    """Press what has this name, and wait for what it opens."""

    def reach(page: Page) -> None:
        page.get_by_role(role, name=re.compile(name)).first.click()  # type: ignore[arg-type]
        expect(page.locator(then).first).to_be_visible()

    return reach


def fail(address: str) -> Callable[[Page], None]:
    """Let a part of the API fail, and open the page again."""

    def reach(page: Page) -> None:
        told = '{"title": "Conflict", "status": 409, "detail": "Not now."}'
        page.route(re.compile(address), lambda route: route.fulfill(status=409, body=told))
        page.reload()
        expect(page.locator(".failure").first).to_be_visible()

    return reach


def hang(address: str) -> Callable[[Page], None]:
    """Let a part of the API never answer, and open the page again."""

    def reach(page: Page) -> None:
        page.route(re.compile(address), lambda route: None)
        page.reload()
        expect(page.locator("[class*=skeleton]").first).to_be_visible()

    return reach


def refuse_sign_in(page: Page) -> None:
    page.get_by_label("Name").fill("lena")
    page.get_by_label("Password").fill("not this one")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()


def go_offline(*keys: str) -> Callable[[Page], None]:
    def reach(page: Page) -> None:
        page.context.set_offline(True)
        press(*keys)(page)
        expect(page.locator(".notice-float")).to_be_visible()

    return reach


def open_outbox(page: Page) -> None:
    go_offline("y", "n", "u")(page)
    page.locator(".bar .chip").click()
    expect(page.locator("dialog")).to_be_visible()


def search_nothing(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("no such thing")
    expect(page.locator(".empty")).to_be_visible()


def ask_for_ids(page: Page) -> None:
    product = page.locator("li.card").first.get_attribute("data-product")
    page.keyboard.press("5")
    expect(page.locator(".adhoc")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(f"{product} P0")
    page.get_by_role("button", name="Show these products").click()
    expect(page.locator("#candidates .notice")).to_be_visible()


def show_secret(page: Page) -> None:
    page.get_by_role("button", name="New key").click()
    page.get_by_label("What is it for?").fill("script")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_label("Key", exact=True)).to_be_visible()


def refuse_person(page: Page) -> None:
    page.get_by_role("button", name="Add a person").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("no spaces please")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_be_visible()


def leaf(name: str) -> str:
    return f"/leaf?id={quote(name)}"


def overtake(page: Page) -> None:
    """Somebody else saves a guideline while one's own is being written."""
    page.get_by_label("Definition").fill("Mine")
    told = '{"title": "Conflict", "status": 409, "detail": "It was changed."}'
    page.route(re.compile("/api/v1/guideline"), lambda route: route.fulfill(status=409, body=told))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".guideline-theirs")).to_be_visible()


def write_too_much(page: Page) -> None:
    page.get_by_label("Typical").fill("x" * 501)
    expect(page.get_by_role("alert")).to_be_visible()


def find_flaws(page: Page) -> None:
    """Show flaws of every severity, as an inspection would have found them."""
    flaws = [
        {
            "inspection": inspection, "kind": "kind", "severity": severity, "action": "merge",
            "seen": "6 of 9 gold products of Sandals look like Sneakers.", "field": None,
            "advice": "Merge them, or say in a guideline what parts them.", "count": 9,
            "leaves": [{"leaf": FREE, "name": "Teapots"}], "more_leaves": 3,
            "products": [
                {"product": f"p{n}", "title": f"Teapot {n}", "brand": None, "thumbnail": None}
                for n in range(3)
            ],
        }
        for inspection, severity in (("copies", "error"), ("siblings", "warning"), ("wide", "note"))
    ]  # fmt: skip
    groups = [
        {
            "inspection": one["inspection"],
            "help": "",
            "flaws": [one] * 7,
            "total": 7,
            "skipped": why,
        }
        for one, why in zip(flaws, (None, "It has no embeddings yet.", None), strict=True)
    ]
    told = {
        "at": "2026-01-01T10:00:00Z", "behind": 14, "pool_changed": True, "to_review": 2,
        "severities": {"error": 7, "warning": 7, "note": 7}, "groups": groups, "jobs": [],
    }  # fmt: skip
    page.route(re.compile("/api/v1/flaws"), lambda route: route.fulfill(json=told))
    page.reload()
    expect(page.locator(".flaw").first).to_be_visible()


ROWS = "[role=treeitem]"
STATES = (
    State("sign-in", None, "/"),
    State("sign-in-refused", None, "/", reach=refuse_sign_in),
    State("sign-in-organisation", None, "/sign-in?refused=domain"),
    State("leaves", "vera", "/", ROWS),
    State("leaves-none", "vera", "/", ROWS, search_nothing),
    State("leaves-waiting", "vera", "/", ROWS, hang("/api/v1/(taxonomy|progress|queue)")),
    State("leaves-failed", "vera", "/", ROWS, fail("/api/v1/progress")),
    State("menu-more", "root", "/", ROWS, click("More pages", then="[role=menu]")),
    State("menu-person", "root", "/", ROWS, click("account", then="[role=menu]")),
    State("leaf", "lena", leaf(TO_AUDIT), CARD),
    State("leaf-answered", "lena", leaf(FREE), CARD, press("y", "n", "u", "Shift+ArrowRight")),
    State("leaf-rest", "lena", leaf(FREE), CARD, press("Shift+N")),
    State("leaf-detail", "lena", leaf(FREE), CARD, press("Space")),
    State("leaf-note", "lena", leaf(FREE), CARD, press("e")),
    State("leaf-keys", "lena", leaf(FREE), CARD, press("?")),
    State("leaf-model", "lena", leaf(CHALLENGED), CARD, press("2")),
    State("leaf-words", "lena", leaf(FREE), CARD, press("4")),
    State("leaf-ad-hoc", "lena", leaf(FREE), CARD, press("5")),
    State("leaf-ids", "lena", leaf(FREE), CARD, ask_for_ids),
    State("leaf-offline", "lena", leaf(FREE), CARD, go_offline("y", "n")),
    State("leaf-outbox", "lena", leaf(FREE), CARD, open_outbox),
    State("leaf-waiting", "lena", leaf(FREE), CARD, hang("/api/v1/candidates")),
    State("leaf-failed", "lena", leaf(FREE), CARD, fail("/api/v1/candidates")),
    State("leaf-unknown", "lena", leaf("no/such/leaf"), ".failure"),
    State("leaf-looked-at", "root", leaf(FREE), "li.card"),
    State("guideline", "root", f"/guideline?id={quote(FREE)}", "textarea"),
    State("guideline-overtaken", "root", f"/guideline?id={quote(FREE)}", "textarea", overtake),
    State("guideline-long", "root", f"/guideline?id={quote(FREE)}", "textarea", write_too_much),
    State("guideline-failed", "root", f"/guideline?id={quote(FREE)}", "h1", fail("/api/v1/leaf")),
    State("guideline-not-yours", "lena", f"/guideline?id={quote(FREE)}", ".empty-title"),
    State("audit-queue", "otto", "/audit"),
    State("audit", "otto", f"/audit?leaf={quote(TO_AUDIT)}", CARD, press("y", "n", "e")),
    State("audit-answered", "otto", f"/audit?leaf={quote(TO_AUDIT)}", CARD, press("y", "n")),
    State("audit-empty", "otto", f"/audit?leaf={quote(UNTOUCHED)}", ".empty-title"),
    State("audit-failed", "otto", f"/audit?leaf={quote(TO_AUDIT)}", CARD, fail("/api/v1/audit")),
    State("dispute", "ada", f"/disputes?leaf={quote(DISPUTED)}", ".dispute-question"),
    State("dispute-note", "ada", f"/disputes?leaf={quote(DISPUTED)}", ".verdicts", press("e")),
    State("dispute-two", "ada", f"/disputes?leaf={quote(TWO_LEAVES[1])}", ".verdicts"),
    State("dispute-settled", "ada", f"/disputes?leaf={quote(CHALLENGED)}", ".verdicts", press("y")),
    State("disputes-none", "ada", f"/disputes?leaf={quote(UNTOUCHED)}", ".empty-title"),
    State("disputes-failed", "ada", "/disputes", ".dispute-question", fail("/api/v1/disputes")),
    State("recommendations", "lena", "/recommendations", ".recommended-name"),
    State("recommendations-none", "lena", "/recommendations", ".recommended-name", search_nothing),
    State("verify", "lena", f"/recommendations?leaf={quote(RECOMMENDED)}", CARD, press("n")),
    State(
        "verify-detail", "lena", f"/recommendations?leaf={quote(RECOMMENDED)}", CARD, press("Space")
    ),
    State("verify-end", "lena", f"/recommendations?leaf={quote(UNTOUCHED)}", ".empty-title"),
    State("suspects", "ada", "/suspects", "h1"),
    State("suspects-failed", "ada", "/suspects", "h1", fail("/api/v1/suspects")),
    State("quality", "root", "/quality", "h1", find_flaws),
    State("quality-none", "root", "/quality", ".empty-title"),
    State("quality-failed", "root", "/quality", "h1", fail("/api/v1/flaws")),
    State("duplicates", "ada", "/duplicates", ".alike-card"),
    State("duplicates-marked", "ada", "/duplicates", ".alike-card", press("1", "ArrowRight")),
    State("duplicates-failed", "ada", "/duplicates", "h1", fail("/api/v1/duplicates")),
    State("dashboard", "root", "/dashboard", ".figures"),
    State("dashboard-table", "root", "/dashboard", ".figures", click("as a table", then="td")),
    State("dashboard-people", "root", "/dashboard?view=people", "td"),
    State("dashboard-leaves", "root", "/dashboard?view=leaves", "#dashboard h2"),
    State("dashboard-model", "root", "/dashboard?view=model", "#dashboard .panel"),
    State("dashboard-failed", "root", "/dashboard", "h1", fail("/api/v1/dashboard")),
    State("map", "root", "/map", "h1"),
    State("rounds", "root", "/rounds"),
    State("rounds-start", "root", "/rounds", "h1", click("Start a round")),
    State("rounds-failed", "root", "/rounds", "h1", fail("/api/v1/rounds")),
    State("releases", "root", "/releases"),
    State("releases-make", "root", "/releases", "h1", click("Make a release")),
    State("people", "root", "/people", "td"),
    State("people-add", "root", "/people", "td", click("Add a person")),
    State("people-change", "root", "/people", "td", click("^Change")),
    State("people-refused", "root", "/people", "td", refuse_person),
    State("activity", "root", "/activity"),
    State("webhooks", "root", "/webhooks"),
    State("webhooks-add", "root", "/webhooks", "h1", click("Add a webhook")),
    State("account", "lena", "/me"),
    State("account-key", "lena", "/me", "h1", show_secret),
    State("settings", "lena", "/settings"),
    State("settings-key", "lena", "/settings", "h1", click("^Add a key to")),
    State("not-there", "lena", "/nowhere", ".empty-title"),
    State("not-yours", "lena", "/people", ".empty-title"),
)


@pytest.fixture(scope="module")
def looked_at(
    worked_on: tuple[Path, dict[str, str]],
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Team]:
    """One server for all states; none of them is spoilt by what another answers."""
    with serving(worked_on, browser, tmp_path_factory.mktemp("looked-at")) as opened:
        yield opened


@pytest.fixture
def look(looked_at: Team) -> Iterator[Callable[[str | None], Page]]:
    """Gives the browser of somebody, or of nobody; closed after the test."""
    inside: list[Visitor] = []
    contexts = []

    def come(person: str | None) -> Page:
        if person is not None:
            inside.append(looked_at.enter(person))
            return inside[-1].page
        contexts.append(looked_at.browser.new_context(base_url=looked_at.served.url))
        return contexts[-1].new_page()

    yield come
    for one in contexts:
        one.close()
    for visitor in inside:
        visitor.close()


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_nothing_serious_is_found(state: State, look: Callable[[str | None], Page]) -> None:
    assert AXE.exists(), f"{AXE} is absent: npm install"
    page = look(state.person)
    page.goto(state.path)
    page.wait_for_selector(state.ready)
    state.reach(page)
    page.evaluate(AXE.read_text())
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate(SETTLED)
        for violation in page.evaluate(RULES)["violations"]:
            if violation["impact"] in ("serious", "critical"):
                found += [
                    f"{scheme}: {violation['id']}: {node['target']}: {node['failureSummary']}"
                    for node in violation["nodes"]
                ]
    assert not found, "\n".join(found)
