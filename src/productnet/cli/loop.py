"""Commands of the loop: ``embed``, ``round``, ``status``, ``report``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from productnet.cli.console import Bars, say, show, step, table
from productnet.cli.options import HERE, AddressOption, EngineOption, JsonOption, ProjectOption
from productnet.cli.simulate import simulate
from productnet.errors import UsageError
from productnet.settings import Project

LOOP_PANEL = "Go round the loop"


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    for command in (embed, simulate, round_, status, report):
        app.command(command.__name__.rstrip("_"), rich_help_panel=LOOP_PANEL)(command)


def embed(
    engine: EngineOption = None,
    address: AddressOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Embed the pool with the pretrained encoders, draw its map, find near-duplicates, index words.

    Each text and image is encoded once and remembered: the same command again goes on after a
    kill, and encodes only what is new.

    Examples:
        productnet embed

        productnet embed --project my-shop --json

        productnet embed --engine ray --address 10.0.0.1:6379
    """
    from productnet.embeddings.active import active_set
    from productnet.embeddings.initial import embed_initial
    from productnet.embeddings.map import build_map
    from productnet.embeddings.near_duplicates import find_near_duplicates
    from productnet.engine.registry import open_engine
    from productnet.retrieval.resources import refresh_words

    opened = Project.open(project)
    with open_engine(opened.settings.engine, name=engine, address=address) as where:
        stamp = embed_initial(opened, progress=Bars(), engine=where).stamp
        # Of the set in use too, if a round made it before there were maps.
        build_map(active_set(opened), progress=Bars())
        duplicates = find_near_duplicates(opened, progress=Bars(), engine=where)
    refresh_words(opened, progress=Bars())

    def human() -> None:
        say(f"Embedded {stamp.count:,} products in {stamp.dimension} dimensions ({stamp.encoder}).")
        if kept := stamp.notes.get("neighbours_kept"):
            say(
                f"Reduced from {stamp.notes['joined_dimension']} dimensions, which keeps "
                f"{kept:.1%} of each product's 10 nearest."
            )
        if len(duplicates):
            say(
                f"{len(duplicates):,} products have near-duplicates, in {duplicates.group_count:,} "
                "groups that are shown as one card each."
            )

    result = asdict(stamp) | {
        "near_duplicates": len(duplicates),
        "near_duplicate_groups": duplicates.group_count,
    }
    show(result, as_json=json, human=human)


def round_(
    preset: Annotated[
        str | None, typer.Option(help="Preset of the master model [default: the setting]")
    ] = None,
    image: Annotated[
        str | None, typer.Option(help="Another image encoder than the preset's")
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Train the master model on gold, embed the pool with it, recommend categories.

    Steps: train, evaluate, embed, index, recommend, activate. A round that was stopped goes on
    with the step it was in; people go on with the previous one until the last step.

    Examples:
        productnet round

        productnet round --preset paper --image efficientnet-lite0
    """
    from productnet.evaluation.round_metrics import METRICS_FILE, RoundMetrics
    from productnet.events.kinds import Kind
    from productnet.rounds.news import telling
    from productnet.rounds.round import run_round

    opened = Project.open(project)
    with telling(opened, failure=Kind.ROUND_FAILED):
        outcome = run_round(opened, preset=preset, image=image, on_step=step, progress=Bars())
    record = outcome.record
    metrics = RoundMetrics.load(record.folder(opened) / METRICS_FILE)
    result = {
        "round": record.number,
        "resumed": outcome.resumed,
        "preset": record.preset,
        "seconds": dict(zip(record.done, record.seconds, strict=True)),
        "table": [asdict(row) for row in metrics.table],
        "embedding_set": record.name,
    }

    def human() -> None:
        own = metrics.master
        table(
            f"Round {record.number}: trained on {own.n_train:,} gold products, "
            f"tested on {own.n_test:,} others",
            ("model", "top-1", "top-3", "top-5", "macro F1"),
            [(row.name, row.top1, row.top3, row.top5, row.macro_f1) for row in metrics.table],
        )
        say("Its embedding set and recommendations are in use now. Next: productnet report")

    show(result, as_json=json, human=human)


def status(project: ProjectOption = HERE, json: JsonOption = False) -> None:
    """Tell what the project holds and how far each leaf is.

    A leaf is covered as far as the products that look like it are close to one of its positives.
    Where little is covered, the leaf has sides that nobody has labelled yet.

    Examples:
        productnet status

        productnet status --json
    """
    from productnet.rounds.status import project_status

    found = project_status(Project.open(project), progress=Bars())

    def human() -> None:
        for line in found.lines():
            say(line)
        if found.leaves:
            table(
                "Leaves begun",
                ("leaf", "gold", "to audit", "disputed", "hard negatives", "decisions", "covered"),
                [
                    (
                        leaf.path,
                        leaf.progress.gold,
                        leaf.progress.to_audit,
                        leaf.progress.disputed,
                        leaf.progress.hard_negatives,
                        leaf.progress.decisions,
                        "" if leaf.coverage is None else f"{leaf.coverage:.0%}",
                    )
                    for leaf in found.leaves
                ],
            )

    show(found.as_dict(), as_json=json, human=human)


def report(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to [default: reports/report.html]")
    ] = None,
    charts: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the charts there, too, each as an SVG file"),
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write one HTML page on progress, accuracy, candidates and cost.

    Examples:
        productnet report

        productnet report --out progress.html --charts figures
    """
    from productnet.evaluation.report.collect import collect_report
    from productnet.evaluation.report.render import write_charts, write_report

    opened = Project.open(project)
    if out is not None and out.is_dir():
        raise UsageError(f"{out} is a folder. Name a file in it, such as {out / 'report.html'}.")
    path = out or opened.reports_path / "report.html"
    data = collect_report(opened, progress=Bars())
    write_report(path, data)
    drawn = write_charts(charts, data) if charts else []
    result = {"report": str(path), "charts": [str(file) for file in drawn]}

    def human() -> None:
        say(f"Report: {path}")
        if charts:
            say(f"{len(drawn)} charts: {charts}")

    show(result, as_json=json, human=human)
