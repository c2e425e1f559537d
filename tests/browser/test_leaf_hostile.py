"""Product texts are text: markup is shown, not run; no title takes the page apart."""

from playwright.sync_api import Page, expect

from tests.browser.hostile import DESCRIPTION, TITLES, WORD
from tests.browser.leaf_page import LeafPage


def test_hostile_titles_and_descriptions_are_inert(page: Page, leaf: str) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    on = LeafPage(page, leaf)
    on.press("4", "/")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")
    for product in TITLES:
        expect(page.locator(f'[data-product="{product}"]')).to_have_count(1)
    for product, title in TITLES.items():
        card = page.locator(f'[data-product="{product}"]')
        assert card.locator(".card-title bdi").inner_text()[:250] == title[:250]
        assert card.locator("script, .card-words img").count() == 0
        box, other = card.bounding_box(), on.cards.last.bounding_box()
        assert box is not None
        assert other is not None
        assert box["width"] == other["width"]
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]
    page.locator('[data-product="hostile-markup"]').dblclick(position={"x": 40, "y": 40})
    dialog = page.locator("dialog.detail")
    expect(dialog.locator("h2")).to_contain_text("<script>")
    dialog.get_by_role("button", name="Show all").click()
    expect(dialog.locator(".fields")).to_contain_text("<b>bold</b>")
    shown = dialog.locator(".fields-text").evaluate_all("all => all.map(one => one.textContent)")
    assert DESCRIPTION.strip() in [text.strip() for text in shown]
    assert dialog.locator(".fields script, .fields b").count() == 0
    assert page.evaluate("window.hacked") is None
    assert dialogs == []


def test_an_answer_about_a_hostile_product_waits_and_is_sent(page: Page, leaf: str) -> None:
    on = LeafPage(page, leaf)
    on.press("4", "/")
    page.keyboard.type(WORD)
    page.keyboard.press("Enter")
    card = page.locator('[data-product="hostile-markup"]')
    expect(card).to_have_count(1)
    page.context.set_offline(True)
    card.locator(".card-button-unsure").click()
    page.locator(".bar .chip").click()
    expect(page.locator("dialog .outbox-line")).to_contain_text("onerror")
    page.context.set_offline(False)
    page.keyboard.press("Escape")
    on.expect_saved()
    assert page.evaluate("window.hacked") is None
