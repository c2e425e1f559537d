"""The leaf page beside its keys: sources, the page ahead, whose leaf it is, and when it is done."""

import base64
import json
from typing import Any

from playwright.sync_api import Page, Request, Route, expect

from productnet.annotation.decisions import Role
from tests.browser.leaf_page import LeafPage
from tests.browser.serving import Door, Served, command, let_in


class Wishes:
    """What the page asks the server for, as it asks."""

    def __init__(self, page: Page) -> None:
        self.asked: list[dict[str, Any]] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.url.endswith("/api/v1/candidates"):
            self.asked.append(json.loads(request.post_data or "{}"))

    def wait_for(self, page: Page, **wanted: object) -> dict[str, Any]:
        """The first wish that has these members."""
        for _ in range(200):
            for wish in self.asked:
                if wanted.items() <= wish.items():
                    return wish
            page.wait_for_timeout(100)
        raise AssertionError(f"{wanted} was not asked for, but {self.asked}")


def test_each_source_is_asked_for_what_the_person_says(page: Page, leaf: str) -> None:
    wishes = Wishes(page)
    on = LeafPage(page, leaf)
    on.press("2")
    wishes.wait_for(page, source="active", ask="positives")
    page.get_by_role("tab", name="Ambiguous").click()
    page.get_by_label("Local model", exact=True).select_option("naive-bayes")
    wishes.wait_for(page, source="active", ask="ambiguous", model="naive-bayes")
    on.press("4", "/")
    page.keyboard.type("blue steel")
    page.get_by_label("Brand").check()
    wishes.wait_for(page, source="keyword", query="blue steel", fields=["brand"])
    page.get_by_label("Candidates on a page").select_option("10")
    wishes.wait_for(page, source="keyword", count=10)
    expect(on.cards).to_have_count(10)


def test_ad_hoc_takes_ids_words_and_images(page: Page, leaf: str) -> None:
    wishes = Wishes(page)
    on = LeafPage(page, leaf)
    one, other = on.products()[:2]
    on.press("5")
    expect(page.locator(".empty-title")).to_have_text("What are you looking for?")
    on.press("/")
    page.keyboard.type(f"{one}, {other} P0")
    page.get_by_role("button", name="Show these products").click()
    wishes.wait_for(page, source="adhoc", ids=f"{one}, {other} P0")
    expect(on.cards.first).to_have_attribute("data-product", one)
    assert on.products()[:2] == [one, other]
    expect(page.locator("#candidates .notice")).to_contain_text("1 id is not in the pool: P0")
    page.locator("[data-search]").fill("a large blue mug")
    page.get_by_role("button", name="Find what reads like it").click()
    wishes.wait_for(page, source="adhoc", text="a large blue mug")
    picture = page.request.get(str(page.locator("li.card img").first.get_attribute("src"))).body()
    page.locator("input[type=file]").set_input_files(
        {"name": "mug.webp", "mimeType": "image/webp", "buffer": picture}
    )
    expect(page.locator(".adhoc-picture img")).to_be_visible()
    page.get_by_role("button", name="Find what looks like it").click()
    wishes.wait_for(page, source="adhoc", image_base64=base64.b64encode(picture).decode())
    on.wait()


def test_the_next_page_is_there_before_it_is_asked_for_and_repeats_nothing(
    page: Page, leaf: str
) -> None:
    wishes = Wishes(page)
    on = LeafPage(page, leaf)
    first = on.products()
    ahead = wishes.wait_for(page, exclude=first)
    assert ahead["count"] == 20
    page.wait_for_load_state("networkidle")
    page.route("**/api/v1/candidates", lambda route: route.abort())
    on.press("y", "Enter")
    expect(page.locator(f'[data-product="{first[1]}"]')).to_have_count(0)
    on.wait()
    assert not set(on.products()) & set(first)
    page.unroute("**/api/v1/candidates")


