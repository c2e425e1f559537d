"""Audits that tell nothing, disputes, recommendations and suspects over HTTP."""

import json
import time

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from productnet.annotation.decisions import Verdict
from productnet.embeddings.active import Active, activate, read_active
from productnet.evaluation.reference import read_reference
from productnet.master.predictions import PREDICTION_SCHEMA
from productnet.portal.portal import Portal
from productnet.retrieval.recommendations import write_recommendations
from tests.integration.portal.conftest import PASSWORD, Visit
from tests.integration.portal.test_work import answer

API = "/api/v1"


@pytest.fixture
def products(portal: Portal) -> list[str]:
    """Products of the pool."""
    return [str(one) for one in portal.resources.ids.to_pylist()]


def give(browser: TestClient, *answers: dict) -> dict:
    """Send answers, all of which are taken."""
    told: dict = browser.post(f"{API}/decisions", json={"decisions": list(answers)}).json()
    assert {one["status"] for one in told["results"]} == {"recorded"}, told["results"]
    return told


def label(browser: TestClient, leaf: str, products: list[str], verdict: str = "positive") -> None:
    sent = [answer(one, leaf, verdict, source="nearest", score=0.7) for one in products]
    give(browser, *sent)


def audit(browser: TestClient, leaf: str, products: list[str], verdict: str = "positive") -> dict:
    return give(browser, *(answer(one, leaf, verdict, role="audit") for one in products))


@pytest.fixture
def other_leaf(portal: Portal) -> str:
    """Another leaf than ``leaf``."""
    return portal.taxonomy.find("Tumblers").id


# The audit


def test_an_auditor_is_told_no_count_that_moves_with_the_labels(
    visit: Visit, leaf: str, products: list[str]
) -> None:
    lena, otto = visit("lena"), visit("otto")
    label(lena, leaf, products[:6])
    label(lena, leaf, products[6:12], "negative")
    otto.post(f"{API}/leases", json={"leaf": leaf, "task": "audit"})
    assert otto.get(f"{API}/leaf", params={"id": leaf}).json()["progress"] is None
    assert lena.get(f"{API}/leaf", params={"id": leaf}).json()["progress"]["to_audit"] == 6
    offer = otto.get(f"{API}/queue", params={"task": "audit"}).json()["items"][0]
    first = otto.get(f"{API}/audit", params={"leaf": leaf, "count": 100}).json()
    assert offer["progress"] is None
    assert offer["waiting"] == first["left"] == len(first["items"])
    assert first["left"] > 2
    agreed = audit(otto, leaf, products[:1])
    differed = audit(otto, leaf, products[1:2], "negative")
    assert agreed["progress"] == differed["progress"] == {}
    assert agreed.keys() == differed.keys()
    after = otto.get(f"{API}/audit", params={"leaf": leaf, "count": 100}).json()
    assert (after["left"], after["answered"]) == (first["left"] - 2, 2)


def test_what_became_of_ones_own_audit_is_told_once_it_is_settled(
    visit: Visit, leaf: str, products: list[str]
) -> None:
    lena, otto, ada = visit("lena"), visit("otto"), visit("ada")
    label(lena, leaf, products[:3])
    audit(otto, leaf, products[:1])
    audit(otto, leaf, products[1:2], "negative")
    asked = {"id": leaf, "kind": "positives"}
    assert otto.get(f"{API}/leaf/products", params=asked).json()["items"] == []
    assert len(ada.get(f"{API}/leaf/products", params=asked).json()["items"]) == 1
    give(ada, answer(products[1], leaf, role="adjudicate"))
    [shown] = otto.get(f"{API}/leaf/products", params=asked).json()["items"]
    assert (shown["product"], shown["stage"]) == (products[1], "settled")


