"""What the portal tells of itself: metrics, logs, health; and what it never tells."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from productnet.annotation.decisions import Verdict
from productnet.database.database import Database
from productnet.errors import ProjectError
from productnet.events.kinds import Kind
from productnet.portal.metrics import Metrics
from productnet.portal.portal import Portal
from productnet.portal.routes import operation
from productnet.portal.watch import Watch
from productnet.settings import Project, Settings, TargetSettings
from productnet.web import logs
from productnet.web.logs import RequestLog, configure_logging
from productnet.web.metrics import MetricsMiddleware

SECRET = "Aunt Ada's teapot"


def application(metrics: Metrics) -> FastAPI:
    app = FastAPI()

    @app.get("/product", operation_id="get_product")
    async def get_product(request: Request, id: str) -> dict[str, str]:
        request.state.person = "ann"
        if id == "broken":
            raise ValueError(SECRET)
        logging.getLogger("productnet.somewhere").warning("a line within")
        return {"title": SECRET}

    @app.get("/stream", operation_id="stream")
    async def stream() -> StreamingResponse:
        def slowly() -> Iterator[bytes]:
            yield b"a"
            time.sleep(0.3)
            yield b"b"

        return StreamingResponse(slowly())

    app.state.portal = SimpleNamespace(metrics=metrics)
    app.include_router(operation.metrics)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_middleware(RequestLog)
    return app


def read(page: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def client(metrics: Metrics) -> TestClient:
    return TestClient(application(metrics), raise_server_exceptions=False)


class Logged:
    """What is written to stderr; what the test's own browser says of itself is left out."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def text(self) -> str:
        self._text += self._capsys.readouterr().err
        lines = self._text.splitlines(keepends=True)
        return "".join(line for line in lines if "testserver" not in line)


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Logged]:
    """The loggers are put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs._TOO_TALKATIVE}
    try:
        yield Logged(capsys)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        for name, old in levels.items():
            logging.getLogger(name).setLevel(old)


def test_requests_are_counted_by_operation_and_status(client: TestClient) -> None:
    for _ in range(3):
        client.get("/product", params={"id": SECRET})
    client.get("/product", params={"id": "broken"})
    client.get("/product")
    for guess in range(5):
        client.get(f"/wp-admin/{guess}")
    client.get("/stream")
    page = client.get("/metrics").text
    seen = read(page)

    def count(operation: str, status: str) -> float:
        return seen["productnet_requests_total", (("operation", operation), ("status", status))]

    assert count("get_product", "200") == 3
    assert count("get_product", "500") == 1
    assert count("get_product", "422") == 1
    assert count("none", "404") == 5
    slow = seen["productnet_request_seconds_sum", (("operation", "stream"),)]
    assert slow < 0.25  # to the first byte, not to the end of an endless answer
    assert "process_resident_memory_bytes" in page
    assert SECRET not in page
    assert "wp-admin" not in page


def test_a_request_is_unmeasured_nowhere_but_counted_once(
    client: TestClient, metrics: Metrics
) -> None:
    client.get("/product", params={"id": "1"})
    seen = read(metrics.page().decode())
    operation = (("operation", "get_product"),)
    assert seen["productnet_request_seconds_count", operation] == 1


def test_two_portals_in_a_process_count_by_themselves() -> None:
    one, other = Metrics(), Metrics()
    one.decisions.labels("label", "recorded").inc(2)
    labels = (("result", "recorded"), ("role", "label"))
    assert read(one.page().decode())["productnet_decisions_total", labels] == 2
    assert ("productnet_decisions_total", labels) not in read(other.page().decode())


def test_gauges_are_asked_when_they_are_read(metrics: Metrics) -> None:
    waiting = {"audit": 3.0}
    metrics.gauge(
        "queue", "Waiting", lambda: {(k,): v for k, v in waiting.items()}, labels=("task",)
    )

    def broken() -> dict[tuple[str, ...], float]:
        raise ProjectError("the database is away")

    metrics.gauge("sessions", "Sessions", broken)
    waiting["audit"] = 4
    seen = read(metrics.page().decode())
    assert seen["productnet_queue", (("task", "audit"),)] == 4
    assert not [name for name, _ in seen if name == "productnet_sessions"]


def test_the_wait_for_the_database_is_measured(database_url: str, metrics: Metrics) -> None:
    with Database.open(database_url) as database:
        database.on_turn = metrics.writer_wait_seconds.observe
        with database.writing():
            pass
    assert read(metrics.page().decode())["productnet_writer_wait_seconds_count", ()] == 1


def lines(written: Logged) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.text().splitlines()]


def test_a_request_is_one_line_that_tells_nothing_of_products(
    client: TestClient, logged: Logged
) -> None:
    configure_logging(json=True)
    answer = client.get("/product", params={"id": SECRET}, headers={"X-Request-ID": "abc-1"})
    within, request = lines(logged)
    assert answer.headers["X-Request-ID"] == "abc-1"
    assert (within["message"], within["request"]) == ("a line within", "abc-1")
    assert {key: request[key] for key in request.keys() - {"time", "ms"}} == {
        "level": "info",
        "logger": "productnet.requests",
        "message": "request",
        "operation": "get_product",
        "method": "GET",
        "status": 200,
        "person": "ann",
        "request": "abc-1",
    }
    assert request["time"].endswith("+00:00")
    assert 0 <= request["ms"] < 10_000
    assert "Ada" not in logged.text()


@pytest.mark.parametrize("given", ["", "a\tb", "x" * 65, "n\xe4h", "a b"])
def test_an_id_that_is_none_is_replaced(client: TestClient, logged: Logged, given: str) -> None:
    configure_logging(json=True)
    answer = client.get("/nowhere", headers={b"X-Request-ID": given.encode()})
    assert len(answer.headers["X-Request-ID"]) == 32
    (request,) = lines(logged)
    assert (request["operation"], request["status"]) == ("none", 404)


@pytest.mark.parametrize("as_json", [True, False])
def test_an_error_is_told_by_type_and_place_never_by_text(logged: Logged, as_json: bool) -> None:
    configure_logging(json=as_json)
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
    written = logged.text()
    assert "Ada" not in written
    assert "ValueError from KeyError" in written
    assert "test_observed.py" in written
    if as_json:
        (line,) = lines(logged)
        assert line["message"] == "Exception in ASGI application"


def test_what_would_write_urls_is_silent(logged: Logged) -> None:
    configure_logging(json=True)
    logging.getLogger("uvicorn.access").info('"GET /product?id=%s"', SECRET)
    logging.getLogger("httpx").info("HTTP Request: POST https://hook.example/%s", SECRET)
    logging.getLogger("uvicorn.error").info("Started server process")
    assert [line["message"] for line in lines(logged)] == ["Started server process"]


def test_a_line_for_people_is_one_line(client: TestClient, logged: Logged) -> None:
    configure_logging(json=False)
    client.get("/product", params={"id": "1"})
    logging.getLogger("productnet").warning("two\nlines")
    _, request, two = logged.text().splitlines()
    assert "get_product GET 200" in request
    assert request.endswith(" ann")
    assert two.endswith("two\\nlines")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(f"sqlite:///{tmp_path / 'decisions.db'}") as opened:
        yield opened


class _Works:
    """As much of a portal as is asked whether it can work."""

    def __init__(self, database: Database, opened: Any) -> None:
        self.database = database
        self._opened = opened

    @property
    def resources(self) -> SimpleNamespace:
        self._opened()
        return SimpleNamespace(pool=None)


def asked(database: Database, path: str, opened: Any = lambda: None) -> Any:
    app = FastAPI()
    app.state.portal = _Works(database, opened)
    app.include_router(operation.router)
    with TestClient(app) as client:
        return client.get(path)


def test_a_portal_that_can_work_says_so(database: Database) -> None:
    assert asked(database, "/healthz").json() == {"status": "ok"}
    ready = asked(database, "/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


def test_a_database_that_is_away_is_a_problem(database: Database, tmp_path: Path) -> None:
    database.close()
    for file in tmp_path.glob("decisions.db*"):
        file.write_bytes(b"no database" * 500)
    answer = asked(database, "/readyz")
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("The database cannot be used: DatabaseUnavailable.")
    assert asked(database, "/healthz").status_code == 200


def test_a_database_that_does_not_answer_is_a_problem(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "_PATIENCE", 0.1)
    monkeypatch.setattr(database, "ping", lambda: time.sleep(0.5))
    answer = asked(database, "/readyz")
    assert answer.status_code == 503
    assert "The database did not answer within 0.1 s." in answer.json()["detail"]


def test_a_pool_that_is_gone_is_a_problem(database: Database) -> None:
    def gone() -> None:
        raise ProjectError("no products")

    answer = asked(database, "/readyz", gone)
    assert answer.status_code == 503
    assert "The pool cannot be used: ProjectError." in answer.json()["detail"]


def test_a_portal_measures_what_waits_and_explains_every_metric(portal: Portal) -> None:
    with portal.database.writing():
        pass
    seen = read(portal.metrics.page().decode())
    assert seen["productnet_waiting", (("task", "audit"),)] == 0
    assert seen["productnet_sessions", ()] == 0
    assert seen["productnet_deliveries_waiting", ()] == 0
    assert seen["productnet_writer_wait_seconds_count", ()] >= 1
    page = (Path(__file__).parents[3] / "docs" / "operation.md").read_text()
    for family in portal.metrics.registry.collect():
        if family.name.startswith("productnet_"):
            suffix = "_total" if family.type == "counter" else ""
            assert f"`{family.name}{suffix}`" in page


def test_what_came_to_be_while_nobody_served_is_told(
    project: Project, leaf: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    modest = Project(project.root, Settings(targets=TargetSettings(positives=1, hard_negatives=1)))
    with monkeypatch.context() as killed, Portal.open(modest) as first:
        # It was killed after the answers and before it could tell.
        killed.setattr(Watch, "_tell_of_done", lambda watch, leaves: None)
        ids = first.resources.ids.to_pylist()
        for product, verdict in zip(ids, (Verdict.POSITIVE, Verdict.NEGATIVE), strict=False):
            first.workflow.label(
                product, leaf, verdict=verdict, annotator="lena", source="nearest", score=0.5
            )
            first.workflow.audit(product, leaf, verdict=verdict, annotator="otto")
        assert not first.activity.page(kinds=[Kind.LEAF_DONE]).items
    with Portal.open(modest) as second:
        told = [one.subject for one in second.activity.page(kinds=[Kind.LEAF_DONE]).items]
    assert told == [leaf]
