"""Candidates, answers, audit: a leaf's day over HTTP."""

import sqlite3
from uuid import uuid4

import pytest
from sqlalchemy import event

from productnet.annotation.decisions import Verdict
from productnet.portal.portal import Portal
from tests.integration.portal.conftest import Visit

API = "/api/v1"


def answer(product: str, leaf: str, verdict: str | None = "positive", **more: object) -> dict:
    return {
        "id": str(uuid4()),
        "product": product,
        "leaf": leaf,
        "role": "label",
        "verdict": verdict,
        "seconds": 1.5,
        **more,
    }


def test_a_page_of_candidates_says_why_each_is_there(visit: Visit, leaf: str) -> None:
    page = visit("lena").post(f"{API}/candidates", json={"leaf": leaf, "count": 10}).json()
    assert len(page["candidates"]) == 10
    assert all(one["reason"] and one["title"] for one in page["candidates"])


def test_what_is_on_screen_is_not_proposed_again(visit: Visit, leaf: str) -> None:
    browser = visit("lena")
    asked = {"leaf": leaf, "count": 10}
    first = [
        one["product"] for one in browser.post(f"{API}/candidates", json=asked).json()["candidates"]
    ]
    second = browser.post(f"{API}/candidates", json=asked | {"exclude": first}).json()
    assert not set(first) & {one["product"] for one in second["candidates"]}


def test_an_answer_sent_twice_is_recorded_once(portal: Portal, visit: Visit, leaf: str) -> None:
    browser = visit("lena")
    product = portal.resources.ids[0].as_py()
    sent = {"decisions": [answer(product, leaf, source="random", score=0.5)]}
    first = browser.post(f"{API}/decisions", json=sent).json()
    again = browser.post(f"{API}/decisions", json=sent).json()
    assert first["results"][0]["status"] == "recorded"
    assert first["progress"][leaf]["labelled_positive"] == 1
    assert again["results"][0]["status"] == "known"
    [(_, kept)] = portal.log.since()
    assert (kept.annotator, kept.verdict, kept.seconds) == ("lena", Verdict.POSITIVE, 1.5)


