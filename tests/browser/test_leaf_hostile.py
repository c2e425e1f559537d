"""Product texts are text: markup is shown, not run; no title takes the page apart.

The import cleans texts; here the answers of the server are changed on their way to the browser,
so that the page is tested by itself.
"""

import json
from pathlib import PurePosixPath
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.leaf_page import LeafPage

MARKUP = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> & mug'
TITLES = [
    MARKUP,
    "A mug \u202egnp.exe\u2066 \u200f to be seen backwards",
    "W" * 5_000,
    "",
    "javascript:window.hacked=1",
]
DESCRIPTION = "<b>bold</b><script>window.hacked=1</script> & so on " * 2_000


def spoil(route: Route) -> None:
    """Put hostile texts in the place of the honest ones."""
    response = route.fetch()
    body = response.json()
    if PurePosixPath(urlsplit(route.request.url).path).name == "product":
        body |= {"title": MARKUP, "brand": MARKUP}
        body["fields"] = {"title": MARKUP, "description": DESCRIPTION}
    else:
        for card, title in zip(body["candidates"], TITLES, strict=False):
            card |= {"title": title, "brand": MARKUP, "reason": MARKUP}
    route.fulfill(response=response, body=json.dumps(body))


@pytest.fixture
def on(page: Page, leaf: str) -> LeafPage:
    """The leaf page, full of hostile texts."""
    page.route("**/api/v1/candidates", spoil)
    page.route("**/api/v1/product?*", spoil)
    return LeafPage(page, leaf)


def test_hostile_titles_are_shown_as_they_are_and_keep_their_place(on: LeafPage) -> None:
    page = on.page
    for at, title in enumerate(TITLES):
        shown = on.cards.nth(at).locator(".card-title bdi").evaluate("one => one.textContent")
        assert shown.startswith(title[:250]) or (not title and shown.startswith("Product "))
        box, other = on.cards.nth(at).bounding_box(), on.cards.last.bounding_box()
        assert box is not None
        assert other is not None
        assert abs(box["width"] - other["width"]) < 1
        assert abs(box["height"] - other["height"]) < 1
    assert page.locator(".card script, .card-words img").count() == 0
    wide, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= window
    assert page.evaluate("window.hacked") is None


def test_a_long_hostile_description_is_text(on: LeafPage) -> None:
    page = on.page
    on.press("Space")
    dialog = page.locator("dialog.detail")
    expect(dialog.locator("h2")).to_contain_text("<script>")
    dialog.get_by_role("button", name="Show all").click()
    expect(dialog.locator(".fields")).to_contain_text("<b>bold</b>")
    shown = dialog.locator(".fields-text").evaluate_all("all => all.map(one => one.textContent)")
    assert DESCRIPTION in shown
    assert dialog.locator(".fields script, .fields b, .fields img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_an_answer_about_a_hostile_product_waits_as_text(on: LeafPage) -> None:
    page = on.page
    page.context.set_offline(True)
    on.press("u")
    page.locator(".bar .chip").click()
    expect(page.locator("dialog .outbox-line")).to_contain_text("<script>")
    page.keyboard.press("Escape")
    page.context.set_offline(False)
    on.expect_saved()
    assert page.evaluate("window.hacked") is None
