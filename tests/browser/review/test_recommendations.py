"""The recommendation page: a leaf verified in bulk; a no becomes a hard negative."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import Locator, expect

from productnet.annotation.decisions import Role, Verdict
from tests.browser.review.team import ALSO_RECOMMENDED, RECOMMENDED, Team, Visitor
from tests.browser.review.test_disputes import state_of

Enter = Callable[..., Visitor]


def open_leaf(visitor: Visitor, leaf: str = RECOMMENDED) -> Locator:
    visitor.page.goto(f"/recommendations?leaf={quote(leaf)}")
    expect(visitor.page.locator(".card-answers button").first).to_be_enabled()
    return visitor.page.locator("li.card")


def sureness(cards: Locator) -> list[int]:
    texts = cards.locator(".card-reason").all_inner_texts()
    return [int(text.split("%")[0]) for text in texts]


def test_leaves_are_listed_surest_first_and_found_by_name(enter: Enter) -> None:
    lena = enter("lena")
    lena.page.goto("/recommendations")
    names = lena.page.locator(".recommended-name")
    expect(names).to_have_text(["Jackets", "T-Shirts"])
    lena.press("/")
    lena.page.keyboard.type("shirt")
    expect(names).to_have_text(["T-Shirts"])
    lena.page.keyboard.type("zzz")
    expect(lena.page.locator(".empty-title")).to_have_text("No leaf has this name")
    lena.page.locator("[data-search]").fill("jack")
    names.click()
    expect(lena.page.get_by_role("heading", level=1)).to_have_text("Jackets")


def test_the_threshold_decides_what_is_shown(enter: Enter) -> None:
    lena = enter("lena")
    cards = open_leaf(lena)
    first = sureness(cards)
    assert first == sorted(first, reverse=True)
    assert min(first) >= 50
    lena.press("+", "+", "+", "+")
    expect(lena.page.locator(".threshold-words")).to_contain_text("From 70%")
    expect(cards.locator(".card-reason", has_text="6")).not_to_have_count(len(first))
    lena.page.wait_for_timeout(600)
    assert min(sureness(cards)) >= 70
    assert len(sureness(cards)) < len(first)


def test_all_but_those_marked_no_are_accepted(team: Team, enter: Enter) -> None:
    lena = enter("lena")
    cards = open_leaf(lena, ALSO_RECOMMENDED)
    total = cards.count()
    shown = [str(card.get_attribute("data-product")) for card in cards.all()]
    lena.press("ArrowRight", "n", "n")
    expect(lena.page.locator(".verify-end")).to_contain_text(
        f"2 marked no, 0 otherwise answered, {total - 2} open"
    )
    lena.press("Shift+Y")
    expect(lena.page.locator(".verify-end")).to_contain_text(f"All {total} answered, 2 of them no")
    lena.press("Enter")
    expect(lena.page.locator(".empty-title")).to_have_text("Nothing is left from 50% on")
    lena.expect_saved()
    given = team.served.decisions(ALSO_RECOMMENDED)
    assert len(given) == total
    assert {one.product for one in given} == set(shown)
    assert all(one.source == "master" and one.role is Role.LABEL for one in given)
    assert all(one.model_version == "round-0001" and (one.score or 0) >= 0.5 for one in given)
    rejected = [one.product for one in given if one.verdict is Verdict.NEGATIVE]
    assert rejected == shown[1:3]
    state = state_of(team)
    assert set(rejected) <= set(state.hard_negatives(ALSO_RECOMMENDED))
    assert all(state.pair(one, ALSO_RECOMMENDED).master_error for one in rejected)
    lena.page.get_by_role("button", name="Go down to 40%").click()
    expect(lena.page.locator("li.card").first).to_be_visible()
    expect(lena.page.locator(f'li.card[data-product="{shown[0]}"]')).to_have_count(0)
    assert not set(shown) & {
        card.get_attribute("data-product") for card in lena.page.locator("li.card").all()
    }


def test_accepting_is_undone_as_one(team: Team, enter: Enter) -> None:
    lena = enter("lena")
    cards = open_leaf(lena, ALSO_RECOMMENDED)
    total = cards.count()
    lena.page.get_by_role("button", name="Accept the").click()
    expect(lena.page.locator("li.card-positive")).to_have_count(total)
    lena.page.locator(".toast-action").click()
    expect(lena.page.locator("li.card-positive")).to_have_count(0)
    lena.expect_saved()
    assert not state_of(team).positives(ALSO_RECOMMENDED)


def test_somebody_else_at_work_in_the_leaf_is_respected(enter: Enter) -> None:
    lena, vera = enter("lena"), enter("vera")
    open_leaf(lena)
    vera.page.goto(f"/recommendations?leaf={quote(RECOMMENDED)}")
    expect(vera.page.locator(".verify-held")).to_contain_text("lena")
    vera.press("y")
    expect(vera.page.locator("li.card-positive")).to_have_count(0)


def test_offline_the_page_goes_on_and_the_next_one_can_be_tried_again(
    team: Team, enter: Enter
) -> None:
    lena = enter("lena")
    open_leaf(lena)
    lena.page.evaluate("localStorage.setItem('productnet.pageSize', '10')")
    cards = open_leaf(lena)
    expect(cards).to_have_count(10)
    lena.page.wait_for_timeout(500)
    lena.context.set_offline(True)
    lena.press("n", "Shift+Y", "Enter")
    expect(cards).to_have_count(10)
    lena.press("Shift+Y", "Enter")
    expect(lena.page.locator(".failure .empty-title")).to_have_text("No connection")
    lena.context.set_offline(False)
    lena.page.get_by_role("button", name="Try again").click()
    expect(cards.first).to_be_visible()
    lena.expect_saved()
    assert len(team.served.decisions(RECOMMENDED)) == 20
