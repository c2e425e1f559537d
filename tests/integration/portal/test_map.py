"""The map over HTTP: places, colours, products at points; and what an auditor does not learn."""

from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.embeddings.active import Active, active_set
from productnet.master.predictions import PREDICTION_SCHEMA, PREDICTIONS_FILE
from productnet.portal.portal import Portal
from tests.integration.portal.conftest import Visit


def decide(portal: Portal, product: str, leaf: str, verdict: str, who: str, role: str) -> None:
    portal.log.append(
        Decision(
            id=uuid4(),
            product=product,
            category=leaf,
            verdict=Verdict(verdict),
            role=Role(role),
            annotator=who,
            at=datetime.now(UTC),
        )
    )


def codes(browser: TestClient, **asked: str) -> np.ndarray:
    answer = browser.get("/api/v1/map/colours", params=asked)
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, np.uint8)


def groups(browser: TestClient, **asked: str) -> dict[str, dict[str, object]]:
    answer = browser.get("/api/v1/map/legend", params=asked)
    assert answer.status_code == 200, answer.text
    return {group["leaf"] or group["kind"]: group for group in answer.json()["groups"]}


@pytest.fixture
def ids(portal: Portal) -> list[str]:
    """The products, by row."""
    found: list[str] = active_set(portal.project).ids.to_pylist()
    return found


