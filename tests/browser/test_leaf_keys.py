"""Every key of the leaf page does what the list under ? says, and none fires in a text box."""

from playwright.sync_api import Page, expect

from tests.browser.leaf_page import LeafPage
from tests.browser.serving import Door


def test_yes_no_unsure_answer_and_go_on(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    products = on.products()
    on.press("y", "n", "u")
    on.expect_answers(positive=1, negative=1, unsure=1)
    assert on.at() == 3
    on.expect_saved()
    found = door.served.wait_for(leaf, 3)
    assert [(one.product, one.verdict, one.role) for one in found] == [
        (products[0], "positive", "label"),
        (products[1], "negative", "label"),
        (products[2], "unsure", "label"),
    ]
    assert all(one.source and one.seconds is not None and one.seconds < 60 for one in found)


def test_undo_goes_back_one_by_one_even_over_pages_and_reloads(
    page: Page, door: Door, leaf: str
) -> None:
    on = LeafPage(page, leaf)
    first = on.products()[0]
    on.press("y", "y", "n")
    on.press("Control+z")
    on.expect_answers(positive=2, negative=0)
    assert on.at() == 2
    on.press("Enter")
    expect(page.locator(f'[data-product="{first}"]')).to_have_count(0)
    page.reload()
    on.wait()
    on.press("z", "z")
    # The last one taken back is the first of all: it is on the page again, to be answered.
    expect(on.current).to_have_attribute("data-product", first)
    on.press("n")
    on.expect_saved()
    found = door.served.wait_for(leaf, 7)
    assert [one.role for one in found] == [*["label"] * 3, *["undo"] * 3, "label"]
    assert [one.undoes for one in found[3:6]] == [found[2].id, found[1].id, found[0].id]
    assert (found[-1].product, found[-1].verdict) == (first, "negative")


def test_an_answer_can_be_changed(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    on.press("y", "ArrowLeft", "n")
    on.expect_answers(positive=0, negative=1)
    on.expect_saved()
    found = door.served.wait_for(leaf, 3)
    assert [(one.role, one.verdict) for one in found] == [
        ("label", "positive"),
        ("undo", None),
        ("label", "negative"),
    ]


def test_moving(page: Page, leaf: str) -> None:
    on = LeafPage(page, leaf)
    on.press("ArrowRight", "j")
    assert on.at() == 2
    on.press("ArrowLeft", "k")
    assert on.at() == 0
    on.press("ArrowDown")
    columns = on.at()
    assert columns > 1
    on.press("ArrowUp")
    assert on.at() == 0
    on.press("ArrowUp", "ArrowLeft")
    assert on.at() == 0
    expect(on.current).to_be_focused()


def test_a_selection_is_answered_and_undone_as_one(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    on.press("Shift+ArrowRight", "Shift+ArrowRight")
    expect(page.locator("li.card-chosen")).to_have_count(3)
    on.press("Escape")
    expect(page.locator("li.card-chosen")).to_have_count(0)
    on.press("ArrowLeft", "ArrowLeft", "Shift+ArrowRight", "Shift+ArrowRight", "n")
    on.expect_answers(negative=3)
    on.press("z")
    on.expect_answers(negative=0)
    on.expect_saved()
    found = door.served.wait_for(leaf, 6)
    assert [one.role for one in found] == [*["label"] * 3, *["undo"] * 3]


def test_the_rest_of_the_page_at_one_stroke(page: Page, door: Door, leaf: str) -> None:
    on = LeafPage(page, leaf)
    total = on.cards.count()
    on.press("y", "Shift+N")
    on.expect_answers(positive=1, negative=total - 1)
    expect(page.locator(".toast")).to_contain_text(f"{total - 1} products answered no")
    page.locator(".toast-action").click()
    on.expect_answers(positive=1, negative=0)
    on.press("Shift+Y")
    on.expect_answers(positive=total)
    expect(page.locator(".page-end")).to_be_focused()
    before = on.products()
    on.press("Enter")
    expect(page.locator(f'[data-product="{before[0]}"]')).to_have_count(0)
    assert not set(on.products()) & set(before)
    on.expect_saved()
    door.served.wait_for(leaf, 1 + 2 * (total - 1) + (total - 1))


def test_zoom_shows_all_and_answers(page: Page, leaf: str) -> None:
    on = LeafPage(page, leaf)
    titles = [card.inner_text() for card in page.locator(".card-title").all()[:3]]
    on.press("Space")
    dialog = page.locator("dialog.detail")
    expect(dialog.locator("h2")).to_contain_text(titles[0])
    expect(dialog.locator(".fields")).to_contain_text("Why it is here")
    on.press("ArrowRight")
    expect(dialog.locator("h2")).to_contain_text(titles[1])
    on.press("y")
    expect(dialog.locator("h2")).to_contain_text(titles[2])
    on.press("z")
    expect(dialog.locator("h2")).to_contain_text(titles[1])
    on.press("Escape")
    expect(dialog).to_have_count(0)
    on.expect_answers(positive=0)
    assert on.at() == 1


def test_a_note_goes_with_the_answer_and_keys_rest_while_it_is_written(
    page: Page, door: Door, leaf: str
) -> None:
    on = LeafPage(page, leaf)
    on.press("e")
    expect(page.locator("dialog textarea")).to_be_focused()
    page.keyboard.type("yes? nun 1234")
    on.expect_answers(positive=0, negative=0, unsure=0)
    page.keyboard.press("Control+Enter")
    expect(page.locator("dialog")).to_have_count(0)
    on.press("u")
    on.expect_saved()
    (decision,) = door.served.wait_for(leaf, 1)
    assert (decision.verdict, decision.note) == ("unsure", "yes? nun 1234")


def test_source_tabs_search_and_help(page: Page, leaf: str) -> None:
    on = LeafPage(page, leaf)
    tabs = page.locator(".tabs [role=tab]")
    for at in range(tabs.count()):
        on.press(str(at + 1))
        expect(tabs.nth(at)).to_have_attribute("aria-selected", "true")
    on.press("4")
    expect(page.locator("[role=search]")).to_be_visible()
    on.press("/")
    box = page.locator("[data-search]")
    expect(box).to_be_focused()
    page.keyboard.type("ynu ?")
    expect(box).to_have_value("ynu ?")
    on.expect_answers(positive=0, negative=0, unsure=0)
    expect(page.locator("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    on.press("?")
    help_ = page.locator("dialog")
    expect(help_).to_contain_text("Answer the rest of the page yes")
    expect(help_).to_contain_text("Candidates: Keyword")
    on.press("?")
    expect(help_).to_have_count(0)


def test_keys_can_be_changed_and_a_conflict_is_refused(page: Page, door: Door, leaf: str) -> None:
    page.goto("/settings")
    line = page.locator('[data-command="yes"]')
    line.get_by_role("button", name="Add a key to").click()
    page.keyboard.press("n")
    expect(page.locator("dialog [role=alert]")).to_contain_text("No: it does not belong")
    page.keyboard.press("q")
    expect(page.locator("dialog")).to_have_count(0)
    expect(line).to_contain_text("Q")
    on = LeafPage(page, leaf)
    on.press("q")
    on.expect_answers(positive=1)
    on.expect_saved()
