"""Whatever happens to the network, the server or the page, each answer is in the log once."""

import time

import pytest
from playwright.sync_api import Page, expect

from productnet.annotation.decisions import Role
from tests.browser.leaf_page import LeafPage
from tests.browser.serving import Door, Served

CHIP = ".bar .chip"


def given(served: Served, leaf: str, number: int) -> list[tuple[str, str | None]]:
    """Product and verdict of every answer once so many are there, each id and product once."""
    found = served.wait_for(leaf, number, seconds=60)
    assert len(found) == number
    assert len({one.id for one in found}) == number
    return [(one.product, one.verdict) for one in found if one.role is Role.LABEL]


def test_offline_for_a_while_in_mid_page(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    products = on.products()
    on.press("y", "n")
    on.expect_saved()
    page.context.set_offline(True)
    on.press("y", "y", "n", "u", "y")
    on.expect_answers(positive=4, negative=2, unsure=1)
    expect(page.locator(".notice")).to_contain_text("5 answers wait")
    expect(page.locator(".notice")).to_contain_text("safe on this computer")
    expect(page.locator(CHIP)).to_have_text("5 waiting")
    on.press("z", "n")
    expect(page.locator(CHIP)).to_have_text("7 waiting")
    page.locator(CHIP).click()
    expect(page.locator("dialog .outbox-line")).to_have_count(7)
    on.press("Escape")
    page.context.set_offline(False)
    on.expect_saved()
    expect(page.locator(".notice")).to_have_count(0)
    answers = given(door.served, leaf, 9)
    assert answers == [
        (products[0], "positive"),
        (products[1], "negative"),
        (products[2], "positive"),
        (products[3], "positive"),
        (products[4], "negative"),
        (products[5], "unsure"),
        (products[6], "positive"),
        (products[6], "negative"),
    ]


def test_answers_given_offline_outlive_the_page(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    products = on.products()
    page.context.set_offline(True)
    on.press("y", "n", "u")
    expect(page.locator(CHIP)).to_have_text("3 waiting")
    page.close()
    page.context.set_offline(False)
    other = page.context.new_page()
    other.goto("/")
    expect(other.locator(CHIP)).to_have_text("All saved")
    answers = given(door.served, leaf, 3)
    assert answers == [
        (products[0], "positive"),
        (products[1], "negative"),
        (products[2], "unsure"),
    ]


def test_server_killed_in_mid_page_and_started_again(own_door: Door, leaf: str) -> None:
    served = own_door.served
    context = own_door.context()
    on = LeafPage(context.new_page(), leaf)
    products = on.products()
    on.press("y", "n", "y", "n", "y")
    served.kill()
    on.press("y", "u", "n", "y", "n")
    expect(on.page.locator(CHIP)).to_contain_text("waiting")
    on.expect_answers(positive=5, negative=4, unsure=1)
    served.start()
    on.expect_saved()
    answers = given(served, leaf, 10)
    said = ["positive", "negative", "positive", "negative", "positive"]
    said += ["positive", "unsure", "negative", "positive", "negative"]
    assert answers == list(zip(products, said, strict=False))
    # And on it goes, in the same session.
    on.press("Enter")
    on.wait()
    assert not set(on.products()) & {product for product, _ in answers}
    context.close()


def test_an_answer_that_is_acknowledged_but_not_heard_counts_once(
    page: Page, door: Door, leaf: str
) -> None:
    on = LeafPage(page, leaf)
    heard: list[str] = []

    def cut(route: object) -> None:
        # The server records it, and the line breaks before its answer is back.
        route.fetch()  # type: ignore[attr-defined]
        heard.append("cut")
        route.abort() if len(heard) < 3 else route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/v1/decisions", cut)
    on.press("y")
    expect(page.locator(CHIP)).to_have_text("1 waiting")
    on.expect_saved()
    assert len(heard) == 3
    assert len(given(door.served, leaf, 1)) == 1


def test_two_tabs_send_each_answer_once(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    other = page.context.new_page()
    other.goto("/settings")
    page.context.set_offline(True)
    on.press("y", "n", "y")
    expect(other.locator(CHIP)).to_have_text("3 waiting")
    page.context.set_offline(False)
    on.expect_saved()
    expect(other.locator(CHIP)).to_have_text("All saved")
    given(door.served, leaf, 3)


def test_a_refused_answer_is_shown_with_its_reason_and_can_be_thrown_away(
    page: Page, door: Door, leaf: str
) -> None:
    on = LeafPage(page, leaf)
    (first, *_) = on.products()
    # Somebody else labels the product meanwhile: here the same person in another tab.
    other = page.context.new_page()
    elsewhere = LeafPage(other, leaf)
    expect(other.locator(f'[data-product="{first}"]')).to_have_count(1)
    other.locator(f'[data-product="{first}"] .card-button-negative').click()
    elsewhere.expect_saved()
    on.press("y")
    expect(page.locator(CHIP)).to_have_text("1 refused")
    card = page.locator(f'[data-product="{first}"]')
    expect(card).to_contain_text("Not recorded")
    expect(card).to_contain_text("has a label already")
    page.locator(CHIP).click()
    expect(page.locator("dialog")).to_contain_text("has a label already")
    page.get_by_role("button", name="Throw away").click()
    expect(page.locator("dialog")).to_contain_text("Every answer of yours is with the server")
    on.press("Escape")
    on.expect_saved()
    assert given(door.served, leaf, 1) == [(first, "negative")]


@pytest.mark.parametrize("gone", ["closed", "left"])
def test_leaving_frees_the_leaf(page: Page, leaf: str, gone: str) -> None:
    LeafPage(page, leaf)
    expect(page.locator(".leaf-title .tag")).to_have_text("In your hands")
    context = page.context

    def held() -> bool:
        return bool(context.request.get("/api/v1/leaf", params={"id": leaf}).json()["leases"])

    assert held()
    if gone == "closed":
        page.close()
    else:
        page.get_by_role("link", name="Map").click()
    end = time.monotonic() + 20
    while held():
        assert time.monotonic() < end, "the leaf is still held"
