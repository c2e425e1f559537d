"""Serving the model to programs: what ``serve --api`` does."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from productnet.cli.console import say
from productnet.errors import UsageError
from productnet.settings import Project, Settings

if TYPE_CHECKING:
    from productnet.people.doors import Doors


def serve_model(
    project: Path,
    model: Path | None,
    *,
    host: str | None,
    port: int | None,
    keys: bool | None,
    json_logs: bool,
) -> None:
    """Serve a project's model, or one in a folder, until stopped.

    Raises:
        UsageError: It would be open to other machines, or cannot listen there.
        ModelError: There is no model.
    """
    # Before anything heavy is loaded. Batches are small: threads that wait for one another would
    # cost more than they do, and encoders run on every core by themselves.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

    from productnet.serving.api.app import create_app
    from productnet.serving.service import ModelService
    from productnet.serving.watch import mark_of_folder, mark_of_project
    from productnet.web.listening import listen, serve_at, shown
    from productnet.web.logs import configure_logging

    opened = _project(project, needed=model is None)
    settings = opened.settings if opened else Settings()
    host = host or settings.serving.host
    with ExitStack() as stack:
        doors = _doors(opened, host, keys, stack)
        if model is not None:
            service = ModelService.of_folder(model, project=opened)
            mark = mark_of_folder(model)
        else:
            assert opened is not None
            service = ModelService.of_project(opened)
            mark = mark_of_project(opened)
        stack.callback(service.close)
        listening = listen(host, settings.serving.port if port is None else port)
        configure_logging(json=json_logs)
        say(f"Model {service.now.name}: http://{shown(host)}:{listening.getsockname()[1]}/v1")
        if doors is None:
            say("No API key is asked for; only this machine is served.")
        serve_at(listening, create_app(service, settings=settings, doors=doors, mark=mark))


def _project(folder: Path, *, needed: bool) -> Project | None:
    """The project of this folder; None where a model is served without one."""
    if not needed and not (folder / Project.SETTINGS_FILE).is_file():
        return None
    return Project.open(folder)


def _doors(
    project: Project | None, host: str, keys: bool | None, stack: ExitStack
) -> "Doors | None":
    """Who knows the API keys; None where none are asked for. Raises UsageError."""
    from productnet.database.database import Database
    from productnet.people.doors import Doors
    from productnet.web.listening import is_loopback

    doors = None
    if project is not None and keys is not False:
        database = stack.enter_context(Database.open(project.database_url))
        doors = Doors.open(database, project.settings.sign_in)
        # As the portal tells a team from the one who works alone, whose account it made by itself.
        by_provider = project.settings.sign_in.oidc_issuer is not None
        if keys is None and not by_provider and not doors.people.any_password():
            doors = None
    if doors is None and keys:
        raise UsageError("API keys are kept in a project. Name one with --project, or --no-keys.")
    if doors is None and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and no API key would be asked for. Make "
            "an account and a key with `productnet people add` and `productnet people key add`, "
            "or leave --host out."
        )
    return doors
