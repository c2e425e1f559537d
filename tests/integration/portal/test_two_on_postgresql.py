"""Two portals on one PostgreSQL: what one of them does, the other knows and tells at once."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from productnet.annotation.log import DecisionLog
from productnet.annotation.read_models.recount import recount
from productnet.client import Answer, Client
from productnet.database.database import Database
from productnet.people.doors import Doors
from productnet.settings import Project

SERVE = "from productnet.cli.main import run; run()"
PASSWORD = "correct horse battery"
_SCOPES = {False: ["read", "annotate"], True: ["read", "annotate", "admin"]}
TEAM = [f"lena-{number}" for number in range(8)]


@pytest.fixture(scope="module")
def postgres(postgresql_url: str) -> str:
    """A schema of its own, for all tests here."""
    import psycopg

    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA two_portals")
    return f"{postgresql_url}&options=-csearch_path%3Dtwo_portals"


@pytest.fixture(scope="module")
def shop(
    embedded_shop: Path, postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Shop"]:
    """The shop on PostgreSQL, API keys of its people, and the two portals that serve it."""
    folder = shutil.copytree(embedded_shop, tmp_path_factory.mktemp("on-postgresql") / "shop")
    settings = folder / Project.SETTINGS_FILE
    lines = [line for line in settings.read_text().splitlines() if "database_url" not in line]
    settings.write_text("\n".join([f"database_url = {json.dumps(postgres)}", *lines]) + "\n")
    project = Project.open(folder)
    with Database.open(postgres) as database:
        doors = Doors.open(database)
        people = {name: doors.people.add(name, roles=["labeler", "auditor"]) for name in TEAM}
        people["root"] = doors.people.add("root", roles=["admin"], password=PASSWORD)
        keys = {
            name: doors.keys.add(person, label="test", scopes=_SCOPES[name == "root"])[0]
            for name, person in people.items()
        }
    with _serving(project) as first, _serving(project) as second:
        yield project, keys, [first, second]


@contextmanager
def _serving(project: Project) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, "serve", "--project", str(project.root), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http://" in line)
        found = re.search(r"http://[^\s/]+", line)
        assert found
        yield found[0]
    finally:
        process.kill()
        process.communicate()


Shop = tuple[Project, dict[str, str], list[str]]


class Listener(threading.Thread):
    """Somebody with a page open at one of the portals."""

    def __init__(self, url: str, key: str) -> None:
        super().__init__(daemon=True)
        self.heard: list[tuple[str, object, float]] = []
        self.listens = threading.Event()
        self._url, self._key = url, key

    def run(self) -> None:
        with suppress(httpx.TransportError):  # its portal has ended
            self._listen()

    def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {self._key}"}
        with httpx.stream(
            "GET", f"{self._url}/api/v1/events", headers=headers, timeout=60
        ) as answer:
            kind = ""
            for line in answer.iter_lines():
                self.listens.set()
                if line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    told = json.loads(line.removeprefix("data: "))
                    self.heard.append((kind, told, time.monotonic()))

    def wait_for(self, kind: str, leaf: str) -> float:
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for heard, told, at in self.heard:
                if heard == kind and leaf in json.dumps(told):
                    return at
            time.sleep(0.02)
        raise AssertionError(f"no {kind} of {leaf} among {self.heard}")


def test_what_happens_at_one_is_told_by_the_other(shop: Shop) -> None:
    _, keys, (first, second) = shop
    listener = Listener(second, keys["lena-1"])
    listener.start()
    assert listener.listens.wait(20)
    with Client(first, key=keys["root"]) as client:
        leaf, other = [node.id for node in client.tree() if node.leaf][:2]
        [card] = client.candidates(leaf, source="random", count=1)
        client.label(card, leaf, verdict="positive")
        listener.wait_for("progress", leaf)
    headers, where = {"Authorization": f"Bearer {keys['root']}"}, {"id": other}
    before = httpx.get(f"{first}/api/v1/leaf", params=where, headers=headers).json()
    written = {"version": before["guideline_version"], "definition": "Cups."}
    put = httpx.put(f"{first}/api/v1/guideline", params=where, headers=headers, json=written)
    assert put.status_code == 204, put.text
    listener.wait_for("guideline", other)
    with Client(second, key=keys["lena-1"]) as client:
        assert client.progress().leaves[leaf].labelled_positive == 1


def test_everybody_who_asks_at_once_is_given_another_leaf(shop: Shop) -> None:
    _, keys, urls = shop

    def ask(number: int) -> str | None:
        with Client(urls[number % 2], key=keys[TEAM[number]]) as client:
            lease = client.take_next_lease()
        return lease.leaf if lease else None

    with ThreadPoolExecutor(len(TEAM)) as pool:
        given = list(pool.map(ask, range(len(TEAM))))
    assert None not in given
    assert len(set(given)) == len(TEAM)


def test_an_answer_sent_to_both_is_recorded_once_and_counted_once(shop: Shop) -> None:
    project, keys, urls = shop
    with Client(urls[0], key=keys["lena-2"]) as client:
        leaf = [node.id for node in client.tree() if node.leaf][3]
        cards = client.candidates(leaf, source="random", count=10)
    answers = [
        Answer(product=one.product, leaf=leaf, role="label", verdict="positive") for one in cards
    ]

    def send(url: str) -> int:
        with Client(url, key=keys["lena-2"]) as client:
            return sum(len(client.decide([answer]).refused) for answer in answers)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(send, urls)) == [0, 0]
    with DecisionLog.open(project.database_url) as log:
        kept = [one.id for _, one in log.since() if one.category == leaf]
        assert sorted(kept, key=str) == sorted((one.id for one in answers), key=str)
        assert log.state().progress(leaf).labelled_positive == 10
        assert recount(log.database).differences == []
    for url in urls:
        with Client(url, key=keys["lena-3"]) as client:
            assert client.progress().leaves[leaf].labelled_positive == 10


def test_who_signs_in_at_one_is_known_at_the_other_and_failures_count_at_both(shop: Shop) -> None:
    _, _, (first, second) = shop
    signing_in = {"name": "root", "password": PASSWORD}
    entered = httpx.post(f"{first}/api/v1/session", json=signing_in)
    assert entered.status_code == 200
    assert httpx.get(f"{second}/api/v1/session", cookies=entered.cookies).status_code == 200
    wrong = {"name": "lena-4", "password": "not this one, surely"}
    told = [
        httpx.post(f"{(first, second)[number % 2]}/api/v1/session", json=wrong).status_code
        for number in range(8)
    ]
    assert 429 in told
