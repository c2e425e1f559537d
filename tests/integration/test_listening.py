"""Connections over a socket: who says nothing does not keep others out."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from productnet.web import listening
from productnet.web.listening import listen, server_of


@pytest.fixture(params=["auto", "h11"])
def address(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, int]]:
    if request.param == "h11":
        from uvicorn.protocols.http import auto, h11_impl

        monkeypatch.setattr(auto, "AutoHTTPProtocol", h11_impl.H11Protocol)
    monkeypatch.setattr(listening, "_HEAD_SECONDS", 0.3)
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])
    server, place = server_of(app), listen("127.0.0.1", 0)
    thread = Thread(target=server.run, kwargs={"sockets": [place]})
    thread.start()
    yield place.getsockname()
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: "])
def test_who_says_nothing_is_hung_up_on(address: tuple[str, int], said: bytes) -> None:
    whole = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(said)
        assert connection.recv(100) == b""
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(whole)
        answer = b""
        while not answer.endswith(b"here"):
            answer += connection.recv(1_000) or pytest.fail("closed too early")
        connection.sendall(said or whole[:10])
        assert connection.recv(100) == b""
