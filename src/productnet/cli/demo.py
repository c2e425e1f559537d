"""The ``demo`` command: the whole loop on the generated store, by the commands one would type."""

import shlex
import shutil
import time
from pathlib import Path
from typing import Annotated

import typer

from productnet.cli.console import Bars, err, say
from productnet.errors import UsageError
from productnet.settings import Project

# Written into a demo folder, so that only a demo is ever replaced.
_MARK = ".productnet-demo"


def register(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(rich_help_panel="Try it")(demo)


def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make")] = Path(
        "demo-shop"
    ),
    size: Annotated[int, typer.Option(min=200, help="Products in the generated store")] = 2_000,
    seed: Annotated[int, typer.Option(help="Seed of the store and the people")] = 0,
) -> None:
    """Go twice round the loop on a generated shop with simulated people, in a few minutes.

    Each command is shown as it runs, so that you can go on by hand from there. A demo folder made
    before is replaced.

    Examples:
        productnet demo

        productnet demo my-demo --size 5000
    """
    from productnet.catalog.store.files import write_store

    started = time.perf_counter()
    _clear(directory)
    feed = directory / "feed"
    say(f"A generated shop of {size:,} products, in {feed}")
    files = write_store(feed, size=size, seed=seed, progress=Bars())
    (directory / _MARK).touch()

    here = ["--project", str(directory)]
    _run("init", str(directory), "--taxonomy", str(files.taxonomy), "--seed", str(seed))
    _run("import", str(files.feed), *here)
    _write_guidelines(Project.open(directory))
    # The true categories of the generated products: for simulated people and the report only.
    shutil.copy(files.reference, Project.open(directory).reference_path)
    _run("embed", *here)
    for target in (15, 30):
        _run("simulate", "--target", str(target), *here)
        _run("round", *here)
    _run("report", *here)
    _run("release", "make", "0.1.0", *here)
    _show_figures(Project.open(directory), seconds=time.perf_counter() - started)


def _show_figures(project: Project, *, seconds: float) -> None:
    from productnet.evaluation.round_metrics import METRICS_FILE, RoundMetrics
    from productnet.rounds.record import read_rounds
    from productnet.rounds.status import project_status

    total = project_status(project).total
    rounds = [
        RoundMetrics.load(record.folder(project) / METRICS_FILE) for record in read_rounds(project)
    ]
    say(f"\nDone in {seconds // 60:.0f} min {seconds % 60:.0f} s.")
    say(f"Gold: {total.gold:,} products, from {total.decisions:,} decisions.")
    for metrics in rounds:
        rows = ", ".join(f"{row.name} {row.top1:.1%}" for row in metrics.table)
        say(f"Round {metrics.round}, top-1: {rows}.")
    say(f"Report: {project.reports_path / 'report.html'}")


def _clear(directory: Path) -> None:
    if not directory.exists():
        return
    if not (directory / _MARK).exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} exists and is not a demo. Choose another folder.")
    shutil.rmtree(directory)


def _write_guidelines(project: Project) -> None:
    from productnet.catalog.store.leaves import store_guidelines
    from productnet.taxonomy.guidelines import Guideline, write_guideline
    from productnet.taxonomy.tree import Taxonomy

    taxonomy = Taxonomy.load(project.taxonomy_path)
    for path, texts in store_guidelines().items():
        write_guideline(project.guidelines_path, taxonomy.find(path), Guideline(**texts))


def _run(*arguments: str) -> None:
    from productnet.cli.main import app

    err.print()
    say(f"$ productnet {shlex.join(arguments)}")
    app(list(arguments), standalone_mode=False)
