"""The model over HTTP: what it answers, to whom, and what it refuses."""

import asyncio
import base64
import gzip
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.types import Message

from productnet.catalog.schema import Product
from productnet.database.database import Database
from productnet.master.predictions import PREDICTIONS_FILE
from productnet.people.doors import Doors
from productnet.serving.api import gate
from productnet.serving.api.app import create_app
from productnet.serving.served_model import Seen
from productnet.serving.service import ModelService
from productnet.settings import Project
from tests.integration.serving.api.conftest import HERE, Serving, picture, shared

MUG = {"id": "m", "title": "large red coffee mug", "brand": "Falcon"}
VASE = {"title": "small blue vase", "brand": "Flora"}
NDJSON = {"Content-Type": "application/x-ndjson"}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_categories_come_with_path_and_confidence(client: TestClient) -> None:
    answer = client.post("/v1/categorize", json={"products": [MUG, VASE]}, params={"top": 2})
    assert answer.status_code == 200
    mug, vase = answer.json()["results"]
    assert (mug["id"], vase["id"]) == ("m", "2")
    assert mug["categories"][0]["category"] == "home/mugs"
    assert mug["categories"][0]["path"] == ["Home", "Mugs"]
    assert vase["categories"][0]["path"] == ["Home", "Vases"]
    assert sum(one["confidence"] for one in mug["categories"]) == pytest.approx(1, abs=1e-4)
    assert mug["decision"] is None and mug["error"] is None
    assert mug["model"] == "round-0001"
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_precision_decides_or_tells_why_not(client: TestClient) -> None:
    product = MUG | {"image": encoded(picture("red"))}
    answer = client.post(
        "/v1/categorize", json={"products": [product]}, params={"precision": 0.2, "top": 1}
    )
    (result,) = answer.json()["results"]
    assert result["decision"] == {"category": "home/mugs", "reason": None}
    answer = client.post("/v1/categorize", json={"products": [VASE]}, params={"precision": 0.9999})
    decision = answer.json()["results"][0]["decision"]
    assert decision["category"] is None and decision["reason"].startswith("unsure")
    refused = client.post("/v1/categorize", json={"products": [MUG]}, params={"false_accept": 0.1})
    assert refused.status_code == 422
    assert "goes with precision" in refused.json()["detail"]


def test_a_picture_comes_in_base64_as_a_data_url_or_as_a_file(client: TestClient) -> None:
    data = picture("teal", kind="vases")
    told = []
    for image in (encoded(data), "data:image/jpeg;base64," + encoded(data)):
        answer = client.post("/v1/embed", json={"products": [VASE | {"image": image}]})
        told.append(answer.json()["results"][0]["embedding"])
    answer = client.post("/v1/embed", data=VASE, files={"image": ("a.jpg", data, "image/jpeg")})
    told.append(answer.json()["results"][0]["embedding"])
    alone = client.post("/v1/embed", json={"products": [VASE]}).json()["results"][0]["embedding"]
    assert told[0] == pytest.approx(told[1], abs=1e-5)
    assert told[0] == pytest.approx(told[2], abs=1e-5)
    assert told[0] != pytest.approx(alone, abs=1e-3)


class _Pictures(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/red.jpg" else 404)
        self.end_headers()
        if self.path == "/red.jpg":
            self.wfile.write(picture("red"))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def pictures_at() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Pictures)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_picture_is_fetched_from_public_hosts_only(
    client: TestClient, project: Project, service: ModelService, pictures_at: str
) -> None:
    product = {"image_url": f"{pictures_at}/red.jpg"}
    refused = client.post("/v1/categorize", json={"products": [product]})
    assert refused.status_code == 422
    assert "not a public address" in refused.json()["detail"]

    settings = project.settings
    images = settings.images.model_copy(update={"private_hosts": ("127.0.0.1",)})
    settings = settings.model_copy(update={"images": images})
    with ModelService.of_project(Project(project.root, settings)) as own:
        app = create_app(own, settings=settings)
        with TestClient(app, base_url=HERE) as allowed:
            missing = {"title": "mug", "image_url": f"{pictures_at}/none.jpg"}
            both = {"image": "AA==", "image_url": "http://example.com"}
            answer = allowed.post("/v1/embed", json={"products": [product, missing, both, MUG]})
            assert allowed.get("/metrics").text.count("productnet_requests_in_flight 0.0") == 1
    first, second, third, fourth = answer.json()["results"]
    told = client.post("/v1/embed", json={"products": [{"image": encoded(picture("red"))}]}).json()
    assert first["embedding"] == pytest.approx(told["results"][0]["embedding"], abs=1e-5)
    assert "HTTP status 404" in second["error"]["detail"]
    assert "not both" in third["error"]["detail"]
    assert fourth["error"] is None


