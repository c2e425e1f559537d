"""Data quality: flaws with their advice, and near-duplicates told apart by keyboard."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from productnet.annotation.duplicate_reviews import DuplicateReview, DuplicateReviews
from productnet.database.database import Database
from productnet.settings import Project
from tests.browser.review.team import Team, Visitor, serving

Enter = Callable[..., Visitor]


@pytest.fixture(scope="module")
def team(
    worked_on: tuple[Path, dict[str, str]],
    browser: Browser,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Team]:
    """One server for all: each test leaves the reviews as it found them, of which there are none.

    One test alone looks at flaws.
    """
    with serving(worked_on, browser, tmp_path_factory.mktemp("quality")) as opened:
        yield opened


def reviews(team: Team) -> list[DuplicateReview]:
    project = Project.open(team.served.folder)
    with Database.open(project.database_url) as database:
        return DuplicateReviews(database).standing()


def ids(page: Page) -> list[str]:
    """The products of the group in sight."""
    cards = page.locator(".alike-card")
    expect(cards.first).to_be_visible()
    return [str(card.get_attribute("data-product")) for card in cards.all()]


def wait_for(team: Team, page: Page, number: int) -> list[DuplicateReview]:
    for _ in range(100):
        if len(found := reviews(team)) == number:
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"{len(found)} of {number} reviews arrived")


def test_near_duplicates_are_reviewed_and_undone_by_keyboard(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    page = ada.page
    page.goto("/duplicates")
    first = ids(page)
    ada.press("d")
    expect(page.locator(f'[data-product="{first[0]}"]')).to_have_count(0)
    [told] = wait_for(team, page, 1)
    assert (set(told.products), set(told.apart)) == (set(first), set(first))
    second = ids(page)
    ada.press("ArrowRight", "Space")
    expect(page.locator("dialog.detail")).to_be_visible()
    ada.press("Escape")
    # A mark by number, taken off by number; with a mark on, S says what to do instead.
    ada.press("2")
    expect(marked(page)).to_have_count(1)
    ada.press("s")
    expect(page.locator(".toast")).to_contain_text("Press D, or take the marks off")
    ada.press("2")
    expect(marked(page)).to_have_count(0)
    ada.press("s")
    assert wait_for(team, page, 2)[1].apart == ()
    assert set(wait_for(team, page, 2)[1].products) == set(second)
    # Both are taken back, the last first, and come again.
    ada.press("z")
    assert ids(page) == second
    ada.press("z")
    assert ids(page) == first
    wait_for(team, page, 0)
    page.reload()
    assert set(ids(page)) in (set(first), set(second))


def marked(page: Page) -> Locator:
    return page.locator(".alike-marked")


def test_what_is_left_for_later_comes_again_at_the_end(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    page = ada.page
    page.goto("/duplicates")
    total = int(page.locator(".page-lead b").inner_text().split()[0])
    seen = []
    for _ in range(total):
        seen.append(ids(page)[0])
        ada.press("Enter")
        expect(page.locator(f'[data-product="{seen[-1]}"]')).to_have_count(0)
    assert len(set(seen)) == total
    expect(page.get_by_text("You are through")).to_be_visible()
    page.get_by_role("button", name="Show what was left for later").click()
    assert ids(page)[0] == seen[0]
    assert not reviews(team)


def test_a_review_that_does_not_arrive_brings_its_group_back(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    page = ada.page
    page.goto("/duplicates")
    first = ids(page)
    told = '{"title": "Conflict", "status": 409, "detail": "Not now."}'
    page.route("**/api/v1/duplicates", lambda route: route.fulfill(status=409, body=told))
    ada.press("d")
    expect(page.locator(".toast")).to_contain_text("Not recorded: Not now.")
    page.unroute("**/api/v1/duplicates")
    for _ in range(100):
        if first[0] in ids(page):
            break
        ada.press("Enter")
    assert ids(page) == first
    assert not reviews(team)


def test_flaws_are_found_filtered_and_lead_to_where_they_are_mended(enter: Enter) -> None:
    root = enter("root")
    page = root.page
    page.goto("/quality")
    expect(page.locator(".empty-title")).to_have_text("Nothing was inspected yet")
    page.get_by_role("button", name="Inspect now").click()
    expect(page.get_by_text("Inspected just now")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("heading", name="Leaves with little gold")).to_be_visible()
    mistakes = page.locator(
        "section", has=page.get_by_role("heading", name="Suspected label errors")
    )
    expect(mistakes).to_contain_text("Frying Pans")
    expect(mistakes).to_contain_text("Open them for a second look")
    mistakes.locator(".strip-item").first.click()
    expect(page.locator("dialog.detail")).to_be_visible()
    root.press("Escape")
    page.get_by_role("tab", name="Notes").click()
    expect(page.locator(".flaw .tag").first).to_have_text("Note")
    expect(page.locator(".flaw .tag-warn")).to_have_count(0)
    page.get_by_role("link", name="Near-duplicates", exact=False).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Near-duplicates")
