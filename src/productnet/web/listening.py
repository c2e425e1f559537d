"""The socket that an application listens on, and which addresses only this machine can reach."""

import socket
from ipaddress import ip_address

from productnet.errors import UsageError


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


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def shown(host: str) -> str:
    """The host as a URL holds it."""
    return f"[{host}]" if ":" in host else host
