"""The command that serves the portal: ``serve``."""

import socket
from typing import Annotated

import typer

from productnet.cli.console import say
from productnet.cli.options import HERE, ProjectOption
from productnet.errors import UsageError
from productnet.settings import Project

SERVE_PANEL = "Work together"

# A tenth of Python's own: a request makes some ten errands, and 5 ms each would be felt.
_SWITCH_SECONDS = 0.0005


def register(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(rich_help_panel=SERVE_PANEL)(serve)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on [default: the setting]")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65_535, help="Port; 0 takes a free one [default: the setting]"),
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the link here")] = False,
    json_logs: Annotated[
        bool, typer.Option("--json-logs", help="Log one JSON object a line, for machines")
    ] = False,
    project: ProjectOption = HERE,
) -> None:
    """Serve the portal, where people label, audit and settle, and the HTTP API.

    Without accounts it is for you alone: it listens on this machine only and prints a link that
    works once. With accounts (`productnet people add`) people sign in by name and password.

    Examples:
        productnet serve

        productnet serve --host 0.0.0.0 --port 8400 --json-logs
    """
    import gc
    import sys

    import uvicorn

    from productnet.portal.app import create_app
    from productnet.portal.logs import configure_logging
    from productnet.portal.portal import Portal

    opened = Project.open(project)
    settings = opened.settings.portal
    host = host or settings.host
    portal = Portal.open(opened)
    if not portal.team and not _is_loopback(host):
        portal.close()
        raise UsageError(
            f"Nobody has an account yet, and {host} can be reached from other machines. Make one "
            "with `productnet people add NAME --role admin`, or leave --host out."
        )
    try:
        listening = _listen(host, settings.port if port is None else port)
    except UsageError:
        portal.close()
        raise
    base = settings.public_url or f"http://{_shown(host)}:{listening.getsockname()[1]}"
    link = base if portal.team else f"{base}/start?token={portal.doors.link_token()}"
    configure_logging(json=json_logs)
    say(f"{opened.settings.name}: {link}")
    if not portal.team:
        say("The link works once. `productnet people add` makes accounts for a team.")
    if open_browser:
        typer.launch(link)
    config = uvicorn.Config(
        create_app(portal),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    # What is loaded stays: a collection that went through all of it would stop everybody for a
    # quarter of a second, every half minute under load.
    gc.collect()
    gc.freeze()
    # After each errand to the database a thread waits this long for one that computes.
    sys.setswitchinterval(_SWITCH_SECONDS)
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
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


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
