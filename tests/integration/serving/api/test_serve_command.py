"""``productnet serve --api`` as people run it: who is let in, a stream both ways, and its end."""

import http.client
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from productnet.cli.serve import serve
from productnet.cli.serve_model import serve_model
from productnet.client import ModelClient
from productnet.client.model_client import Asked
from productnet.client.problems import Conflict
from productnet.database.database import Database
from productnet.errors import ModelError, ProjectError, UsageError
from productnet.people.doors import Doors
from productnet.rounds.steps import MODEL_FOLDER
from productnet.settings import Project
from tests.integration.serving.api.conftest import picture

HOW = {"host": None, "port": 0, "keys": None, "json_logs": False}


def test_other_machines_need_keys(project: Project, tmp_path: Path) -> None:
    outside = HOW | {"host": "0.0.0.0"}
    model = project.round_path(2) / MODEL_FOLDER
    with pytest.raises(UsageError, match=r"0\.0\.0\.0 can be reached from other machines"):
        serve_model(project.root, None, **outside)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="can be reached from other machines"):
        serve_model(tmp_path, model, **outside)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="API keys are kept in a project"):
        serve_model(tmp_path, model, **(HOW | {"keys": True}))  # type: ignore[arg-type]
    with Database.open(project.database_url) as database:
        Doors.open(database).people.add("ann", roles=["admin"])
    with pytest.raises(UsageError, match="can be reached from other machines"):
        serve_model(project.root, None, **(outside | {"keys": False}))  # type: ignore[arg-type]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is not a ProductNet project"):
        serve_model(tmp_path, None, **HOW)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="holds no saved model"):
        serve_model(tmp_path, tmp_path, **HOW)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--model goes with --api"):
        serve(model=tmp_path)


@pytest.fixture(scope="module")
def address(made_project: Path) -> Iterator[tuple[str, int]]:
    """A service in a process of its own, which ends when it is asked to."""
    command = [sys.executable, "-c", "from productnet.cli.main import run; run()"]
    project = Project.open(made_project)
    model, elsewhere = project.round_path(2) / MODEL_FOLDER, project.root.parent
    options = ["--model", str(model), "--port", "0", "--project", str(elsewhere)]
    process = subprocess.Popen(
        [*command, "serve", "--api", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        told = process.stdout.readline()
        found = re.search(r"Model model: http://(.+):(\d+)/v1", told)
        assert found, told + process.stderr.read()
        yield found[1], int(found[2])
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)
        log = process.stderr.read()
        assert "Application shutdown complete" in log
        assert "Traceback" not in log
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def test_the_client_asks_in_python(address: tuple[str, int]) -> None:
    url = f"http://{address[0]}:{address[1]}"
    with ModelClient(url) as model:
        products = [{"id": str(one), "title": f"coffee mug {one}"} for one in range(257)]
        products[256] = {"id": "bad", "titel": "x"}
        answers = model.categorize(products, top=1)
        assert [one.id for one in answers] == [*map(str, range(256)), "bad"]
        assert answers[0].categories[0].category == "home/mugs"
        assert answers[256].error is not None and answers[256].error.status == 422
        pictured: Asked = {"title": ["small", "vase"], "image": picture("red")}
        assert len(model.embed([pictured], dimension=8)[0].embedding or ()) == 8
        with pytest.raises(Conflict, match="leave --model out"):
            model.similar_to("mugs-red-small")
        with pytest.raises(Conflict, match="leave --model out"):
            model.similar([pictured], category="home")


def test_a_stream_is_answered_while_it_is_sent(address: tuple[str, int]) -> None:
    """Each line is sent when the answer to the one before has come."""
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(
            b"POST /v1/categorize?top=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        answer = http.client.HTTPResponse(connection, method="POST")
        for number, title in enumerate(("coffee mug", "vase", "mug")):
            line = json.dumps({"id": str(number), "title": title}).encode() + b"\n"
            connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            if not number:
                answer.begin()
            result = json.loads(answer.readline())
            assert result["id"] == str(number)
            assert ("mug" in title) == (result["categories"][0]["category"] == "home/mugs")
        connection.sendall(b"0\r\n\r\n")
        assert answer.read() == b""
    # Somebody who goes away in the middle leaves nothing behind.
    with socket.create_connection(address, timeout=30) as connection:
        connection.sendall(
            b"POST /v1/categorize HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"4\r\n{}\n{\r\n"
        )
        connection.recv(100)
    url = f"http://{address[0]}:{address[1]}"
    for _ in range(200):
        page = httpx.get(f"{url}/metrics").text
        if "productnet_streams_open 0.0" in page:
            break
    assert "productnet_streams_open 0.0" in page
    assert "productnet_request_bytes 0.0" in page
