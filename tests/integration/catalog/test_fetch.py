"""Images over HTTP from a server that is slow, failing, lying or endless."""

import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
from PIL import Image

from productnet.catalog import fetch, public_hosts
from productnet.catalog.fetch import Fetcher, fetch_pasted
from productnet.catalog.images import BadImage
from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.catalog.readers.rows import FaultKind
from productnet.settings import ImageSettings, Project, Settings

BUFFER = io.BytesIO()
Image.new("RGB", (20, 20), "teal").save(BUFFER, "JPEG")
JPEG = BUFFER.getvalue()

SETTINGS = ImageSettings(timeout=0.4, retries=2, max_bytes=50_000, concurrency=4)


class Shop(BaseHTTPRequestHandler):
    """Answers by path; counts what it was asked."""

    asked: ClassVar[Counter[str]] = Counter()
    hosts: ClassVar[list[str]] = []
    at_once = 0
    most_at_once = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with self.lock:
            Shop.asked[self.path] += 1
            Shop.hosts.append(self.headers["Host"])
            Shop.at_once += 1
            Shop.most_at_once = max(Shop.most_at_once, Shop.at_once)
        try:
            with suppress(BrokenPipeError, ConnectionResetError):
                self.answer()
        finally:
            with self.lock:
                Shop.at_once -= 1

    def answer(self) -> None:
        first = Shop.asked[self.path] == 1
        match self.path.split("/")[1]:
            case "image":
                self.send(200, JPEG)
            case "busy-once":
                self.send(503 if first else 200, JPEG)
            case "wait":
                self.send(429 if first else 200, JPEG, **{"Retry-After": "0"})
            case "busy":
                self.send(503, b"")
            case "missing":
                self.send(404, b"")
            case "html":
                self.send(200, b"<html>sorry</html>", **{"Content-Type": "image/jpeg"})
            case "moved":
                self.send(302, b"", Location="/image/1")
            case "inside":
                here = self.headers["Host"].replace("127.0.0.1", "localhost")
                self.send(302, b"", Location=f"http://{here}/image/1")
            case "circle":
                self.send(302, b"", Location=self.path)
            case "elsewhere":
                self.send(302, b"", Location="file:///etc/passwd")
            case "large":
                self.send(200, b"x" * 60_000)
            case "endless":
                self.send_response(200)
                self.end_headers()
                while True:
                    self.wfile.write(b"x" * 10_000)
            case "drip":
                self.send_response(200)
                self.end_headers()
                for _ in range(20):
                    self.wfile.write(b"x")
                    time.sleep(0.1)
            case "cut":
                self.send_response(200)
                self.send_header("Content-Length", str(len(JPEG)))
                self.end_headers()
                self.wfile.write(JPEG[:-100])
            case "slow":
                time.sleep(0.05)
                self.send(200, JPEG)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def shop(*, port: int = 0) -> Iterator[str]:
    Shop.asked.clear()
    Shop.hosts.clear()
    Shop.most_at_once = 0
    server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_FIRST_PAUSE", 0.01)


@pytest.mark.parametrize(
    ("path", "tries"), [("image", 1), ("busy-once", 2), ("wait", 2), ("moved", 1)]
)
def test_an_image_arrives(path: str, tries: int) -> None:
    with shop() as url, Fetcher(SETTINGS) as fetcher:
        assert fetcher.submit(fetcher.fetch(f"{url}/{path}/1")).result() == JPEG
        assert Shop.asked[f"/{path}/1"] == tries


@pytest.mark.parametrize(
    ("path", "tries", "kind", "message"),
    [
        ("missing", 1, FaultKind.IMAGE_FETCH, "HTTP status 404"),
        ("busy", 3, FaultKind.IMAGE_FETCH, "HTTP status 503"),
        ("drip", 3, FaultKind.IMAGE_FETCH, "no image within 0.4 s"),
        ("cut", 3, FaultKind.IMAGE_FETCH, "the connection broke off"),
        ("circle", 6, FaultKind.IMAGE_FETCH, "redirects"),
        ("elsewhere", 1, FaultKind.IMAGE_FETCH, "protocol"),
        ("large", 1, FaultKind.IMAGE_TOO_LARGE, "max_bytes is 50,000"),
        ("endless", 1, FaultKind.IMAGE_TOO_LARGE, "max_bytes is 50,000"),
    ],
)
def test_an_image_does_not_arrive(path: str, tries: int, kind: FaultKind, message: str) -> None:
    with shop() as url, Fetcher(SETTINGS) as fetcher:
        with pytest.raises(BadImage) as raised:
            fetcher.submit(fetcher.fetch(f"{url}/{path}/1")).result()
        assert Shop.asked[f"/{path}/1"] == tries
    assert raised.value.kind == kind
    assert message in str(raised.value)