def test_one_bad_product_is_an_error_and_of_a_list_hurts_itself_alone(client: TestClient) -> None:
    broken = {"id": "b", "image": encoded(picture("red")[:-200])}
    alone = client.post("/v1/categorize", json={"products": [broken]})
    assert alone.status_code == 422
    assert alone.headers["Content-Type"] == "application/problem+json"
    assert "damaged" in alone.json()["detail"]
    some = [MUG, broken, {"image": "no base64!"}, {"titel": "mug"}, {}, VASE]
    answer = client.post("/v1/categorize", json={"products": some})
    assert answer.status_code == 200
    errors = [one["error"] and one["error"]["detail"] for one in answer.json()["results"]]
    assert errors[0] is None and errors[5] is None
    for error, said in zip(
        errors[1:5], ["damaged", "no base64", 'Did you mean "title"', "nothing"], strict=True
    ):
        assert said in error


def test_an_embedding_has_length_one_and_can_be_cut(client: TestClient) -> None:
    for dimension, width in ((None, 16), (8, 8)):
        parameters = {} if dimension is None else {"dimension": dimension}
        answer = client.post("/v1/embed", json={"products": [MUG]}, params=parameters)
        vector = answer.json()["results"][0]["embedding"]
        assert len(vector) == width
        assert sum(one * one for one in vector) == pytest.approx(1, abs=1e-4)
    refused = client.post("/v1/embed", json={"products": [MUG]}, params={"dimension": 9})
    assert refused.status_code == 409
    assert "only at 8, 16" in refused.json()["detail"]


def test_similar_products_by_product_text_and_picture(client: TestClient) -> None:
    near = client.get("/v1/similar", params={"product": "mugs-red-small", "count": 3}).json()
    assert len(near["neighbours"]) == 3
    assert near["neighbours"][0]["title"].endswith("mug")
    near = client.get("/v1/similar", params={"text": "flower vase", "count": 4}).json()
    assert {one["product"].split("-")[0] for one in near["neighbours"]} == {"vases"}
    pictured = {"title": "mug", "image": encoded(picture("gold"))}
    answer = client.post("/v1/similar", json={"products": [pictured, VASE]}, params={"count": 2})
    first, second = answer.json()["results"]
    assert first["neighbours"][0]["product"].startswith("mugs")
    assert second["neighbours"][0]["product"].startswith("vases")
    unknown = client.get("/v1/similar", params={"product": "nobody"})
    assert (unknown.status_code, "nobody" in unknown.json()["detail"]) == (404, True)
    assert client.get("/v1/similar").status_code == 422
    assert client.get("/v1/similar", params={"text": " "}).status_code == 422


def test_similar_products_within_a_category(client: TestClient) -> None:
    def kinds(answer: Response) -> set[str]:
        assert answer.status_code == 200, answer.text
        told = answer.json()
        near = told["results"][0]["neighbours"] if "results" in told else told["neighbours"]
        assert len(near) == 5
        return {one["product"].split("-")[0] for one in near}

    mug, five = {"product": "mugs-red-small"}, {"count": "5"}
    for vases in ("home/vases", "Home > Vases", "vases"):
        asked = five | {"category": vases}
        assert kinds(client.get("/v1/similar", params=mug | asked)) == {"vases"}
        assert kinds(client.get("/v1/similar", params={"text": "mug"} | asked)) == {"vases"}
        sent = {"products": [MUG]}
        assert kinds(client.post("/v1/similar", params=asked, json=sent)) == {"vases"}
    whole, home = (
        [one["product"] for one in client.get("/v1/similar", params=params).json()["neighbours"]]
        for params in (mug | five, mug | five | {"category": "Home"})
    )
    assert whole == home
    for params in (mug, {"text": "mug"}):
        unknown = client.get("/v1/similar", params=params | {"category": "home/vasess"})
        assert unknown.status_code == 404
        assert 'Did you mean "home/vases"' in unknown.json()["detail"]
    assert client.post("/v1/similar?category=x", json={"products": [MUG]}).status_code == 404


def test_without_predictions_products_have_no_category(serving: Serving, project: Project) -> None:
    (project.round_path(1) / PREDICTIONS_FILE).unlink()
    asked = {"product": "mugs-red-small", "category": "home"}
    answer = serving().get("/v1/similar", params=asked)
    assert (answer.status_code, "Ask without a category" in answer.text) == (409, True)


