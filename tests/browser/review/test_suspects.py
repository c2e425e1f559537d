"""The second look: a planted mistake is found, opened by keyboard, settled by somebody else."""

from collections.abc import Callable

from playwright.sync_api import expect

from productnet.annotation.decisions import Role, Verdict
from tests.browser.review.team import MISTAKEN, Team, Visitor
from tests.browser.review.test_disputes import state_of

Enter = Callable[..., Visitor]


def test_a_planted_mistake_is_found_and_opened(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    page = ada.page
    page.goto("/suspects")
    first = page.locator("li.suspect[data-product]").first
    expect(first).to_contain_text("Frying Pans", timeout=60_000)
    expect(first).to_contain_text("rather Sneakers")
    expect(first).to_contain_text("vera")
    product = str(first.get_attribute("data-product"))
    ada.press("Space")
    expect(page.locator("dialog.detail")).to_be_visible()
    ada.press("Escape", "o")
    expect(first).to_contain_text("Opened")
    ada.expect_saved()
    challenge = team.served.decisions(MISTAKEN)[-1]
    assert (challenge.role, challenge.annotator) == (Role.CHALLENGE, "ada")
    assert (challenge.product, challenge.verdict) == (product, Verdict.UNSURE)
    assert challenge.score is not None
    assert challenge.score > 0.5
    assert (challenge.model_version or "").startswith("out-of-fold:")
    page.reload()
    opened = page.locator("li.suspect", has_text="opened by ada")
    expect(opened).to_have_count(1)
    opened.get_by_role("link", name="Settle it").click()
    expect(page.get_by_role("heading", level=2).first).to_have_text(
        "Does it belong to Frying Pans?"
    )
    ada.press("n")
    ada.expect_saved()
    assert state_of(team).pair(product, MISTAKEN).verdict is Verdict.NEGATIVE


def test_opening_is_undone(team: Team, enter: Enter) -> None:
    ada = enter("ada")
    page = ada.page
    page.goto("/suspects")
    first = page.locator("li.suspect[data-product]").first
    expect(first).to_contain_text("Frying Pans", timeout=60_000)
    ada.press("o", "z")
    expect(first.get_by_role("button", name="Second look")).to_be_visible()
    ada.expect_saved()
    assert [one.role for one in team.served.decisions(MISTAKEN)[-2:]] == [Role.CHALLENGE, Role.UNDO]
    assert not state_of(team).disputed(MISTAKEN)


def test_a_leaf_with_too_few_answers_says_so_and_what_is_open_is_listed(enter: Enter) -> None:
    ada = enter("ada")
    ada.page.goto("/suspects?leaf=electronics/audio/headphones")
    expect(ada.page.locator(".empty-title")).to_have_text("Nothing looks wrong", timeout=60_000)
    ada.page.goto("/suspects")
    expect(ada.page.get_by_text("opened by model")).to_be_visible()
