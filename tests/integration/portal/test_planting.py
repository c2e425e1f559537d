"""Check items look like any candidate, and their answers change nothing."""

import pytest

from productnet.portal.portal import Portal
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