def test_a_stream_is_answered_line_by_line(client: TestClient) -> None:
    lines = [json.dumps(MUG), "", "{broken", json.dumps({"titel": "x"}), json.dumps(VASE)]
    more = [json.dumps({"id": f"s{number}", "title": f"vase {number}"}) for number in range(200)]
    content = "\n".join([*lines, *more]).encode()
    chunks = (content[start : start + 1_000] for start in range(0, len(content), 1_000))
    answer = client.post("/v1/categorize?top=1", content=chunks, headers=NDJSON)
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["id"] for one in results[:4]] == ["m", "3", "4", "5"]
    assert [one["id"] for one in results[4:]] == [f"s{number}" for number in range(200)]
    assert results[0]["categories"][0]["category"] == "home/mugs"
    assert results[1]["error"]["detail"].startswith("Line 3: Invalid JSON")
    assert "no field" in results[2]["error"]["detail"]
    assert all(one["error"] is None for one in results[3:])


def test_what_cannot_be_read_is_a_clear_4xx(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(status: int, said: str, **sent: object) -> None:
        answer = client.post("/v1/categorize", **sent)  # type: ignore[arg-type]
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]

    post(422, "products: List should have at least 1", json={"products": []})
    post(422, "at most 256", json={"products": [MUG] * 257})
    post(422, "products.0.id", json={"products": [{"id": 5}]})
    post(422, "See /v1/openapi.json", json={"product": MUG})
    post(422, "at most 50000", json={"products": [{"title": "x" * 50_001}]})
    post(422, "less than 1", json={"products": [MUG]}, params={"precision": 1})
    post(
        422,
        "products.0: Of 101 fields 100",
        json={"products": [dict.fromkeys(map(str, range(101)))]},
    )
    post(422, "Of 300 fields 100", json=dict.fromkeys(map(str, range(300)), 1))
    zipped = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    post(415, "said to be 'gzip'", content=gzip.compress(b"{}"), headers=zipped)
    xml = {"Content-Type": "text/xml"}
    post(415, "application/json, application/x-ndjson or multipart", content=b"<x/>", headers=xml)
    post(422, 'Send the picture as "image"', files={"photo": b"x"})
    deep = b'{"products":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
    post(422, "Invalid JSON", content=deep)
    monkeypatch.setattr(gate, "LARGEST_BODY", 1_000)
    post(413, "More than 1,000 bytes", json={"products": [MUG] * 20})
    chunks = (b" " * 300 for _ in range(5))
    post(413, "More than 1,000 bytes", content=chunks)


def test_of_a_list_that_is_wrong_everywhere_the_first_place_is_told(client: TestClient) -> None:
    for products in ([{"title": list(range(1_000))}], list(range(1_000))):
        answer = client.post("/v1/categorize", json={"products": products})
        assert answer.status_code == 422
        assert len(answer.json()["errors"]) <= 2