def test_pages_of_an_audit_follow_by_cursor(visit: Visit, leaf: str, products: list[str]) -> None:
    lena, otto = visit("lena"), visit("otto")
    label(lena, leaf, products[:10])
    label(lena, leaf, products[10:30], "negative")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = otto.get(f"{API}/audit", params={"leaf": leaf, "count": 4, "cursor": cursor}).json()
        assert len(page["items"]) <= 4
        seen += [one["product"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == page["left"]
    assert set(products[:10]) <= set(seen)


# Disputes


def test_a_dispute_comes_with_all_that_was_said_and_what_is_settled(
    visit: Visit, leaf: str, products: list[str]
) -> None:
    lena, otto, ada = visit("lena"), visit("otto"), visit("ada")
    label(lena, leaf, products[:4])
    give(lena, answer(products[4], leaf, note="a handle"))
    audit(otto, leaf, products[:3])
    give(otto, answer(products[4], leaf, "unsure", role="audit", note="no bottom"))
    page = ada.get(f"{API}/disputes").json()
    [item] = page["items"]
    assert (page["total"], page["next_cursor"]) == (1, None)
    assert (item["product"]["product"], item["kind"], item["leaves"]) == (
        products[4],
        "differ",
        [leaf],
    )
    said = [(one["role"], one["person"], one["verdict"], one["note"]) for one in item["answers"]]
    assert said == [
        ("label", "lena", "positive", "a handle"),
        ("audit", "otto", "unsure", "no bottom"),
    ]
    beside = page["leaves"][leaf]
    assert [one["product"] for one in beside["positives"]] == products[2::-1]
    assert beside["name"] == "Mugs"
    give(ada, answer(products[4], leaf, role="adjudicate"))
    assert ada.get(f"{API}/disputes").json()["items"] == []


def test_disputes_are_paged_without_losing_or_repeating_one_as_they_are_settled(
    visit: Visit, leaf: str, other_leaf: str, products: list[str]
) -> None:
    lena, otto, ada = visit("lena"), visit("otto"), visit("ada")
    for place, category in enumerate((leaf, other_leaf)):
        some = products[10 * place : 10 * place + 5]
        label(lena, category, some)
        audit(otto, category, some, "negative")
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ada.get(f"{API}/disputes", params={"limit": 3, "cursor": cursor}).json()
        for item in page["items"]:
            seen.append(item["product"]["product"])
            give(ada, answer(seen[-1], item["leaf"], "negative", role="adjudicate"))
        cursor = page["next_cursor"]
    assert seen == [*products[:5], *products[10:15]]
    only = ada.get(f"{API}/disputes", params={"leaf": leaf}).json()
    assert only["total"] == 0


def test_who_answered_never_sees_the_dispute_not_even_from_the_other_leaf(
    portal: Portal, visit: Visit, leaf: str, other_leaf: str, products: list[str]
) -> None:
    for name in ("lena", "otto", "guest"):
        portal.doors.people.change(name, roles=["labeler", "auditor", "adjudicator"])
    lena, otto, guest, ada = visit("lena"), visit("otto"), visit("guest"), visit("ada")
    product = products[:1]
    label(lena, leaf, product)
    audit(otto, leaf, product)
    label(guest, other_leaf, product)
    audit(lena, other_leaf, product)
    # guest said nothing of the leaf that holds the product, and otto nothing of the other one.
    for browser in (lena, otto, guest):
        assert browser.get(f"{API}/disputes").json()["total"] == 0
    [item] = ada.get(f"{API}/disputes").json()["items"]
    assert (item["kind"], item["leaves"]) == ("two_leaves", [leaf, other_leaf])
    give(ada, answer(product[0], other_leaf, role="adjudicate"))
    state = portal.log.state()
    assert state.gold_labels() == {product[0]: other_leaf}
    assert ada.get(f"{API}/disputes").json()["total"] == 0


def test_only_adjudicators_may_challenge(
    portal: Portal, visit: Visit, leaf: str, products: list[str]
) -> None:
    lena, otto, ada = visit("lena"), visit("otto"), visit("ada")
    label(lena, leaf, products[:1])
    audit(otto, leaf, products[:1])
    challenge = answer(products[0], leaf, "unsure", role="challenge")
    refused = lena.post(f"{API}/decisions", json={"decisions": [challenge]}).json()
    assert "lena is no adjudicator" in refused["results"][0]["detail"]
    give(ada, challenge | {"score": 0.9, "model_version": "out-of-fold:initial"})
    [item] = ada.get(f"{API}/disputes").json()["items"]
    assert item["kind"] == "challenged"
    assert item["answers"][-1]["probability"] == 0.9
    [opened] = ada.get(f"{API}/suspects").json()["open"]
    assert (opened["by"], opened["probability"], opened["yours"]) == ("ada", 0.9, True)


# Recommendations


@pytest.fixture
def recommended(portal: Portal, leaf: str, other_leaf: str, products: list[str]) -> None:
    """A round that recommends forty products for a leaf, and two for another."""
    rows = [(one, leaf, 1 - place / 40, 1) for place, one in enumerate(products[:40])]
    rows += [(one, other_leaf, 0.2, 2) for one in products[:2]]
    columns = dict(zip(PREDICTION_SCHEMA.names, zip(*rows, strict=True), strict=True))
    folder = portal.project.round_path(3)
    folder.mkdir(parents=True)
    write_recommendations(folder, pa.table(columns, schema=PREDICTION_SCHEMA), gold={})
    active = read_active(portal.project)
    assert active is not None
    activate(portal.project, Active(round=3, embedding_set=active.embedding_set))
    # The portal looks for a new round once a second.
    end = time.monotonic() + 20
    while portal.resources.recommendations is None:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_before_the_first_round_nothing_is_recommended(visit: Visit, leaf: str) -> None:
    lena = visit("lena")
    assert lena.get(f"{API}/recommendations").json() == {
        "round": None,
        "model_version": None,
        "leaves": [],
    }
    page = lena.get(f"{API}/recommendations/products", params={"leaf": leaf}).json()
    assert (page["items"], page["round"], page["left"]) == ([], None, 0)


@pytest.mark.usefixtures("recommended")
def test_leaves_come_surest_first_with_the_spread_of_confidence(
    visit: Visit, leaf: str, other_leaf: str
) -> None:
    found = visit("lena").get(f"{API}/recommendations").json()
    assert (found["round"], found["model_version"]) == (3, "round-0003")
    first, second = found["leaves"]
    assert (first["leaf"], first["count"], first["confident"]) == (leaf, 40, 21)
    assert (sum(first["confidences"]), len(first["confidences"])) == (40, 20)
    assert (second["leaf"], second["count"], second["confident"]) == (other_leaf, 2, 0)
    assert second["confidences"][4] == 2


@pytest.mark.usefixtures("recommended")
def test_a_leafs_recommendations_are_paged_surest_first_and_lose_what_is_decided(
    visit: Visit, portal: Portal, leaf: str, products: list[str]
) -> None:
    lena = visit("lena")
    asked: dict[str, str | float] = {"leaf": leaf, "min": 0.5, "limit": 8}
    page = lena.get(f"{API}/recommendations/products", params=asked).json()
    assert [one["product"] for one in page["items"]] == products[:8]
    assert page["left"] == 21
    told = {"source": "master", "model_version": page["model_version"]}
    give(
        lena,
        *(
            answer(one["product"], leaf, "negative" if place < 2 else "positive", **told)
            | {"score": one["confidence"]}
            for place, one in enumerate(page["items"])
        ),
    )
    asked["cursor"] = page["next_cursor"]
    after = lena.get(f"{API}/recommendations/products", params=asked).json()
    assert [one["product"] for one in after["items"]] == products[8:16]
    assert (after["left"], sum(after["confidences"])) == (13, 32)
    state = portal.log.state()
    assert list(state.hard_negatives(leaf)) == products[:2]
    assert all(state.pair(one, leaf).master_error for one in products[:2])
    [first, _] = lena.get(f"{API}/recommendations").json()["leaves"]
    assert first["verified"] == 8


# Suspects


def test_a_planted_mistake_is_suspected_and_what_waits_for_its_audit_is_not(
    visit: Visit, portal: Portal
) -> None:
    lena, otto, ada = visit("lena"), visit("otto"), visit("ada")
    truth = read_reference(portal.project, portal.taxonomy)
    of: dict[str, list[str]] = {}
    for product, category in truth.items():
        of.setdefault(category, []).append(product)
    first, second = sorted(of, key=lambda category: -len(of[category]))[:2]
    gold = [of[first][:6], [*of[second][:6], of[first][6]]]
    for category, products in zip((first, second), gold, strict=True):
        label(lena, category, products)
        audit(otto, category, products)
    label(lena, second, [of[first][7]])
    end = time.monotonic() + 60
    while (told := ada.get(f"{API}/suspects").json())["behind"] != 0:
        assert time.monotonic() < end, told
        assert not told["failure"]
        time.sleep(0.1)
    worst = told["items"][0]
    assert (worst["product"]["product"], worst["leaf"]) == (of[first][6], second)
    assert (worst["rather"], worst["given"]) == (first, Verdict.POSITIVE)
    assert worst["probability"] > 0.5
    assert [one["person"] for one in worst["answers"]] == ["lena", "otto"]
    assert of[first][7] not in [one["product"]["product"] for one in told["items"]]


def test_no_count_elsewhere_tells_an_auditor_what_was_said(
    portal: Portal, visit: Visit, leaf: str, products: list[str]
) -> None:
    portal.doors.people.add("both", roles=["labeler", "auditor"], password=PASSWORD)
    lena, both = visit("lena"), visit("both")
    label(lena, leaf, products[:4])
    both.post(f"{API}/leases", json={"leaf": leaf, "task": "audit"})
    sibling = portal.taxonomy.siblings(leaf)[0].id

    def told() -> list[object]:
        beside = both.get(f"{API}/leaf", params={"id": sibling}).json()["siblings"]
        rounds = both.get(f"{API}/rounds").json()
        queue = both.get(f"{API}/queue", params={"task": "label", "count": 100}).json()["items"]
        return [
            [one["gold"] for one in beside if one["id"] == leaf],
            (rounds["gold"], rounds["gold_leaves"]),
            [one for one in queue if one["leaf"] == leaf],
            both.get(f"{API}/recommendations").json(),
        ]

    before = told()
    audit(both, leaf, products[:1])
    audit(both, leaf, products[1:2], "negative")
    assert told() == before
    # Nor does one learn it by leaving the audit to look: counts are as they were before it.
    label(lena, leaf, products[4:8], "negative")
    both.post(f"{API}/leases/release", json={"leaf": leaf, "task": "audit"})

    def told_of_all() -> list[object]:
        leaves = [both.get(f"{API}/leaf", params={"id": one}).json() for one in (leaf, sibling)]
        return [
            *told(),
            [one["progress"] for one in leaves],
            both.get(f"{API}/progress").json()["leaves"],
        ]

    def without_own_work(everything: list[object]) -> object:
        """Less how many answers there were and how long they took: those are one's own."""
        return json.loads(
            json.dumps(everything),
            object_hook=lambda one: {
                key: value for key, value in one.items() if key not in ("decisions", "seconds")
            },
        )

    before = told_of_all()
    audit(both, leaf, products[2:3])
    audit(both, leaf, products[3:5], "negative")
    assert without_own_work(told_of_all()) == without_own_work(before)
    gold = lena.get(f"{API}/leaf", params={"id": sibling}).json()["siblings"]
    assert [one["gold"] for one in gold if one["id"] == leaf] == [2]
