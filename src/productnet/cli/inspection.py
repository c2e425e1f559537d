"""The command that looks for flaws of the dataset itself: ``inspect``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.loop import LOOP_PANEL
from productnet.cli.options import HERE, JsonOption, ProjectOption
from productnet.errors import UsageError, did_you_mean
from productnet.settings import Project

if TYPE_CHECKING:
    from productnet.inspection.flaws import Flaw
    from productnet.inspection.run import Inspected

# Leave status of a command that found what --fail-on asked about.
_FAILED = 1


def register(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command("inspect", rich_help_panel=LOOP_PANEL)(inspect_)


def inspect_(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="One inspection; again for more [default: all]"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write what was found: .parquet, .csv or .json"),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            metavar="SEVERITY", help="End with status 1 if there is an error, a warning or a note"
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows shown of each severity")] = 20,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Look for flaws of the data: labels that contradict, leaves too thin or alike, broken fields.

    Each comes with what was seen and what to do about it. Nothing is changed. The portal shows
    what was found last.

    Examples:
        productnet inspect

        productnet inspect --only brands --only misplaced --out flaws.csv

        productnet inspect --fail-on error
    """
    from productnet.inspection.flaws import Severity, at_least
    from productnet.inspection.run import check_flaws_file, inspect_project, write_flaws

    if fail_on is not None and fail_on not in list(Severity):
        raise UsageError(f'--fail-on: there is no "{fail_on}". {did_you_mean(fail_on, Severity)}')
    if out is not None:
        check_flaws_file(out)
    found = inspect_project(Project.open(project), only=only or (), progress=Bars())
    if out is not None:
        write_flaws(out, found)
    result = {"out": None if out is None else str(out), **asdict(found)}
    show(result, as_json=json, human=lambda: _tell(found, out, limit))
    if fail_on is not None and at_least(found.flaws, Severity(fail_on)):
        raise typer.Exit(_FAILED)


def _tell(found: "Inspected", out: Path | None, limit: int) -> None:
    from productnet.inspection.flaws import Severity

    for severity in Severity:
        flaws = [flaw for flaw in found.flaws if flaw.severity is severity]
        if flaws:
            table(
                f"{len(flaws):,} of severity {severity}",
                ("inspection", "what was seen", "advice"),
                [_row(flaw) for flaw in flaws[:limit]],
            )
            if len(flaws) > limit:
                say(f"  and {len(flaws) - limit:,} more; --out FILE writes them all")
    for name, reason in found.skipped.items():
        say(f"Not looked at: {name}. {reason}")
    if not found.flaws:
        say("No flaw was found." if not found.skipped else "No flaw was found in the rest.")
    if out is not None:
        say(f"Written: {out}")


def _row(flaw: "Flaw") -> tuple[str, str, str]:
    return flaw.inspection, flaw.seen, flaw.advice
