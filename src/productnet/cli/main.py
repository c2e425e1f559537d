"""The ``productnet`` command: its groups of commands, and how errors leave it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from productnet import __version__
from productnet.cli import (
    backup,
    candidates,
    categorize,
    console,
    data,
    demo,
    handing_on,
    inspection,
    loop,
    models,
    people,
    release,
    search,
    serve,
    training,
)
from productnet.cli.console import err, fail
from productnet.cli.job import JobFolder
from productnet.errors import ProductNetError

app = typer.Typer(
    name="productnet",
    help="From raw product listings to a labelled dataset and a product representation.",
    epilog="Start with: productnet init my-shop --taxonomy taxonomy.txt",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"productnet {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version"
    ),
    job: Annotated[
        Path | None, typer.Option(hidden=True, help="Where the portal reads how far this is")
    ] = None,
) -> None:
    """From raw product listings to a labelled dataset and a product representation."""
    if job is not None:
        console.report_to(JobFolder(job))


for group in (
    data,
    loop,
    inspection,
    release,
    handing_on,
    candidates,
    people,
    training,
    categorize,
    models,
    search,
    serve,
    backup,
    demo,
):
    group.register(app)


def run() -> None:
    """Entry point: what a user did wrong is one sentence and exit status 2, never a traceback."""
    try:
        _run()
    except SystemExit as exit:
        console.end(exit.code if isinstance(exit.code, int) else int(exit.code is not None))
        raise
    except BaseException as error:
        console.end(1, f"{type(error).__name__}. The job's log tells where.")
        raise


def _run() -> None:
    try:
        app()
    except ProductNetError as error:
        fail(error)
    except KeyboardInterrupt:
        err.print("Stopped. The same command goes on where this one was.")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(141)
    except OSError as error:  # whatever else the machine refuses: a full disk, rights, a bad path
        named = f"{error.filename}: " if error.filename else ""
        advice = (
            "Check the disk's free space and the rights on that path, then run the command again."
        )
        fail(ProductNetError(f"{named}{error.strerror or error}. {advice}"))
