"""Flaws, and reviews of near-duplicates, over HTTP: who may see them, and what follows them."""

import time
from uuid import uuid4

import pytest

from productnet.annotation.duplicate_reviews import MOST_REVIEWED
from productnet.embeddings.near_duplicates import FORMAT_VERSION, NearDuplicates
from productnet.inspection.run import inspect_project
from productnet.portal.portal import Portal
from productnet.settings import Project
from tests.integration.portal.conftest import Visit
from tests.integration.portal.test_review import audit, label

API = "/api/v1"


@pytest.fixture
def groups(project: Project, portal: Portal) -> list[list[str]]:
    """Three groups of near-duplicates, the largest last."""
    ids = [str(one) for one in portal.resources.ids.to_pylist()]
    made = [ids[0:2], ids[2:4], ids[4:7]]
    folder = project.near_duplicates_path / "groups"
    NearDuplicates.write(folder, made, stamp={"format_version": FORMAT_VERSION})
    portal.resources.forget_near_duplicates()
    return made


def shown(visit: Visit, **query: str) -> list[list[str]]:
    page = visit("ada").get(f"{API}/duplicates", params=query).json()
    return [[one["product"] for one in group["products"]] for group in page["items"]]


def test_a_review_splits_the_group_for_cards_and_can_be_taken_back(
    visit: Visit, portal: Portal, groups: list[list[str]]
) -> None:
    ada = visit("ada")
    assert shown(visit) == [groups[2], groups[0], groups[1]]
    said = {"id": str(uuid4()), "products": groups[2], "apart": groups[2][1:2]}
    for _ in range(2):  # sent twice, it is recorded once
        assert ada.post(f"{API}/duplicates", json=said).status_code == 201
    rest = [groups[2][0], groups[2][2]]
    found = portal.resources.near_duplicates
    assert found.groups_of(groups[2]).tolist()[1] == -1
    assert found.members(found.groups_of(rest)) == rest
    # What was reviewed does not come again, nor do the parts it fell into.
    assert shown(visit) == [groups[0], groups[1]]
    same = {"id": str(uuid4()), "products": groups[0], "apart": []}
    assert ada.post(f"{API}/duplicates", json=same).status_code == 201
    assert shown(visit) == [groups[1]]
    assert portal.resources.near_duplicates.groups_of(groups[0]).tolist()[0] >= 0
    back = {"id": str(uuid4()), "review": said["id"]}
    assert ada.post(f"{API}/duplicates/undo", json=back).status_code == 201
    assert shown(visit) == [groups[2], groups[1]]
    refused = ada.post(f"{API}/duplicates/undo", json={**back, "id": str(uuid4())})
    assert refused.status_code == 409
    assert "There is no review" in refused.json()["detail"]
    other = visit("root").post(
        f"{API}/duplicates/undo", json={"id": str(uuid4()), "review": same["id"]}
    )
    assert "only they can take it back" in other.json()["detail"]


def test_groups_of_two_leaves_come_first_and_a_named_one_before_them(
    visit: Visit, portal: Portal, groups: list[list[str]], leaf: str
) -> None:
    lena, otto = visit("lena"), visit("otto")
    other = portal.taxonomy.find("Tumblers").id
    for product, of in zip(groups[1], (leaf, other), strict=True):
        label(lena, of, [product])
        audit(otto, of, [product])
    assert shown(visit)[0] == groups[1]
    assert shown(visit, product=groups[0][1])[0] == groups[0]
    page = visit("ada").get(f"{API}/duplicates", params={"limit": 1}).json()
    [group] = page["items"]
    assert (page["total"], group["leaves"], group["count"]) == (3, 2, 2)
    assert [one["gold"] for one in group["products"]] == ["Mugs", "Tumblers"]


def test_mistakes_are_answered(visit: Visit, groups: list[list[str]]) -> None:
    ada = visit("ada")

    def send(**changes: object) -> tuple[int, str]:
        said = {"id": str(uuid4()), "products": groups[0], "apart": [], **changes}
        answer = ada.post(f"{API}/duplicates", json=said)
        return answer.status_code, answer.json()["detail"]

    assert send(products=["nowhere", groups[0][0]])[0] == 404
    assert send(apart=groups[1])[1].startswith(f'Product "{sorted(groups[1])[0]}" is told apart')
    assert send(products=groups[0][:1])[0] == 422
    assert send(products=[f"p{n}" for n in range(MOST_REVIEWED + 1)])[0] == 422


@pytest.mark.parametrize("name", ["lena", "otto", "guest"])
def test_others_see_none_of_it(visit: Visit, name: str) -> None:
    browser = visit(name)
    for path in ("/flaws", "/duplicates"):
        assert browser.get(API + path).status_code == 403
    assert browser.post(f"{API}/flaws").status_code == 403
    assert visit("ada").post(f"{API}/flaws").status_code == 403


def test_flaws_are_told_with_products_and_leaves_and_what_came_since(
    visit: Visit, portal: Portal, project: Project, groups: list[list[str]], leaf: str
) -> None:
    root = visit("root")
    before = root.get(f"{API}/flaws").json()
    assert (before["at"], before["groups"], before["to_review"]) == (None, [], 3)
    lena, otto = visit("lena"), visit("otto")
    other = portal.taxonomy.find("Tumblers").id
    for product, of in zip(groups[1], (leaf, other), strict=True):
        label(lena, of, [product])
        audit(otto, of, [product])
    inspect_project(project)
    label(lena, leaf, groups[2])
    told = root.get(f"{API}/flaws").json()
    assert told["behind"] == 3
    assert not told["pool_changed"]
    by_name = {group["inspection"]: group for group in told["groups"]}
    [copies] = by_name["copies"]["flaws"]
    assert copies["severity"] == "error"
    assert {one["name"] for one in copies["leaves"]} == {"Mugs", "Tumblers"}
    assert {one["product"] for one in copies["products"]} == set(groups[1])
    assert told["severities"]["error"] == 1
    assert by_name["thin"]["total"] == 3
    # Who audits a leaf now is told nothing that was said there.
    root.post(f"{API}/leases", json={"leaf": leaf, "task": "audit"})
    blind = root.get(f"{API}/flaws").json()
    assert "copies" not in {group["inspection"] for group in blind["groups"]}
    gold = [one["gold"] for one in root.get(f"{API}/duplicates").json()["items"][0]["products"]]
    assert gold == [None, "Tumblers"]


def test_an_inspection_is_started_and_shows_up(visit: Visit) -> None:
    root = visit("root")
    job = root.post(f"{API}/flaws").json()
    assert (job["kind"], job["state"]) == ("inspection", "running")
    end = time.monotonic() + 120
    while (found := root.get(f"{API}/jobs", params={"id": job["id"]}).json())["state"] == "running":
        assert time.monotonic() < end, found
        time.sleep(0.2)
    assert found["state"] == "done", found
    told = root.get(f"{API}/flaws").json()
    assert told["at"] is not None
    assert told["jobs"][0]["id"] == job["id"]
    assert {group["inspection"] for group in told["groups"]} >= {"misplaced", "pictures"}