def test_a_host_that_is_not_there_is_given_up_on() -> None:
    with shop() as url:
        pass
    with Fetcher(SETTINGS) as fetcher:
        errors = [
            fetcher.submit(fetcher.fetch(f"{url}/{number}")).exception() for number in range(10)
        ]
    assert {str(error).partition(": ")[2] for error in errors} == {"127.0.0.1 cannot be reached"}


def test_a_host_that_came_back_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with shop() as url:
        pass
    with Fetcher(SETTINGS) as fetcher:
        for number in range(10):
            fetcher.submit(fetcher.fetch(f"{url}/{number}")).exception()
        with shop(port=int(url.rpartition(":")[2])):
            early = fetcher.submit(fetcher.fetch(f"{url}/image/1")).exception()
            monkeypatch.setattr(fetch, "_FORGIVEN_AFTER", 0.0)
            late = fetcher.submit(fetcher.fetch(f"{url}/image/1")).result()
    assert "cannot be reached" in str(early)
    assert late == JPEG


def test_hosts_that_are_known_to_refuse_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_MOST_HOSTS", 3)
    with Fetcher(SETTINGS.model_copy(update={"retries": 0})) as fetcher:
        for number in range(5):
            fetcher.submit(fetcher.fetch(f"http://127.0.0.{number + 2}:9/")).exception()
        assert len(fetcher._refusals) <= 3


def test_no_more_at_once_than_allowed() -> None:
    with shop() as url, Fetcher(SETTINGS) as fetcher:
        waiting = [fetcher.submit(fetcher.fetch(f"{url}/slow/{n}")) for n in range(20)]
        assert all(future.result() == JPEG for future in waiting)
        assert 2 <= Shop.most_at_once <= SETTINGS.concurrency


def test_a_pasted_url_is_of_a_public_host() -> None:
    with shop() as url:
        with pytest.raises(BadImage, match="127.0.0.1, which is not a public address") as raised:
            fetch_pasted(f"{url}/image/1", SETTINGS)
        assert not Shop.asked
    assert raised.value.kind == FaultKind.IMAGE_OUTSIDE


def test_a_private_host_that_the_settings_name_is_asked_once() -> None:
    settings = SETTINGS.model_copy(update={"private_hosts": ("127.0.0.1",)})
    with shop() as url:
        assert fetch_pasted(f"{url}/image/1", settings) == JPEG
        with pytest.raises(BadImage, match="HTTP status 503"):
            fetch_pasted(f"{url}/busy", settings)
        assert Shop.asked["/busy"] == 1


def test_a_redirect_does_not_lead_inside() -> None:
    settings = SETTINGS.model_copy(update={"private_hosts": ("127.0.0.1",)})
    with shop() as url:
        with pytest.raises(BadImage, match="not a public address"):
            fetch_pasted(f"{url}/inside", settings)
        assert not Shop.asked["/image/1"]


def test_the_address_that_was_checked_is_the_one_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def is_public(address: str) -> bool:
        checked.append(address)
        return True

    async def both_families(request: httpx.Request) -> list[str]:
        return ["::1", "127.0.0.1"]  # this server listens at the second only

    monkeypatch.setattr(public_hosts, "is_public", is_public)
    monkeypatch.setattr(public_hosts, "_addresses", both_families)
    with shop() as url:
        local = url.replace("127.0.0.1", "localhost")
        assert fetch_pasted(f"{local}/moved/1", SETTINGS) == JPEG
    assert Shop.hosts == [local.removeprefix("http://")] * 2
    assert checked.count("127.0.0.1") == 2


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://shop.example/a.jpg", "only http:// and https://"),
        ("photo.jpg", "only http:// and https://"),
        ("http://[::ffff:127.0.0.1]/a.jpg", "not a public address"),
        ("http://2130706433/a.jpg", "not a public address"),
    ],
)
def test_a_pasted_url_that_leads_nowhere_is_told(url: str, message: str) -> None:
    with pytest.raises(BadImage, match=message):
        fetch_pasted(url, SETTINGS)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("7", 7), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert fetch._seconds(header) == seconds


def test_products_keep_what_arrived_and_ask_again_for_what_did_not(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project", Settings(images=SETTINGS))
    feed = tmp_path / "feed.csv"
    with shop() as url:
        lines = [f"{path},{url}/{path}/1\n" for path in ("image", "missing", "html", "busy-once")]
        feed.write_text("id,image_url\n" + "".join(lines))
        first = import_feed(project, feed)
        assert (first.added, first.reasons) == (4, {"image-corrupt": 1, "image-fetch": 1})
        version = Pool.open(project.pool_path).version
        again = import_feed(project, feed)
        assert (again.unchanged, again.reasons) == (4, first.reasons)
        assert Pool.open(project.pool_path).version == version
        assert Shop.asked["/image/1"] == 1
        assert Shop.asked["/missing/1"] == 2
    rows = Pool.open(project.pool_path).take(["image", "missing"]).to_pylist()
    assert rows[0]["image"] == JPEG
    assert rows[1]["image"] is None
    assert "HTTP status 404" in rows[1]["image_error"]
