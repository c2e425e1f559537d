"""The client: signed in, patient, exact about what it sends, and typed about what it gets."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest

from productnet.client import Answer, Client, ClientError
from productnet.client.problems import (
    Conflict,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    TooMany,
    Unreachable,
)
from productnet.client.results import Candidate
from productnet.errors import ProductNetError

PROGRESS = dict.fromkeys(
    (
        "labelled_positive", "labelled_negative", "unsure", "gold", "hard_negatives", "disputed",
        "to_audit", "decisions", "seconds",
    ),
    0,
)  # fmt: skip

CANDIDATE: dict[str, object] = {
    "product": "p1", "title": "Mug", "brand": None, "thumbnail": None, "source": "nearest",
    "score": 0.5, "reason": "near", "model_version": "lr:1", "behind": 2, "copies": [],
    "copy_count": 0, "from_the_future": True,
}  # fmt: skip

Handler = Callable[[httpx.Request], httpx.Response]


class Portal:
    """A little stand-in for the portal: answers by a handler, and remembers what it was sent."""

    def __init__(self, handler: Handler) -> None:
        self.requests: list[httpx.Request] = []
        self._handler = handler

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._handler(request)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.content]


def client(portal: Portal, **options: Any) -> Client:
    if "name" not in options:
        options["key"] = "pn_1_secret"
    transport = httpx.MockTransport(portal)
    return Client("http://portal.example/", transport=transport, **options)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses are noted, not waited for."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def recorded(request: httpx.Request) -> httpx.Response:
    sent = json.loads(request.content)["decisions"]
    results = [{"id": one["id"], "status": "recorded", "detail": None} for one in sent]
    return httpx.Response(200, json={"results": results, "progress": {"mugs": PROGRESS}})


def problem(status: int, detail: str = "It was so.", **extensions: Any) -> httpx.Response:
    body = {"type": "about:blank", "title": "T", "status": status, "detail": detail, **extensions}
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


def test_a_key_is_sent_and_the_prefix_is_known() -> None:
    portal = Portal(lambda request: httpx.Response(200, json={"items": []}))
    with client(portal) as one:
        assert one.products(["a"]) == []
    (request,) = portal.requests
    assert str(request.url) == "http://portal.example/api/v1/products"
    assert request.headers["Authorization"] == "Bearer pn_1_secret"


def test_a_password_signs_in_and_the_csrf_token_goes_along() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/session":
            cookie = {"Set-Cookie": "productnet_session=abc; HttpOnly; SameSite=strict"}
            return httpx.Response(200, json={"csrf": "token-1"}, headers=cookie)
        return recorded(request)

    portal = Portal(handler)
    with client(portal, name="ann", password="secret words") as one:
        one.label("p1", "mugs", verdict="positive")
        one.label("p2", "mugs", verdict="negative")
    entered, first, second = portal.requests
    assert json.loads(entered.content) == {"name": "ann", "password": "secret words"}
    for request in (first, second):
        assert request.headers["X-CSRF-Token"] == "token-1"
        assert "productnet_session=abc" in request.headers["Cookie"]


def test_a_session_that_ran_out_is_begun_anew_once() -> None:
    ended = [True]

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v1/session":
            return httpx.Response(200, json={"csrf": "token"})
        if ended.pop() if ended else False:
            return problem(401)
        return recorded(request)

    portal = Portal(handler)
    with client(portal, name="ann", password="x") as one:
        answer = one.label("p1", "mugs", verdict="positive")
    paths = [request.url.path.removeprefix("/api/v1") for request in portal.requests]
    assert paths == ["/session", "/decisions", "/session", "/decisions"]
    assert {body["decisions"][0]["id"] for body in portal.bodies if "decisions" in body} == {
        str(answer.id)
    }


@pytest.mark.parametrize(
    "credentials", [{}, {"key": "k", "name": "n", "password": "p"}, {"name": "n"}]
)
def test_one_way_in_is_given(credentials: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="Give an API key, or a name and its password"):
        Client("http://x", **credentials)  # type: ignore[arg-type]


def test_answers_are_sent_again_under_the_same_ids_until_they_are_acknowledged(
    no_pauses: list[float],
) -> None:
    faults: list[Any] = [
        httpx.ReadTimeout("slow"),
        httpx.Response(503, headers={"Retry-After": "3"}),
        httpx.ConnectError("restarting"),
        httpx.Response(502),
    ]

    def handler(request: httpx.Request) -> httpx.Response:
        if faults:
            fault = faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            assert isinstance(fault, httpx.Response)
            return fault
        return recorded(request)

    portal = Portal(handler)
    with client(portal) as one:
        answer = one.label("p1", "mugs", verdict="positive", seconds=1.5)
    assert len(portal.requests) == 5
    assert len({request.content for request in portal.requests}) == 1
    assert portal.bodies[0]["decisions"][0]["id"] == str(answer.id)
    assert no_pauses[1] == 3.0
    assert 0.1 <= no_pauses[0] <= 0.2
    assert 0.4 <= no_pauses[2] <= 0.8


def test_what_must_not_happen_twice_is_sent_once() -> None:
    def breaks_off(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("slow")

    portal = Portal(breaks_off)
    with client(portal) as one, pytest.raises(Unreachable, match="gave no answer to POST /rounds"):
        one.start_round()
    assert len(portal.requests) == 1


def test_what_never_arrived_can_be_sent_again() -> None:
    tries = [httpx.ConnectError("down")] * 2

    def handler(request: httpx.Request) -> httpx.Response:
        if tries:
            raise tries.pop()
        return httpx.Response(
            202,
            json={
                "id": "j", "kind": "round", "arguments": {}, "person": "ann", "state": "running",
                "started_at": "2026-01-01T00:00:00Z", "finished_at": None, "step": None,
                "message": None, "done": 0, "total": None, "result": None, "log": None,
            },
        )  # fmt: skip

    portal = Portal(handler)
    with client(portal) as one:
        assert one.start_round().over is False
    assert len(portal.requests) == 3


def test_a_portal_that_stays_away_is_given_up_on() -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down")

    portal = Portal(down)
    with client(portal, tries=3) as one, pytest.raises(Unreachable, match="Check that it runs"):
        one.progress()
    assert len(portal.requests) == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid), (401, NotSignedIn), (403, NotAllowed), (404, NotFound), (409, Conflict),
        (422, Invalid), (500, Unreachable), (418, ClientError), (302, ClientError),
    ],
)  # fmt: skip
def test_problems_are_exceptions_in_the_portals_words(status: int, kind: type[ClientError]) -> None:
    portal = Portal(lambda request: problem(status, "Lena has it.", holder="lena"))
    with client(portal) as one, pytest.raises(kind, match="Lena has it") as raised:
        one.start_release("1.0.0")
    assert raised.value.status == status
    assert raised.value.problem["holder"] == "lena"
    assert isinstance(raised.value, ProductNetError)


def test_too_many_is_waited_for_and_then_told() -> None:
    portal = Portal(lambda request: problem(429, "Wait."))
    with client(portal, tries=2) as one, pytest.raises(TooMany, match="Wait"):
        one.session()
    assert len(portal.requests) == 2


def test_an_answer_that_is_no_problem_document_is_told_as_it_is() -> None:
    portal = Portal(lambda request: httpx.Response(404, text="<html>nginx</html>"))
    with client(portal) as one, pytest.raises(NotFound, match="status 404 and no explanation"):
        one.session()


def test_an_answer_of_another_shape_is_told(no_pauses: list[float]) -> None:
    portal = Portal(lambda request: httpx.Response(200, json={"target": "many"}))
    with client(portal) as one, pytest.raises(ClientError, match="something else than Progress"):
        one.progress()
    silent = Portal(lambda request: httpx.Response(200, text="hello"))
    with client(silent) as one, pytest.raises(ClientError, match="something else than Progress"):
        one.progress()


def test_lists_are_read_to_their_end() -> None:
    pages: dict[str | None, dict[str, Any]] = {
        None: {"items": [1, 2], "next_cursor": "2"},
        "2": {"items": [3, 4], "next_cursor": "4"},
        "4": {"items": [5], "next_cursor": None},
    }

    def handler(request: httpx.Request) -> httpx.Response:
        page = pages[request.url.params.get("cursor")]
        items = [
            {"product": f"p{n}", "title": None, "verdict": "positive", "stage": "s", "mine": True}
            for n in page["items"]
        ]
        return httpx.Response(200, json={"items": items, "next_cursor": page["next_cursor"]})

    portal = Portal(handler)
    with client(portal) as one:
        found = [item.product for item in one.leaf_products("a & b/ü", kind="hard_negatives")]
    assert found == ["p1", "p2", "p3", "p4", "p5"]
    assert {request.url.params["id"] for request in portal.requests} == {"a & b/ü"}
    assert len(portal.requests) == 3


def test_a_candidates_origin_is_sent_with_the_answer() -> None:
    portal = Portal(recorded)
    candidate = Candidate.model_validate(CANDIDATE)
    with client(portal) as one:
        answer = one.label(candidate, "mugs", verdict="negative", note="a bowl")
    (sent,) = portal.bodies[0]["decisions"]
    assert UUID(sent.pop("id")) == answer.id
    assert sent.pop("at")
    assert sent == {
        "product": "p1", "leaf": "mugs", "role": "label", "verdict": "negative",
        "source": "nearest", "score": 0.5, "model_version": "lr:1", "note": "a bowl",
    }  # fmt: skip


def test_an_undo_names_what_it_takes_back() -> None:
    portal = Portal(recorded)
    with client(portal) as one:
        answer = one.audit("p1", "mugs", verdict="positive")
        one.undo(answer)
    (sent,) = portal.bodies[1]["decisions"]
    assert (sent["role"], sent["undoes"], sent["product"]) == ("undo", str(answer.id), "p1")
    assert "verdict" not in sent


def test_many_answers_go_in_requests_the_portal_takes() -> None:
    portal = Portal(recorded)
    answers = [
        Answer(product=f"p{n}", leaf="mugs", role="label", verdict="positive") for n in range(450)
    ]
    with client(portal) as one:
        done = one.decide(answers)
    assert [len(body["decisions"]) for body in portal.bodies] == [200, 200, 50]
    assert [receipt.id for receipt in done.results] == [answer.id for answer in answers]
    assert not done.refused


def test_a_refusal_is_a_conflict_in_the_portals_words() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        name = json.loads(request.content)["decisions"][0]["id"]
        result = {"id": name, "status": "refused", "detail": "It has a label already."}
        return httpx.Response(200, json={"results": [result], "progress": {}})

    with client(Portal(refuse)) as one, pytest.raises(Conflict, match="has a label already"):
        one.label("p1", "mugs", verdict="positive")


def test_the_tree_is_put_together_from_its_columns() -> None:
    columns = {
        "name": "t", "version": "1", "id": ["k", "k/m", "k/c"],
        "label": ["Kitchen", "Mugs", "Cups"], "parent": [-1, 0, 0], "leaf": [False, True, True],
    }  # fmt: skip
    with client(Portal(lambda request: httpx.Response(200, json=columns))) as one:
        nodes = one.tree()
    assert [(node.name, node.parent, node.leaf) for node in nodes] == [
        ("Kitchen", None, False),
        ("Mugs", "k", True),
        ("Cups", "k", True),
    ]


def test_a_job_is_waited_for() -> None:
    states = ["running", "running", "failed"]
    job: dict[str, object] = {
        "id": "j", "kind": "round", "arguments": {}, "person": "ann",
        "started_at": "2026-01-01T00:00:00Z", "finished_at": None, "step": "train",
        "message": "There is too little gold.", "done": 0, "total": None, "result": None,
    }  # fmt: skip

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={**job, "state": states.pop(0)})

    with client(Portal(handler)) as one:
        started = one.job("j")
        with pytest.raises(ClientError, match="Job j is failed: There is too little gold"):
            one.wait(started)
    assert not states
