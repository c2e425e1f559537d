"""Serving an application: the socket it listens on, and which addresses others can reach."""

import asyncio
import socket
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp

from productnet.errors import UsageError

if TYPE_CHECKING:
    import uvicorn

# Seconds in which whoever has connected has to say what they want. Each connection takes one of
# the files that a process may open, so those who say nothing would keep everybody else out.
_HEAD_SECONDS = 20.0

# Seconds that requests have to come to their end.
_GRACE_SECONDS = 10

# A tenth of Python's own. After each errand to a database, and each call of an encoder, a thread
# waits this long for one that computes; a request makes some ten errands.
_SWITCH_SECONDS = 0.0005


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there already; raises UsageError if it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio switches off Nagle's algorithm, which would hold back every
    # second answer for 40 ms, only where it sees TCP.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        # From now on whoever opens the link is kept waiting rather than refused.
        listening.listen(2_048)
    except OSError as error:
        listening.close()
        raise UsageError(
            f"{host}:{port} cannot be listened on: {error.strerror or error}. "
            "Choose another with --host and --port."
        ) from error
    return listening


def serve_at(listening: socket.socket, app: ASGIApp) -> None:
    """Serve an application there until it is told to stop."""
    import gc

    # What is loaded stays: a collection that went through all of it would stop everybody for a
    # quarter of a second, every half minute under load.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_SECONDS)
    server_of(app).run(sockets=[listening])


def server_of(app: ASGIApp) -> "uvicorn.Server":
    """What serves an application, with our limits."""
    import uvicorn
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    config = uvicorn.Config(
        app,
        http=type("_PunctualHTTP", (_Punctual, AutoHTTPProtocol), {}),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return uvicorn.Server(config)


class _Punctual(asyncio.Protocol):
    """Closes connections on which no head of a request comes to its end in time.

    It goes before one of uvicorn's two protocols, which wait for it for ever.
    """

    cycle: Any
    transport: asyncio.Transport
    _too_late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._wait_no_more()

    def _look(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._wait_no_more()
        elif self._too_late is None:
            loop = asyncio.get_running_loop()
            self._too_late = loop.call_later(_HEAD_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def shown(host: str) -> str:
    """The host as a URL holds it."""
    return f"[{host}]" if ":" in host else host
