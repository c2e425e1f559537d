"""Check items look like any candidate, and their answers change nothing."""

import time

import pytest

from productnet.portal.portal import Portal
from productnet.portal.routes import work
from productnet.portal.updates import Update
from productnet.settings import Project, settings_to_toml
from tests.integration.portal.conftest import Visit
from tests.integration.portal.test_work import API, answer


@pytest.fixture
def project(project: Project) -> Project:
    """The shop, where every second candidate is a check item."""
    watched = project.settings.workflow.model_copy(update={"check_share": 0.5})
    settings = project.settings.model_copy(update={"workflow": watched})
    (project.root / Project.SETTINGS_FILE).write_text(settings_to_toml(settings))
    return Project.open(project.root)


def test_check_items_come_among_candidates_and_leave_gold_alone(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    portal.doors.people.add("lea", roles=["labeler"], password="correct horse battery")
    products = portal.resources.ids[:10].to_pylist()
    for name, role in (("lena", "label"), ("otto", "audit")):
        given = [answer(product, leaf, role=role) for product in products]
        told = visit(name).post(f"{API}/decisions", json={"decisions": given}).json()
        assert {one["status"] for one in told["results"]} == {"recorded"}
    gold = set(portal.log.state().gold(leaf))

    other = visit("lea")
    before = other.get(f"{API}/leaf/products", params={"id": leaf}).json()["items"]
    assert {card["product"] for card in before} == gold
    page = other.post(f"{API}/candidates", json={"leaf": leaf}).json()["candidates"]
    planted = [card for card in page if card["product"] in gold]
    assert planted
    assert {frozenset(card) for card in page} == {frozenset(page[0])}
    given = [answer(card["product"], leaf, "negative") for card in planted]
    told = other.post(f"{API}/decisions", json={"decisions": given}).json()
    assert {one["status"] for one in told["results"]} == {"recorded"}
    assert set(portal.log.state().gold(leaf)) == gold
    [result] = portal.checks.results(portal.log.state())
    assert (result.person, result.accuracy.share) == ("lea", 0.0)

    # What was planted is told as what the person made of it.
    shown = {
        kind: {
            card["product"]
            for card in other.get(f"{API}/leaf/products", params={"id": leaf, "kind": kind}).json()[
                "items"
            ]
        }
        for kind in ("positives", "negatives")
    }
    asked = {card["product"] for card in planted}
    assert asked <= shown["negatives"]
    assert not asked & shown["positives"]

    own = visit("lena").post(f"{API}/candidates", json={"leaf": leaf}).json()["candidates"]
    assert not gold & {card["product"] for card in own}


@pytest.fixture
def planted(portal: Portal, visit: Visit, leaf: str) -> list[str]:
    """Check items on the first page of lea."""
    portal.doors.people.add("lea", roles=["labeler"], password="correct horse battery")
    products = portal.resources.ids[:10].to_pylist()
    for name, role in (("lena", "label"), ("otto", "audit")):
        given = [answer(product, leaf, role=role) for product in products]
        visit(name).post(f"{API}/decisions", json={"decisions": given})
    page = visit("lea").post(f"{API}/candidates", json={"leaf": leaf}).json()["candidates"]
    found = [card["product"] for card in page if card["product"] in products]
    # Near-duplicates of what is decided are proposed last, check items or not.
    alone = [one for one in found if portal.resources.near_duplicates.groups_of([one])[0] < 0]
    assert alone
    return alone


def test_who_looks_for_a_check_item_finds_it_as_any_candidate(
    visit: Visit, leaf: str, planted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "with_checks", lambda page, *_, **__: page)
    lea, asked = visit("lea"), {"leaf": leaf, "ids": planted[0], "count": 1}
    [found] = lea.post(f"{API}/candidates", json=asked).json()["candidates"]
    assert found["product"] == planted[0]
    words = {"leaf": leaf, "query": found["title"], "count": 50}
    page = lea.post(f"{API}/candidates", json=words).json()["candidates"]
    assert planted[0] in {card["product"] for card in page}
    lea.post(f"{API}/decisions", json={"decisions": [answer(planted[0], leaf)]})
    [other] = lea.post(f"{API}/candidates", json=asked).json()["candidates"]
    assert other["product"] != planted[0]


def test_the_map_shows_a_check_item_as_the_person_answered_it(
    portal: Portal, visit: Visit, leaf: str, planted: list[str]
) -> None:
    lea = visit("lea")
    row = portal.resources.ids.to_pylist().index(planted[0])

    def colour(by: str) -> int:
        return int(lea.get(f"{API}/map/colours", params={"by": by}).content[row])

    assert (colour("leaf"), colour("verdict"), colour("disagreement")) == (0, 0, 0)
    lea.post(f"{API}/decisions", json={"decisions": [answer(planted[0], leaf, "negative")]})
    assert (colour("leaf"), colour("verdict"), colour("disagreement")) == (0, 1, 0)


def test_counts_move_with_answers_to_check_items(
    visit: Visit, leaf: str, planted: list[str]
) -> None:
    lea, lena = visit("lea"), visit("lena")
    before = lea.get(f"{API}/progress").json()["leaves"][leaf]
    sent = answer(planted[0], leaf)
    told = lea.post(f"{API}/decisions", json={"decisions": [sent]}).json()
    moved = told["progress"][leaf]
    assert moved["labelled_positive"] == before["labelled_positive"] + 1
    assert moved["decisions"] == before["decisions"] + 1
    assert lea.get(f"{API}/leaf", params={"id": leaf}).json()["progress"] == moved
    undo = answer(planted[0], leaf, None, role="undo", undoes=sent["id"], seconds=None)
    back = lea.post(f"{API}/decisions", json={"decisions": [undo]}).json()["progress"][leaf]
    assert back["labelled_positive"] == before["labelled_positive"]
    assert lena.get(f"{API}/progress").json()["leaves"][leaf] == before


def test_who_listens_hears_of_answers_to_check_items_as_of_others(
    portal: Portal,
    visit: Visit,
    leaf: str,
    planted: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "with_checks", lambda page, *_, **__: page)
    lea = visit("lea")
    told: list[Update] = []

    def hear(product: str) -> dict[str, object]:
        told.clear()
        sent = lea.post(f"{API}/decisions", json={"decisions": [answer(product, leaf)]})
        assert "seq" not in sent.json()
        end = time.monotonic() + 20
        while not (heard := [one.data for one in told if one.kind == "progress"]):
            assert time.monotonic() < end
            time.sleep(0.05)
        return heard[0]

    monkeypatch.setattr(portal.updates, "tell", told.append)
    [ordinary] = lea.post(
        f"{API}/candidates", json={"leaf": leaf, "source": "random", "count": 1, "exclude": planted}
    ).json()["candidates"]
    of_other = hear(ordinary["product"])
    assert hear(planted[0]) == of_other == {"leaves": [leaf]}
    for page in (lea.get(f"{API}/progress"), lea.post(f"{API}/candidates", json={"leaf": leaf})):
        assert "seq" not in page.json()
