"""The pages of those who lead, in real Chromium: tree, dashboard, people, keys, webhooks."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy
from tests.browser.leaf_page import LeafPage
from tests.browser.serving import Door

PAGES = ("/", "/dashboard", "/rounds", "/releases", "/people", "/me", "/activity", "/webhooks")


def active(page: Page) -> Locator:
    """The row of the tree that the keyboard is on, as assistive technology is told."""
    box = page.get_by_role("tree")
    expect(box).to_have_attribute("aria-activedescendant", re.compile("tree-row-"))
    return page.locator(f"#{box.get_attribute('aria-activedescendant')}")


@pytest.fixture
def tree(page: Page) -> Page:
    """The start page, its tree ready."""
    page.goto("/")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    return page


def test_a_leaf_is_found_by_typing_and_opened_by_enter(tree: Page) -> None:
    tree.keyboard.press("/")
    expect(tree.get_by_role("combobox", name="Find a leaf")).to_be_focused()
    tree.keyboard.type("MUGS")
    expect(tree.locator(".explorer-found")).to_have_text(re.compile("match"))
    expect(active(tree)).to_have_accessible_name(re.compile("^Mugs"))
    tree.keyboard.press("Enter")
    expect(tree).to_have_url(re.compile(r"/leaf\?id="))


def test_the_tree_is_walked_by_keys_as_trees_are(tree: Page) -> None:
    tree.get_by_role("tree").focus()
    tree.keyboard.press("Home")
    expect(active(tree)).to_have_attribute("aria-level", "1")
    if active(tree).get_attribute("aria-expanded") == "true":
        tree.keyboard.press("ArrowLeft")
    expect(active(tree)).to_have_attribute("aria-expanded", "false")
    tree.keyboard.press("ArrowRight")
    expect(active(tree)).to_have_attribute("aria-expanded", "true")
    tree.keyboard.press("ArrowRight")
    expect(active(tree)).to_have_attribute("aria-level", "2")
    tree.keyboard.press("ArrowLeft")
    expect(active(tree)).to_have_attribute("aria-level", "1")
    tree.keyboard.press("End")
    expect(active(tree)).to_be_in_viewport()
    last = active(tree)
    assert last.get_attribute("aria-posinset") == last.get_attribute("aria-setsize")


def test_what_nobody_has_begun_is_told_apart_from_what_is(
    page: Page, door: Door, leaf: str
) -> None:
    on = LeafPage(page, leaf)
    on.press("y")
    on.expect_saved()
    door.served.wait_for(leaf, 1)
    name = Taxonomy.load(Project.open(door.served.folder).taxonomy_path)[leaf].name
    row = page.get_by_role("treeitem", name=re.compile(f"^{re.escape(name)}\\b"))
    page.goto("/")
    # Of many leaves only those in view are drawn.
    page.get_by_role("combobox", name=re.compile("^Find a leaf")).fill(name)
    page.get_by_role("tab", name=re.compile("^In progress")).click()
    expect(row).to_be_visible()
    page.get_by_role("tab", name=re.compile("^Not begun")).click()
    expect(row).to_have_count(0)


def test_the_tree_follows_while_others_work(tree: Page, door: Door, leaf: str) -> None:
    begun = tree.locator(".glance div", has_text="Begun").locator("b")
    before = int(begun.inner_text())
    other = door.context()
    on = LeafPage(other.new_page(), leaf)
    on.press("y")
    on.expect_saved()
    expect(begun).to_have_text(str(before + 1), timeout=20_000)
    other.close()


def test_a_search_without_a_match_leads_back(tree: Page) -> None:
    tree.keyboard.press("/")
    tree.keyboard.type("no such leaf")
    expect(tree.get_by_text("No leaf is like that")).to_be_visible()
    tree.get_by_role("button", name="Show all leaves").click()
    expect(tree.get_by_role("treeitem").first).to_be_visible()


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("width", [1280, 768])
def test_a_page_has_one_heading_a_title_and_no_sideways_scroll(
    page: Page, path: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(path)
    expect(page.locator("h1")).to_have_count(1)
    expect(page.locator(".main .skeleton")).to_have_count(0)
    expect(page.locator(".main .failure")).to_have_count(0)
    assert page.title().split(" · ")[0] == page.locator("h1").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    "path", ["/dashboard", "/rounds", "/people", "/activity", "/webhooks", "/"]
)
def test_a_failure_is_told_and_can_be_tried_again(page: Page, path: str) -> None:
    name = "progress" if path == "/" else path.strip("/")
    fails = re.compile(rf"/api/v1/{name}(\?|$)")
    told = '{"title": "Conflict", "status": 409, "detail": "Not now."}'
    page.route(fails, lambda route: route.fulfill(status=409, body=told))
    page.goto(path)
    failed = page.locator(".failure", has_text="Not now.").first
    expect(failed).to_be_visible()
    page.unroute(fails)
    failed.get_by_role("button", name="Try again").click()
    expect(page.locator(".failure", has_text="Not now.")).to_have_count(0)


def test_a_chart_is_read_by_keys_and_as_a_table(page: Page, leaf: str) -> None:
    on = LeafPage(page, leaf)
    on.press("y", "n")
    on.expect_saved()
    page.goto("/dashboard")
    page.get_by_role("img", name=re.compile("^Answers by day")).focus()
    page.keyboard.press("End")
    expect(page.locator(".chart-tip")).to_have_text(re.compile(r"\d"))
    page.keyboard.press("Escape")
    expect(page.locator(".chart-tip")).to_have_count(0)
    page.get_by_role("button", name="Answers by day: as a table").click()
    rows = page.get_by_role("region", name="Answers by day").get_by_role("row")
    expect(rows).to_have_count(31)


def test_an_account_is_added_changed_and_deactivated(page: Page) -> None:
    page.goto("/people")
    page.get_by_role("button", name="Add a person").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("nora")
    dialog.get_by_label("auditor").check()
    assert len(dialog.get_by_label("First password").input_value()) >= 16
    # Without a password, so that the shared server stays for one person alone.
    dialog.get_by_label("First password").fill("")
    dialog.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name=re.compile("nora"))
    expect(row).to_contain_text("auditor")
    row.get_by_role("button", name="Change").click()
    page.get_by_role("dialog").get_by_role("button", name="Deactivate").click()
    page.get_by_role("dialog").last.get_by_role("button", name="Deactivate").click()
    expect(page.locator(".panel", has_text="No longer active")).to_contain_text("nora")


def test_a_refused_account_says_why_and_keeps_what_was_typed(page: Page) -> None:
    page.goto("/people")
    page.get_by_role("button", name="Add a person").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("no spaces please")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("no spaces please")
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("no spaces please")


def test_a_key_is_shown_once_and_revoked(page: Page) -> None:
    page.goto("/me")
    page.get_by_role("button", name="New key").click()
    page.get_by_label("What is it for?").fill("script")
    page.get_by_role("button", name="Make it").click()
    key = page.get_by_label("Key", exact=True).input_value()
    assert key.startswith("pn_")
    page.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_role("button", name="Revoke script").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name=re.compile("script"))).to_contain_text("revoked")


def test_a_webhook_is_added_paused_and_deleted(page: Page) -> None:
    page.goto("/webhooks")
    page.get_by_role("button", name="Add a webhook").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Address").fill("http://127.0.0.1:9/hook")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("not a public address")
    dialog.get_by_label("Address").fill("https://example.com/hook")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Signing secret")).not_to_have_value("")
    page.get_by_role("button", name="I have kept it").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Go on")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No webhook yet")).to_be_visible()
    page.goto("/activity?what=keys")
    expect(page.locator(".event").first).to_contain_text("deleted a webhook")
