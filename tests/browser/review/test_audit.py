"""The audit page: answered by keyboard, and nothing sent to it tells the labeler's answer."""

from collections.abc import Callable
from urllib.parse import quote

from playwright.sync_api import expect

from productnet.annotation.decisions import Role, Verdict
from tests.browser.review.team import ALSO_TO_AUDIT, TO_AUDIT, Team, Visitor

Enter = Callable[..., Visitor]


def open_audit(visitor: Visitor, leaf: str = TO_AUDIT) -> None:
    visitor.page.goto(f"/audit?leaf={quote(leaf)}")
    expect(visitor.page.locator(".card-answers button").first).to_be_enabled()


def said_to(visitor: Visitor) -> list[tuple[str, object]]:
    """Path and body of everything that the API sent to a page."""
    return [
        (answer.url.split("/api/v1")[1], answer.json())
        for answer in visitor.answers
        if "/api/v1/" in answer.url
        and "json" in (answer.headers.get("content-type") or "")
        and answer.status < 400
    ]


def keys_in(body: object) -> set[str]:
    """Every name in a JSON body that has a value."""
    if isinstance(body, dict):
        found = {key for key, value in body.items() if value is not None and value != {}}
        return found.union(*(keys_in(value) for value in body.values()))
    if isinstance(body, list):
        return set().union(*(keys_in(value) for value in body))
    return set()


def test_the_queue_leads_into_a_leaf_and_its_lease_is_given_back(team: Team, enter: Enter) -> None:
    otto = enter("otto")
    otto.page.goto("/audit")
    expect(otto.page.get_by_role("heading", level=1)).to_have_text("Audit")
    otto.page.get_by_role("link", name="Pendant Lamps").click()
    expect(otto.page.locator(".card-answers button").first).to_be_enabled()
    vera = enter("vera")
    vera.page.goto(f"/audit?leaf={quote(TO_AUDIT)}")
    expect(vera.page.locator(".empty-title")).to_have_text("otto is at work on this leaf")
    otto.page.goto("/audit")
    expect(otto.page.get_by_role("heading", level=1)).to_have_text("Audit")
    vera.page.get_by_role("button", name="Try again").click()
    expect(vera.page.locator(".card-answers button").first).to_be_enabled()


def test_a_leaf_is_audited_to_its_end_by_keyboard(team: Team, enter: Enter) -> None:
    otto = enter("otto")
    page = otto.page
    open_audit(otto, ALSO_TO_AUDIT)
    # A note, an undo and a look at the product in full on the way.
    otto.press("e")
    page.keyboard.type("nicely made, yes or no")
    page.keyboard.press("Control+Enter")
    otto.press("u", "z", "u", "Space")
    expect(page.locator("dialog.detail")).to_be_visible()
    otto.press("Escape")
    pages = 0
    while page.locator(".empty-title").count() == 0 and pages < 10:
        for product in [
            card.get_attribute("data-product") for card in page.locator("li.card").all()
        ]:
            if page.locator("li.card-current").get_attribute("data-product") != product:
                continue
            otto.press("y" if team.truth.get(str(product)) == ALSO_TO_AUDIT else "n")
        otto.press("Enter")
        page.wait_for_selector("li.card-open, .empty-title")
        pages += 1
    expect(page.locator(".empty-title")).to_have_text("You are through with this leaf")
    expect(page.locator(".empty-action")).to_contain_text("Next: Pendant Lamps")
    otto.expect_saved()
    audits = [one for one in team.served.decisions(ALSO_TO_AUDIT) if one.annotator == "otto"]
    given = [one for one in audits if one.role is Role.AUDIT]
    undone = {one.undoes for one in audits if one.role is Role.UNDO}
    standing = [one for one in given if one.id not in undone]
    labels = {
        one.product: one.verdict
        for one in team.served.decisions(ALSO_TO_AUDIT)
        if one.role is Role.LABEL
    }
    positives = {product for product, verdict in labels.items() if verdict is Verdict.POSITIVE}
    assert positives <= {one.product for one in standing}
    assert len({one.product for one in standing}) == len(standing)
    assert all(one.seconds is not None and one.source is None for one in standing)
    assert [one.note for one in given if one.note] == ["nicely made, yes or no"]


def test_nothing_that_the_page_is_sent_tells_the_labelers_answer(team: Team, enter: Enter) -> None:
    otto = enter("otto")
    open_audit(otto)
    otto.press("y", "n", "u", "y", "n")
    otto.expect_saved()
    sent = said_to(otto)
    otto.answers.clear()
    otto.page.reload()
    expect(otto.page.locator(".card-answers button").first).to_be_enabled()
    otto.press("n", "z")
    otto.expect_saved()
    sent += said_to(otto)
    asked = {path.split("?")[0] for path, _ in sent}
    assert asked == {"/session", "/leaf", "/audit", "/leases", "/leaf/products", "/decisions"}
    telling = {"labelled_positive", "gold", "to_audit", "disputed", "hard_negatives", "source"}
    telling |= {"score", "annotator", "reason", "model_version"}
    for path, body in sent:
        if path == "/session":  # it names the sources there are, and the targets of every leaf
            continue
        assert isinstance(body, dict)
        if path.startswith("/leaf?"):
            assert body["progress"] is None
            body = {**body, "siblings": []}
        assert not telling & keys_in(body), path
    audited = {one.product for one in team.served.decisions(TO_AUDIT) if one.annotator == "otto"}
    shown = {
        item["product"]
        for path, body in sent
        if path.startswith("/leaf/products")
        for item in body["items"]  # type: ignore[index]
    }
    assert shown
    assert not shown & audited


def test_the_numbers_move_alike_whatever_the_labeler_had_said(team: Team, enter: Enter) -> None:
    """One answer more is one product less, and the rest of the sheet stays as it was."""
    otto = enter("otto")
    labels = {
        one.product: one.verdict
        for one in team.served.decisions(TO_AUDIT)
        if one.role is Role.LABEL
    }

    def sheet() -> tuple[list[str], int]:
        body = otto.context.request.get(
            "/api/v1/audit", params={"leaf": TO_AUDIT, "count": 100}
        ).json()
        return [item["product"] for item in body["items"]], body["left"]

    products, left = sheet()
    assert len(products) == left
    assert sheet() == (products, left)
    open_audit(otto)
    said: set[Verdict | None] = set()
    for step in range(8):
        product = str(otto.page.locator("li.card-current").get_attribute("data-product"))
        said.add(labels[product])
        otto.press("y" if step % 2 else "n")
        otto.expect_saved()
        products.remove(product)
        assert sheet() == (products, left - step - 1)
        expect(otto.page.locator(".audit-progress")).to_contain_text(f"{step + 1} of {left}")
    assert said == {Verdict.POSITIVE, Verdict.NEGATIVE}


def test_answers_given_offline_are_kept_and_the_end_of_the_page_says_so(
    team: Team, enter: Enter
) -> None:
    otto = enter("otto")
    open_audit(otto)
    before = len(team.served.decisions(TO_AUDIT))
    otto.context.set_offline(True)
    otto.press("y", "n", "y")
    expect(otto.page.locator(".notice-wait")).to_contain_text("3 answers wait")
    otto.page.keyboard.press("Shift+N")
    total = otto.page.locator("li.card").count()
    expect(otto.page.locator(".page-end-words")).to_contain_text(f"All {total} answered")
    otto.context.set_offline(False)
    otto.expect_saved()
    assert len(team.served.decisions(TO_AUDIT)) == before + total
