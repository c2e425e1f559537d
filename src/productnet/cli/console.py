"""How the command line talks: results on stdout, progress and errors on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichBars
from rich.table import Table
from rich.text import Text

from productnet.cli.job import JobFolder
from productnet.errors import ProductNetError
from productnet.progress import Advance

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

# The one job this process is, if the portal started it as one.
_jobs: list[JobFolder] = []


def report_to(job: JobFolder) -> None:
    """Write progress, and how it ends, into this folder from now on."""
    job.begin()
    _jobs.append(job)


def step(name: str) -> None:
    """Work has come to this step; a job says so, and people see the bars that follow."""
    for job in _jobs:
        job.step(name)


def end(status: int, message: str | None = None) -> None:
    """The command is over."""
    for job in _jobs:
        job.end(status, message)


class _Count(MofNCompleteColumn):
    """How many of how many; nothing for a task that counts nothing, such as loading a model."""

    def render(self, task: Task) -> Text:
        """The count, or an empty text."""
        return super().render(task) if task.completed or task.total else Text()


class _Rate(ProgressColumn):
    """How many a second; nothing for a task that counts nothing."""

    def render(self, task: Task) -> Text:
        """The rate, or an empty text."""
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed and speed >= 1 else "", style="progress.data.speed")


class Bars:
    """Progress drawn as bars on stderr; a task shorter than a moment leaves one line."""

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        """One bar; a line with the time it took stays when it ends. A job writes it down."""
        if _jobs:
            with _jobs[-1].task(label, total=total) as advance:
                yield advance
            return
        columns = (
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=32),
            _Count(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(elapsed_when_finished=False, compact=True),
        )
        with RichBars(*columns, console=err, refresh_per_second=5) as bars:
            task = bars.add_task(label, total=total)

            def advance(done: int, /, note: str = "") -> None:
                bars.update(task, advance=done)
                if note:
                    bars.update(task, description=f"{label} ({note})")

            yield advance
            if total is None:
                bars.update(task, total=bars.tasks[0].completed)


def show(result: Mapping[str, object], *, as_json: bool, human: Callable[[], None]) -> None:
    """Print a command's result: as one JSON object, or as people like it."""
    if as_json:
        sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    else:
        human()


def say(message: str) -> None:
    """A plain line to people; what came from a feed is never read as markup."""
    out.print(Text(message))


def table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[object]], *, decimals: int = 3
) -> None:
    """A small table; columns that hold numbers align right.

    Args:
        title: Above it.
        headers: A name a column.
        rows: Numbers and texts.
        decimals: Digits shown after the point.
    """
    grid = Table(title=Text(title), title_justify="left", header_style="bold", box=None)
    for position, header in enumerate(headers):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        grid.add_column(header, justify="right" if numeric else "left")
    for row in rows:
        grid.add_row(*(Text(_cell(value, decimals)) for value in row))
    out.print(grid)


def _cell(value: object, decimals: int) -> str:
    if isinstance(value, float):
        return f"{value:,.{decimals}f}"
    return "" if value is None else str(value)


def fail(error: ProductNetError) -> NoReturn:
    """Print the error as a sentence and leave with status 2."""
    end(2, str(error))
    err.print(Text.assemble(("error: ", "bold red"), str(error)))
    raise SystemExit(2)