def test_one_refused_answer_keeps_no_other_from_being_recorded(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    good = answer(portal.resources.ids[0].as_py(), leaf)
    sent = {
        "decisions": [answer("nowhere", leaf), good, good | {"id": str(uuid4()), "role": "audit"}]
    }
    results = visit("lena").post(f"{API}/decisions", json=sent).json()["results"]
    assert [one["status"] for one in results] == ["refused", "recorded", "refused"]
    assert 'no product "nowhere"' in results[0]["detail"]
    assert "lena is no auditor" in results[2]["detail"]


def test_undo_takes_back_ones_own_answer(portal: Portal, visit: Visit, leaf: str) -> None:
    browser = visit("lena")
    product = portal.resources.ids[0].as_py()
    given = answer(product, leaf)
    undo = answer(product, leaf, None, role="undo", undoes=given["id"])
    page = browser.post(f"{API}/decisions", json={"decisions": [given, undo]}).json()
    assert page["progress"][leaf]["labelled_positive"] == 0


def test_an_auditor_learns_nothing_of_the_answer(portal: Portal, visit: Visit, leaf: str) -> None:
    labeler, auditor = visit("lena"), visit("otto")
    products = portal.resources.ids[:6].to_pylist()
    verdicts = ["positive", "negative"] * 3
    labels = [
        answer(product, leaf, verdict, source="keyword", score=0.9, note="surely")
        for product, verdict in zip(products, verdicts, strict=True)
    ]
    labeler.post(f"{API}/decisions", json={"decisions": labels})
    page = auditor.get(f"{API}/audit", params={"leaf": leaf}).json()["items"]
    assert {one["product"] for one in page} <= set(products)
    assert {key for one in page for key in one} == {"product", "title", "brand", "thumbnail"}
    for kind in ("positives", "negatives", "unsure", "hard_negatives"):
        told = auditor.get(f"{API}/leaf/products", params={"id": leaf, "kind": kind})
        assert told.json()["items"] == [], kind
    auditor.post(f"{API}/leases", json={"leaf": leaf, "task": "audit"})
    assert leaf not in auditor.get(f"{API}/progress").json()["leaves"]
    assert leaf in labeler.get(f"{API}/progress").json()["leaves"]
    own = labeler.get(f"{API}/leaf/products", params={"id": leaf}).json()["items"]
    assert len(own) == 3
    assert all(one["mine"] for one in own)


def test_two_people_never_hold_one_leaf(visit: Visit, portal: Portal, leaf: str) -> None:
    portal.doors.people.change("otto", roles=["labeler", "auditor"])
    first, second = visit("lena"), visit("otto")
    wanted = {"leaf": leaf, "task": "label"}
    assert first.post(f"{API}/leases", json=wanted).json()["holder"] == "lena"
    refused = second.post(f"{API}/leases", json=wanted)
    assert refused.status_code == 409
    assert "lena is at work" in refused.json()["detail"]
    assert first.post(f"{API}/leases/release", json=wanted).status_code == 204
    assert second.post(f"{API}/leases", json=wanted).json()["holder"] == "otto"


def test_the_tree_is_told_as_columns_parents_first(visit: Visit, portal: Portal) -> None:
    tree = visit("lena").get(f"{API}/tree").json()
    assert len(tree["id"]) == len(portal.taxonomy)
    assert sum(tree["leaf"]) == len(portal.taxonomy.leaves)
    assert all(parent < place for place, parent in enumerate(tree["parent"]))


def test_the_tree_is_sent_once_to_who_keeps_it(visit: Visit) -> None:
    browser = visit("lena")
    first = browser.get(f"{API}/tree")
    again = browser.get(f"{API}/tree", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_pictures_are_encoded_anew_and_kept_for_ever(visit: Visit, portal: Portal) -> None:
    browser = visit("lena")
    ids = portal.resources.ids.to_pylist()
    cards = browser.post(f"{API}/products", json={"ids": ids}).json()["items"]
    pictured = next(card for card in cards if card["thumbnail"])
    small = browser.get(pictured["thumbnail"])
    assert small.headers["content-type"] == "image/jpeg"
    assert "immutable" in small.headers["cache-control"]
    whole = browser.get(f"{API}/product", params={"id": pictured["product"]}).json()
    image = whole["images"][0]
    assert browser.get(image["url"]).status_code == 200
    assert image["width"] > 0
    assert whole["fields"]["title"] == pictured["title"]


@pytest.mark.parametrize(
    ("path", "parameters", "status", "text"),
    [
        ("/leaf", {"id": "nowhere"}, 404, "nowhere"),
        ("/product", {"id": "nothing"}, 404, 'no product "nothing"'),
        ("/audit", {"leaf": "x", "count": 0}, 422, "count"),
        ("/nothing/here", {}, 404, "nothing at /api/v1/nothing/here"),
    ],
)
def test_a_mistake_is_answered_with_a_problem(
    visit: Visit, path: str, parameters: dict, status: int, text: str
) -> None:
    told = visit("root").get(f"{API}{path}", params=parameters)
    assert told.status_code == status
    assert told.headers["content-type"] == "application/problem+json"
    assert text in told.json()["detail"]


@pytest.mark.parametrize(
    "at", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "2020-01-01T00:00:00"]
)
def test_a_time_that_is_none_in_utc_is_refused(
    portal: Portal, visit: Visit, leaf: str, at: str
) -> None:
    given = answer(portal.resources.ids[0].as_py(), leaf, at=at)
    told = visit("lena").post(f"{API}/decisions", json={"decisions": [given]})
    assert told.status_code == 422
    assert "decisions.0.at" in told.json()["detail"]


def test_a_clock_that_goes_ahead_does_not_take_the_dashboard_along(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    given = answer(portal.resources.ids[0].as_py(), leaf, at="9000-01-01T00:00:00Z")
    told = visit("lena").post(f"{API}/decisions", json={"decisions": [given]}).json()
    assert told["results"][0]["status"] == "recorded"
    today = visit("ada").get(f"{API}/dashboard").json()["days"][-1]
    assert today["day"].startswith("20")
    assert today["decisions"] == 1


def test_two_answers_of_one_id_each_get_their_own_receipt(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    first, second = portal.resources.ids[:2].to_pylist()
    given = answer(first, leaf)
    sent = {"decisions": [given, given | {"product": second}, given]}
    told = visit("lena").post(f"{API}/decisions", json=sent).json()
    assert [one["status"] for one in told["results"]] == ["recorded", "refused", "known"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/candidates", b'{"leaf": "\\ud800"}'),
        ("/candidates", b'{"leaf": "LEAF", "query": "\\ud800x"}'),
        ("/candidates", b'{"leaf": "LEAF", "exclude": ["\\ud800"]}'),
        ("/candidates", b'{"leaf": "LEAF", "\\ud800": 1}'),
        ("/candidates", b'{"leaf": "LEAF", "ids": "\\ud800"}'),
        ("/candidates", b'{"leaf": "LEAF", "text": "\\ud800"}'),
        ("/candidates", b'{"leaf": "LEAF", "source": "\\ud800"}'),
        ("/products", b'{"ids": ["\\ud800"]}'),
        ("/leases", b'{"leaf": "\\ud800", "task": "label"}'),
        ("/leases/release", b'{"leaf": "\\ud800", "task": "label"}'),
        ("/session", b'{"name": "\\ud800", "password": "\\ud800"}'),
        ("/map/ids", b'{"version": "\\ud800", "rows": []}'),
        ("/keys", b'{"label": "\\ud800", "scopes": ["\\ud800"]}'),
        ("/keys", b'{"label": "x", "scopes": ["read"], "expires_at": "9999-12-31T23:59:59-12:00"}'),
        ("/candidates", b'{"leaf": "LEAF", "image_base64": "\xc3\xa9"}'),
    ],
)
def test_what_is_no_text_or_no_time_is_no_fault_of_the_server(
    visit: Visit, leaf: str, path: str, body: bytes
) -> None:
    told = visit("lena").post(
        f"{API}{path}",
        content=body.replace(b"LEAF", leaf.encode()),
        headers={"Content-Type": "application/json"},
    )
    assert told.status_code < 500, told.text
    told.json()


def test_the_servers_own_fault_has_the_headers_of_all_answers(
    portal: Portal, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("secret")

    browser = visit("lena")
    monkeypatch.setattr(portal.log, "state", broken)
    told = browser.get(f"{API}/progress")
    assert told.status_code == 500
    assert "secret" not in told.text
    assert "script" not in told.headers["Content-Security-Policy"]
    assert told.headers["X-Content-Type-Options"] == "nosniff"


def test_a_database_that_takes_nothing_refuses_no_answer(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    lena, engine = visit("lena"), portal.database.engine
    sent = {"decisions": [answer(portal.resources.ids[0].as_py(), leaf)]}

    def read_only(connection: sqlite3.Connection, record: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(engine, "connect", read_only)
    engine.dispose()
    told = lena.post(f"{API}/decisions", json=sent)
    # 409 would be a refusal, which a browser does not send again by itself.
    assert told.status_code == 503
    assert "Send it again" in told.json()["detail"]
    event.remove(engine, "connect", read_only)
    engine.dispose()
    again = lena.post(f"{API}/decisions", json=sent).json()
    assert again["results"][0]["status"] == "recorded"