def test_what_was_passed_over_comes_again_when_nothing_else_is_left(page: Page, leaf: str) -> None:
    def nothing_more(route: Route) -> None:
        asked = json.loads(route.request.post_data or "{}")
        response = route.fetch()
        body = response.json()
        if len(asked["exclude"]) > 1:
            body["candidates"] = []
        route.fulfill(response=response, body=json.dumps(body))

    page.route("**/api/v1/candidates", nothing_more)
    on = LeafPage(page, leaf)
    first = on.products()
    on.press("y", "Enter")
    expect(page.locator(".empty-title")).to_have_text("Only what you passed over is left")
    page.get_by_role("button", name=f"Show the {len(first) - 1} passed over").click()
    on.wait()
    assert first[0] not in on.products()


def test_a_leaf_in_other_hands_can_only_be_looked_at(page: Page, leaf: str) -> None:
    page.route(
        "**/api/v1/leases",
        lambda route: route.fulfill(
            status=409,
            content_type="application/problem+json",
            json={
                "title": "Conflict",
                "status": 409,
                "detail": f"{leaf} is held by bea.",
                "holder": "bea",
                "expires_at": "2030-01-01T14:20:00Z",
            },
        ),
    )
    page.goto(f"/leaf?id={leaf}")
    expect(page.locator(".leaf-held")).to_contain_text("bea is labelling this leaf until")
    expect(page.locator(".card-answers button").first).to_be_disabled()
    page.keyboard.press("y")
    page.keyboard.press("Shift+Y")
    expect(page.locator("li.card-positive")).to_have_count(0)
    page.keyboard.press("Space")
    expect(page.locator("dialog.detail")).to_be_visible()
    expect(page.locator("dialog.detail .detail-answer")).to_have_count(0)
    page.keyboard.press("Escape")
    page.unroute("**/api/v1/leases")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".leaf-title .tag")).to_have_text("In your hands")
    expect(page.locator(".card-answers button").first).to_be_enabled()


def test_when_the_leaf_has_what_it_needs_the_next_one_is_offered(page: Page, leaf: str) -> None:
    def done(route: Route) -> None:
        response = route.fetch()
        body = response.json()
        for progress in body["progress"].values():
            progress |= {"gold": 500, "labelled_positive": 500, "hard_negatives": 500}
        route.fulfill(response=response, body=json.dumps(body))

    page.route("**/api/v1/decisions", done)
    on = LeafPage(page, leaf)
    before = on.cards.nth(1).bounding_box()
    on.press("y")
    panel = page.locator(".done")
    expect(panel).to_contain_text("has what it needs")
    assert on.cards.nth(1).bounding_box() == before
    panel.get_by_role("link", name="Next:").click()
    expect(page.locator("h1")).not_to_have_text("")
    on.wait()
    assert leaf not in page.url


def test_answers_given_offline_are_sent_after_signing_out_and_in_again(
    own_served: Served, door: Door, leaf: str
) -> None:
    people = ["people", "add", "ann", "--role", "labeler", "--password-stdin"]
    command(*people, "--project", str(own_served.folder), input="a password of ann\n")
    own_served.start()
    context = door.browser.new_context(base_url=own_served.url, reduced_motion="reduce")
    page = context.new_page()
    let_in(page, "ann", "a password of ann")
    on = LeafPage(page, leaf)
    products = on.products()
    context.set_offline(True)
    on.press("y", "n")
    expect(page.locator(".bar .chip")).to_have_text("2 waiting")
    # The session is gone when the network is back, as after a night.
    context.clear_cookies()
    context.set_offline(False)
    expect(page.locator("h1")).to_have_text("Sign in")
    expect(page.locator(".sign-in")).to_contain_text("2 answers of ann")
    assert own_served.decisions(leaf) == []
    let_in(page, "ann", "a password of ann")
    expect(page.locator(".bar .chip")).to_have_text("All saved")
    found = own_served.wait_for(leaf, 2)
    assert [(one.product, one.annotator, one.role) for one in found] == [
        (products[0], "ann", Role.LABEL),
        (products[1], "ann", Role.LABEL),
    ]
    context.close()
