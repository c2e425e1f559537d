"""Serving an application: the socket it listens on, and which addresses others can reach."""

import socket
import sys
from ipaddress import ip_address

from starlette.types import ASGIApp

from productnet.errors import UsageError

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

    import uvicorn

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    # What is loaded stays: a collection that went through all of it would stop everybody for a
    # quarter of a second, every half minute under load.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_SECONDS)
    uvicorn.Server(config).run(sockets=[listening])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def shown(host: str) -> str:
    """The host as a URL holds it."""
    return f"[{host}]" if ":" in host else host