def test_a_stream_of_which_nothing_comes_is_ended(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("productnet.serving.api.streams._IDLE_SECONDS", 0.05)

    async def ask() -> list[Message]:
        sent: list[Message] = [
            {"type": "http.request", "body": json.dumps(MUG).encode() + b"\n", "more_body": True}
        ]
        answered: list[Message] = []

        async def receive() -> Message:
            if not sent:
                await asyncio.sleep(60)
            return sent.pop()

        async def send(message: Message) -> None:
            answered.append(message)

        scope = {"type": "http", "method": "POST", "path": "/v1/categorize", "query_string": b""}
        headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/x-ndjson")]
        await client.app({**scope, "headers": headers}, receive, send)
        return answered

    assert client.portal is not None
    answered = client.portal.call(ask)
    lines = [json.loads(one["body"]) for one in answered[1:-1]]
    assert lines[0]["categories"][0]["category"] == "home/mugs"
    assert lines[1]["error"]["status"] == 408
    assert "Nothing came for 0.05 s" in lines[1]["error"]["detail"]
    assert "productnet_streams_open 0.0" in client.get("/metrics").text


def test_facts_health_and_metrics(client: TestClient) -> None:
    facts = client.get("/v1/model").json()
    assert facts["model"] == "round-0001"
    assert (facts["categories"], facts["dimensions"], facts["products"]) == (2, [8, 16], 32)
    assert facts["reads"] == ["title", "brand", "image"]
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    client.post("/v1/categorize", json={"products": [MUG]})
    page = client.get("/metrics").text
    assert 'productnet_requests_total{operation="categorize",status="200"}' in page
    assert 'productnet_serves{model="round-0001"} 1.0' in page
    assert "productnet_batch_products_count" in page


def test_without_keys_only_this_machine_is_served_under_its_own_name(client: TestClient) -> None:
    for host, status in (
        ("localhost:8500", 200),
        ("[::1]:8500", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
    ):
        assert client.get("/v1/model", headers={"Host": host}).status_code == status


def test_with_accounts_a_key_is_needed(project: Project, service: ModelService) -> None:
    with Database.open(project.database_url) as database:
        doors = Doors.open(database)
        root = doors.people.add("root", roles=["admin"])
        nobody = doors.people.add("guest", roles=[])
        keys = {
            "read": doors.keys.add(root, label="r", scopes=["read"])[0],
            "admin": doors.keys.add(root, label="a", scopes=["read", "admin"])[0],
            "annotate": doors.keys.add(root, label="x", scopes=["annotate"])[0],
            "guest": doors.keys.add(nobody, label="g", scopes=["read"])[0],
        }
        client = TestClient(create_app(shared(service), doors=doors), raise_server_exceptions=False)

        def ask(path: str, key: str | None) -> int:
            headers = {} if key is None else {"Authorization": f"Bearer {key}"}
            if path.endswith("categorize"):
                return client.post(path, json={"products": [MUG]}, headers=headers).status_code
            return client.get(path, headers=headers).status_code

        for _ in range(2):
            assert ask("/v1/categorize", keys["read"]) == 200
            assert ask("/v1/categorize", None) == 401
            assert ask("/v1/categorize", "pn_123456789012_wrong") == 401
            assert ask("/v1/categorize", keys["annotate"]) == 403
            assert ask("/v1/categorize", keys["guest"]) == 403
            assert ask("/metrics", keys["read"]) == 403
            assert ask("/metrics", keys["admin"]) == 200
        assert [ask(path, None) for path in ("/healthz", "/readyz", "/v1/openapi.json")] == [
            200
        ] * 3
        refused = client.post("/v1/embed", content=b"x" * 100_000)
        assert refused.status_code == 401
        assert "people key add" in refused.json()["detail"]


def held(service: ModelService) -> tuple[threading.Event, threading.Event]:
    """Have the model compute nothing before the door is opened; and hear when it was entered."""
    entered, door = threading.Event(), threading.Event()
    look = service.now.look

    def slowly(products: Sequence[Product]) -> list[Seen | Exception]:
        entered.set()
        assert door.wait(20)
        return look(products)

    service.now.look = slowly  # type: ignore[method-assign]
    return entered, door


def test_more_than_can_be_answered_is_refused_with_a_time_to_come_back(
    serving: Serving, made_project: Path
) -> None:
    client = serving(requests=2, wait_ms=0)
    service = client.app.state.served.answers.service  # type: ignore[attr-defined]
    entered, door = held(service)

    def ask() -> Response:
        return client.post("/v1/categorize", json={"products": [MUG]})

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(ask)
        assert entered.wait(20)
        second = threads.submit(ask)
        load = client.app.state.served.load  # type: ignore[attr-defined]
        while load.requests < 2:
            pass
        for _ in range(5):
            refused = ask()
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["Retry-After"]) <= 4
            assert "Ask again in" in refused.json()["detail"]
        assert client.get("/v1/model").status_code == 200
        door.set()
        assert [one.result().status_code for one in (first, second)] == [200, 200]
    assert 'productnet_refused_total{reason="full"} 5.0' in client.get("/metrics").text
    assert load.requests == load.bytes == 0


def test_lists_are_let_in_while_others_are_computed(serving: Serving) -> None:
    # A product takes longer than single ones are promised to wait.
    client = serving(patience_ms=1, wait_ms=0)
    service = client.app.state.served.answers.service  # type: ignore[attr-defined]
    entered, door = held(service)

    def ask() -> Response:
        return client.post("/v1/categorize", json={"products": [MUG, VASE]})

    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(ask)]
        assert entered.wait(20)
        asked += [threads.submit(ask) for _ in range(2)]
        while sum(service.batcher.waiting.values()) < 4 and not any(one.done() for one in asked):
            pass
        door.set()
        assert [one.result().status_code for one in asked] == [200, 200, 200]


def test_bytes_in_flight_are_bounded(serving: Serving) -> None:
    client = serving(requests_mb=1)
    load = client.app.state.served.load  # type: ignore[attr-defined]
    load.hold(600_000)
    large = {"title": "x" * 50_000, "image": encoded(b"x" * 300_000)}
    refused = client.post("/v1/embed", json={"products": [large]})
    assert refused.status_code == 429
    assert "serving.requests_mb" in refused.json()["detail"]
    assert client.post("/v1/embed", json={"products": [MUG]}).status_code == 200
    load.release(600_000)
    assert client.post("/v1/embed", json={"products": [large]}).status_code == 422
    never = {"image": encoded(b"x" * 800_000)}
    assert client.post("/v1/embed", json={"products": [never]}).status_code == 413
    lines = [json.dumps(one) for one in (MUG, never, VASE)]
    answer = client.post("/v1/embed", content="\n".join(lines).encode(), headers=NDJSON)
    errors = [json.loads(line)["error"] for line in answer.text.splitlines()]
    assert [error and error["status"] for error in errors] == [None, 413, None]
    assert load.bytes == 0
