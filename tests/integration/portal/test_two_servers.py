"""Two servers on one project, one of them killed: nothing acknowledged is lost, work goes on."""

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

import pytest

from productnet.annotation.log import DecisionLog
from productnet.client import Answer, Client
from productnet.client.problems import ClientError
from productnet.database.database import Database
from productnet.people.doors import Doors
from productnet.settings import Project

SERVE = "from productnet.cli.main import run; run()"


@pytest.fixture
def servers(project: Project) -> Iterator[list[tuple[str, subprocess.Popen[str]]]]:
    """The shop, served twice."""
    running: list[tuple[str, subprocess.Popen[str]]] = []
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, "serve", "--project", str(project.root), "--port", "0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http://" in line)
        found = re.search(r"http://[^\s/]+", line)
        assert found
        running.append((found[0], process))
    yield running
    for _, process in running:
        process.kill()
        process.communicate()


def test_one_of_two_servers_is_killed_in_the_middle_of_work(
    project: Project, servers: list[tuple[str, subprocess.Popen[str]]], leaf: str
) -> None:
    acknowledged: dict[str, list[UUID]] = {"lena": [], "root": []}
    with Database.open(project.database_url) as database:
        doors = Doors.open(database)
        keys = {
            name: doors.keys.add(doors.people.get(name), label="test", scopes=["read", "annotate"])[
                0
            ]
            for name in acknowledged
        }
    killed = threading.Event()

    def work(name: str, url: str, products: list[str]) -> None:
        with Client(url, key=keys[name], tries=1) as client:
            for product in products:
                answer = Answer(product=product, leaf=leaf, role="label", verdict="positive")
                with suppress(ClientError):
                    sent = client.decide([answer])
                    assert not sent.refused
                    acknowledged[name].append(answer.id)
                if killed.is_set() and name == "lena":
                    return

    (first, victim), (second, _) = servers
    with Client(second, key=keys["root"]) as client:
        ids = [one.product for one in client.candidates(leaf, source="random", count=100)]
    workers = [
        threading.Thread(target=work, args=("lena", first, ids[:50])),
        threading.Thread(target=work, args=("root", second, ids[50:])),
    ]
    for worker in workers:
        worker.start()
    end = time.monotonic() + 60
    while min(len(done) for done in acknowledged.values()) < 10:
        assert time.monotonic() < end, acknowledged
        time.sleep(0.01)
    victim.kill()
    killed.set()
    for worker in workers:
        worker.join(timeout=60)
        assert not worker.is_alive()
    # The one that lives took all of its own, while the other died in the middle of a write.
    assert len(acknowledged["root"]) == 50
    assert 10 <= len(acknowledged["lena"]) < 50
    with DecisionLog.open(project.database_url) as log:
        kept = [decision.id for _, decision in log.since()]
    assert len(kept) == len(set(kept))
    assert {one for done in acknowledged.values() for one in done} <= set(kept)
    # Whoever comes over finds all of it, and goes on.
    with Client(second, key=keys["lena"]) as client:
        assert client.progress().leaves[leaf].labelled_positive == len(kept)
        client.take_lease(leaf)
        [again] = client.candidates(leaf, source="random", count=1, exclude=ids)
        client.label(again, leaf, verdict="negative")


def test_an_address_that_is_taken_is_said_and_nothing_else(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-c", SERVE, "serve", "--project", str(project.root), "--port", port],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert ended.returncode != 0
    assert "Choose another with" in ended.stderr
    assert "Traceback" not in ended.stderr
