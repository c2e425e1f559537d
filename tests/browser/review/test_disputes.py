"""The adjudication page: one dispute at a time, by keyboard, and what each answer comes to."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Page, expect

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.annotation.verdicts import Stage
from productnet.database.database import Database
from productnet.settings import Project
from tests.browser.review.team import CHALLENGED, DISPUTED, TWO_LEAVES, Team, Visitor

Enter = Callable[..., Visitor]
TUMBLERS, MUGS = TWO_LEAVES


def open_disputes(visitor: Visitor, leaf: str = "") -> None:
    visitor.page.goto(f"/disputes?leaf={quote(leaf)}" if leaf else "/disputes")
    expect(visitor.page.locator(".dispute-question")).to_be_visible()


def titles(page: Page) -> list[str]:
    return page.locator(".rail-title").all_inner_texts()


def state_of(team: Team) -> State:
    log = DecisionLog(Database.open(Project.open(team.served.folder).database_url))
    try:
        return log.state()
    finally:
        log.close()


def by(team: Team, person: str, *leaves: str) -> list[Decision]:
    return [
        one for leaf in leaves for one in team.served.decisions(leaf) if one.annotator == person
    ]


def test_all_that_was_said_stands_side_by_side(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, DISPUTED)
    page = ada.page
    expect(page.get_by_role("heading", level=2).first).to_have_text("Does it belong to Sneakers?")
    said = page.locator(".said-one")
    expect(said).to_have_count(2)
    expect(said.nth(0)).to_contain_text("lena")
    expect(said.nth(0)).to_contain_text("The sole says so.")
    expect(said.nth(1)).to_contain_text("otto")
    expect(said.nth(1)).to_contain_text("the shaft is high")
    expect(page.locator(".fields")).to_contain_text("Description")
    expect(page.get_by_role("list", name="Gold").locator("li")).to_have_count(7)
    expect(page.locator(".beside")).to_contain_text("spare parts and accessories")


def test_what_one_took_part_in_is_never_shown(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, DISPUTED)
    shown = len(titles(ada.page))
    state = state_of(team)
    disputed = state.disputed(DISPUTED)
    own = {one.product for one in by(team, "ada", DISPUTED)}
    assert own
    assert own < set(disputed)
    assert shown == len(disputed) - len(own)


def test_yes_no_unsure_with_a_note_go_on_and_can_be_undone(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, DISPUTED)
    page = ada.page
    ada.press("e")
    page.keyboard.type("Seen from the side: yes, no boot")
    page.keyboard.press("Control+Enter")
    expect(page.locator("dialog")).to_have_count(0)
    ada.press("y", "n", "u")
    expect(page.locator(".rail-state .answer")).to_have_text(["Yes", "No", "Unsure"])
    ada.press("z", "n")
    ada.expect_saved()
    expect(page.locator(".rail-state .answer")).to_have_text(["Yes", "No", "No"])
    given = [one for one in by(team, "ada", DISPUTED) if one.role is not Role.AUDIT]
    assert [(one.role, one.verdict) for one in given] == [
        (Role.ADJUDICATE, Verdict.POSITIVE),
        (Role.ADJUDICATE, Verdict.NEGATIVE),
        (Role.ADJUDICATE, Verdict.UNSURE),
        (Role.UNDO, None),
        (Role.ADJUDICATE, Verdict.NEGATIVE),
    ]
    assert given[0].note == "Seen from the side: yes, no boot"
    state = state_of(team)
    assert state.pair(given[0].product, DISPUTED).stage is Stage.SETTLED
    assert state.pair(given[0].product, DISPUTED).gold


def test_next_and_previous_and_an_answer_that_is_changed(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, DISPUTED)
    page = ada.page
    ada.press("ArrowRight", "j", "k")
    expect(page.locator(".rail-item[aria-current]")).to_have_count(1)
    assert page.locator(".rail-item").nth(1).get_attribute("aria-current") == "true"
    ada.press("y", "ArrowLeft", "n")
    ada.expect_saved()
    expect(page.locator(".rail-state .answer")).to_have_text(["No"])
    given = [one for one in by(team, "ada", DISPUTED) if one.role is not Role.AUDIT]
    assert [one.role for one in given] == [Role.ADJUDICATE, Role.UNDO, Role.ADJUDICATE]


def test_a_product_in_two_leaves_goes_to_one_or_to_neither(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, MUGS)
    page = ada.page
    expect(page.get_by_role("heading", level=2).first).to_have_text("Which leaf does it belong to?")
    expect(page.locator(".said-one")).to_have_count(4)
    expect(page.locator(".beside")).to_have_count(2)
    products = state_of(team).disputed(MUGS)
    assert len(products) == 3
    ada.press("1", "2", "n")
    expect(page.locator(".rail-state .answer")).to_have_text(["Tumblers", "Mugs", "No"])
    ada.expect_saved()
    state = state_of(team)
    first, second, third = products
    assert state.pair(first, TUMBLERS).gold
    assert not state.pair(first, MUGS).gold
    assert state.pair(second, MUGS).gold
    assert not state.pair(second, TUMBLERS).gold
    for leaf in TWO_LEAVES:
        assert state.pair(third, leaf).verdict is Verdict.NEGATIVE
        assert state.pair(third, leaf).stage is Stage.SETTLED
    assert not state.disputed(MUGS)
    assert not state.disputed(TUMBLERS)
    ada.press("z")
    ada.expect_saved()
    assert state_of(team).disputed(MUGS) == (third,)
    expect(page.locator(".bar .chip")).to_have_text("All saved")


def test_a_challenge_names_its_model_and_is_settled(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, CHALLENGED)
    challenge = ada.page.locator(".said-challenge")
    expect(challenge).to_contain_text("93%")
    expect(challenge).to_contain_text("It looks like a table lamp.")
    ada.press("y")
    expect(ada.page.locator(".empty-title")).to_have_text("You are through")
    ada.expect_saved()
    assert not state_of(team).disputed(CHALLENGED)


def test_an_answer_that_comes_too_late_is_shown_as_refused(team: Team, enter: Enter) -> None:
    ada, vera = enter("ada"), enter("root")
    open_disputes(ada, DISPUTED)
    open_disputes(vera, DISPUTED)
    ada.press("y")
    ada.expect_saved()
    vera.press("n")
    expect(vera.page.locator(".rail-bad")).to_have_text("Not recorded")
    vera.press("ArrowLeft")
    expect(vera.page.get_by_role("alert")).to_contain_text("not disputed")


def test_offline_and_empty(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    open_disputes(ada, DISPUTED)
    ada.context.set_offline(True)
    ada.press("y", "n")
    expect(ada.page.locator(".notice-wait")).to_contain_text("2 answers wait")
    ada.context.set_offline(False)
    ada.expect_saved()
    ada.page.goto("/disputes?leaf=home/decoration/vases")
    expect(ada.page.locator(".empty-title")).to_have_text("No dispute of this leaf waits for you")