def test_places_come_as_floats_and_are_asked_for_once(visit: Visit) -> None:
    browser = visit("otto")
    about = browser.get("/api/v1/map").json()
    assert about["ready"]
    assert (about["count"], about["missing"]) == (120, 0)
    answer = browser.get("/api/v1/map/points")
    points = np.frombuffer(answer.content, "<f4").reshape(-1, 2)
    assert points.shape == (120, 2)
    assert np.abs(points).max() == pytest.approx(1)
    tag = answer.headers["ETag"]
    again = browser.get("/api/v1/map/points", headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


def test_points_are_products_by_row(visit: Visit, ids: list[str]) -> None:
    browser = visit("otto")
    version = browser.get("/api/v1/map").json()["version"]
    answer = browser.post("/api/v1/map/ids", json={"version": version, "rows": [7, 0, 119]})
    assert answer.json() == {"ids": [ids[7], ids[0], ids[119]]}
    cards = browser.post("/api/v1/map/products", json={"version": version, "rows": [3]}).json()
    assert [card["product"] for card in cards["items"]] == [ids[3]]


@pytest.mark.parametrize(
    ("rows", "status", "words"),
    [
        ([120], 422, "points 0 to 119"),
        ([-1], 422, "no point -1"),
        ([2**70], 422, "points 0 to 119"),
        ([0] * 10_001, 422, "10000"),
    ],
)
def test_rows_that_are_not_there_are_named(
    visit: Visit, rows: list[int], status: int, words: str
) -> None:
    browser = visit("otto")
    version = browser.get("/api/v1/map").json()["version"]
    answer = browser.post("/api/v1/map/ids", json={"version": version, "rows": rows})
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_rows_of_another_map_are_refused(visit: Visit) -> None:
    answer = visit("otto").post("/api/v1/map/ids", json={"version": "round-0007", "rows": [0]})
    assert answer.status_code == 409
    assert "drawn anew" in answer.json()["detail"]


def test_without_a_map_one_is_told_why(visit: Visit, portal: Portal) -> None:
    (active_set(portal.project).path / "map.safetensors").unlink()
    browser = visit("lena")
    about = browser.get("/api/v1/map").json()
    assert not about["ready"]
    assert "productnet embed" in about["why"]
    assert browser.get("/api/v1/map/points").status_code == 409
    assert browser.get("/api/v1/map/colours").status_code == 409


def test_gold_leaves_colour_their_products(
    visit: Visit, portal: Portal, ids: list[str], leaf: str
) -> None:
    for row in (2, 5):
        decide(portal, ids[row], leaf, "positive", "lena", "label")
        decide(portal, ids[row], leaf, "positive", "otto", "audit")
    decide(portal, ids[9], leaf, "positive", "lena", "label")
    browser = visit("root")
    legend = groups(browser)
    painted = codes(browser)
    assert legend[leaf]["count"] == 2
    assert np.flatnonzero(painted == legend[leaf]["code"]).tolist() == [2, 5]
    assert legend["none"]["count"] == 118
    points = np.frombuffer(browser.get("/api/v1/map/points").content, "<f4").reshape(-1, 2)
    assert legend[leaf]["x"] == pytest.approx(points[[2, 5], 0].mean(), abs=1e-5)


def test_many_leaves_share_one_colour(visit: Visit, portal: Portal, ids: list[str]) -> None:
    leaves = [leaf.id for leaf in portal.taxonomy.leaves][:24]
    for row, one in enumerate(leaves):
        decide(portal, ids[row], one, "positive", "lena", "label")
        decide(portal, ids[row], one, "positive", "otto", "audit")
    legend = groups(visit("root"))
    assert legend["other"]["count"] == 4
    assert "4 other leaves" in str(legend["other"]["label"])
    assert codes(visit("root")).max() == legend["other"]["code"] == 21


@pytest.mark.parametrize("of_leaf", [True, False])
def test_an_auditor_learns_no_answer_that_is_not_settled(
    visit: Visit, portal: Portal, ids: list[str], leaf: str, of_leaf: bool
) -> None:
    asked = {"by": "verdict"} | ({"leaf": leaf} if of_leaf else {})
    for row, verdict in enumerate(("positive", "negative", "unsure")):
        decide(portal, ids[row], leaf, verdict, "lena", "label")
    assert not codes(visit("otto"), **asked).any()
    assert not codes(visit("root"), **asked).any()
    assert codes(visit("lena"), **asked)[:4].tolist() == [3, 1, 2, 0]
    decide(portal, ids[0], leaf, "positive", "otto", "audit")
    assert codes(visit("otto"), **asked)[:3].tolist() == [3, 0, 0]


def test_no_colouring_changes_for_an_auditor_by_a_label(
    visit: Visit, portal: Portal, ids: list[str], leaf: str
) -> None:
    otto = visit("otto")
    before = {by: codes(otto, by=by).tolist() for by in ("leaf", "verdict", "disagreement")}
    legends = {by: groups(otto, by=by) for by in before}
    for row, verdict in enumerate(("positive", "negative", "unsure", "positive")):
        decide(portal, ids[row], leaf, verdict, "lena", "label")
    assert before == {by: codes(otto, by=by).tolist() for by in before}
    assert legends == {by: groups(otto, by=by) for by in before}


def test_what_became_of_ones_own_audit_colours_nothing_until_it_is_settled(
    visit: Visit, portal: Portal, ids: list[str], leaf: str
) -> None:
    otto, seen = visit("otto"), []
    for row, labelled in ((0, "positive"), (1, "negative")):
        decide(portal, ids[row], leaf, labelled, "lena", "label")
        decide(portal, ids[row], leaf, "positive", "otto", "audit")
        seen.append([codes(otto, by=by)[row] for by in ("leaf", "verdict", "disagreement")])
    assert seen[0] == seen[1]
    assert codes(visit("ada"), by="leaf")[0] == 1
    decide(portal, ids[1], leaf, "positive", "ada", "adjudicate")
    assert codes(otto, by="leaf")[1] == 1


def test_disputes_are_for_those_who_settle_them_or_labelled(
    visit: Visit, portal: Portal, ids: list[str], leaf: str
) -> None:
    decide(portal, ids[4], leaf, "positive", "lena", "label")
    decide(portal, ids[4], leaf, "negative", "otto", "audit")
    for name, seen in (("ada", 3), ("root", 3), ("lena", 3), ("otto", 0)):
        assert codes(visit(name), by="disagreement")[4] == seen
    decide(portal, ids[6], leaf, "positive", "lena", "label")
    decide(portal, ids[6], leaf, "negative", "omar", "audit")
    assert codes(visit("otto"), by="disagreement")[6] == 0
    assert codes(visit("ada"), by="disagreement")[6] == 3


def test_where_the_master_differs_from_gold(
    visit: Visit, portal: Portal, ids: list[str], leaf: str
) -> None:
    other = next(one.id for one in portal.taxonomy.leaves if one.id != leaf)
    for row in (0, 1):
        decide(portal, ids[row], leaf, "positive", "lena", "label")
        decide(portal, ids[row], leaf, "positive", "otto", "audit")
    folder = portal.project.round_path(1)
    folder.mkdir(parents=True)
    rows = [
        {"product": product, "category": category, "confidence": 0.5, "rank": rank}
        for product, categories in ((ids[0], (leaf, other)), (ids[1], (other, leaf)))
        for rank, category in enumerate(categories, 1)
    ]
    pq.write_table(
        pa.Table.from_pylist(rows, PREDICTION_SCHEMA),
        folder / PREDICTIONS_FILE,
    )
    browser = visit("root")
    shown = portal.maps.shown(portal.resources)
    assert shown.map.stamp.count == 120
    portal.project.active_path.write_text('{"round": 1, "embedding_set": "initial"}\n')
    portal.serving.look()
    assert portal.active == Active(1, "initial")
    assert codes(browser, by="disagreement")[:3].tolist() == [1, 2, 0]


def test_a_leaf_goes_with_verdicts_only(visit: Visit, leaf: str) -> None:
    browser = visit("otto")
    answer = browser.get("/api/v1/map/legend", params={"by": "leaf", "leaf": leaf})
    assert answer.status_code == 422
    assert "by=verdict" in answer.json()["detail"]
    answer = browser.get("/api/v1/map/legend", params={"by": "verdict", "leaf": "no/such"})
    assert answer.status_code == 404
