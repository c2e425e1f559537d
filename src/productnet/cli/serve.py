"""The command that serves the portal, or the model alone: ``serve``."""

from pathlib import Path
from typing import Annotated

import typer

from productnet.cli.console import say
from productnet.cli.options import HERE, ProjectOption
from productnet.cli.serve_model import serve_model
from productnet.errors import UsageError
from productnet.settings import Project

SERVE_PANEL = "Work together"


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
    api: Annotated[
        bool, typer.Option("--api", help="Serve the model to programs instead: /v1/categorize …")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(help="With --api: folder of a model [default: the project's round in use]"),
    ] = None,
    keys: Annotated[
        bool | None,
        typer.Option(
            "--keys/--no-keys",
            help="With --api: whether to ask for API keys [default: if there are accounts]",
        ),
    ] = None,
    project: ProjectOption = HERE,
) -> None:
    """Serve the portal, where people label, audit and settle, and the HTTP API.

    Without accounts it is for you alone: it listens on this machine only and prints a link that
    works once. With accounts (`productnet people add`) people sign in by name and password.

    With --api it is the model that is served, and nothing else: categories, embeddings and similar
    products, described by /v1/openapi.json. Another round that is activated, or another model
    saved to the same folder, takes over while it serves.

    Examples:
        productnet serve

        productnet serve --host 0.0.0.0 --port 8400 --json-logs

        productnet serve --api --port 8500

        productnet serve --api --model models/mugs
    """
    if api:
        serve_model(project, model, host=host, port=port, keys=keys, json_logs=json_logs)
        return
    for name, given in (("--model", model), ("--keys and --no-keys", keys)):
        if given is not None:
            raise UsageError(f"{name} goes with --api.")
    from productnet.portal.app import create_app
    from productnet.portal.portal import Portal
    from productnet.web.listening import is_loopback, listen, serve_at, shown
    from productnet.web.logs import configure_logging

    opened = Project.open(project)
    settings = opened.settings.portal
    host = host or settings.host
    portal = Portal.open(opened)
    if not portal.team and not is_loopback(host):
        portal.close()
        raise UsageError(
            f"Nobody has an account yet, and {host} can be reached from other machines. Make one "
            "with `productnet people add NAME --role admin`, or leave --host out."
        )
    try:
        listening = listen(host, settings.port if port is None else port)
    except UsageError:
        portal.close()
        raise
    base = settings.public_url or f"http://{shown(host)}:{listening.getsockname()[1]}"
    link = base if portal.team else f"{base}/start?token={portal.doors.link_token()}"
    configure_logging(json=json_logs)
    say(f"{opened.settings.name}: {link}")
    if not portal.team:
        say("The link works once. `productnet people add` makes accounts for a team.")
    if open_browser:
        typer.launch(link)
    serve_at(listening, create_app(portal))
