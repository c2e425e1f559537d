"""The ``simulate`` command: simulated people at work, then the sources of candidates compared."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.options import (
    HERE,
    AddressOption,
    EngineOption,
    JsonOption,
    ProjectOption,
    split_numbers,
)
from productnet.settings import Project

if TYPE_CHECKING:
    from productnet.evaluation.simulation_record import SimulationRecord


class CompareOn(StrEnum):
    """Leaves that ``simulate`` compares sources on."""

    FEW = "few"
    ALL = "all"


def simulate(
    leaf: Annotated[
        list[str] | None, typer.Option("--leaf", help="Only this leaf; can be repeated")
    ] = None,
    target: Annotated[
        int | None, typer.Option(min=1, help="Positives wanted of each leaf [default: the setting]")
    ] = None,
    source: Annotated[str, typer.Option(help="Source of candidates")] = "mixed",
    page_size: Annotated[int, typer.Option(min=1, help="Candidates a page")] = 20,
    max_views: Annotated[
        int, typer.Option(min=1, help="Candidates to view at most in a leaf")
    ] = 400,
    labeler_error: Annotated[
        float, typer.Option(min=0, max=1, help="Share of wrong answers, labeler")
    ] = 0.03,
    auditor_error: Annotated[
        float, typer.Option(min=0, max=1, help="Share of wrong answers, auditor")
    ] = 0.02,
    no_people: Annotated[
        bool, typer.Option("--no-people", help="Only compare sources; nobody decides anything")
    ] = False,
    compare: Annotated[CompareOn, typer.Option(help="Leaves to compare sources on")] = (
        CompareOn.FEW
    ),
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of the comparison")] = 1,
    views: Annotated[
        int, typer.Option(min=1, help="Candidates of each source to view at most in a leaf")
    ] = 100,
    after: Annotated[
        str, typer.Option(metavar="VIEWS,...", help="Count positives after so many views")
    ] = "20,50,100,200",
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the comparison")] = 1,
    engine: EngineOption = None,
    address: AddressOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Let simulated people label, audit and adjudicate; then compare the sources of candidates.

    People make the same workflow calls as you do, driven by the reference labels. The comparison
    records no decisions; it counts the positives that each source brings (paper section 3.3).
    The same command again goes on after a kill.

    Examples:
        productnet simulate --target 20

        productnet simulate --leaf mugs --source nearest --labeler-error 0

        productnet simulate --no-people --compare all --seeds 3 --views 200 --workers 2

        productnet simulate --no-people --compare all --engine ray
    """
    from productnet.engine.registry import open_engine
    from productnet.evaluation.comparison import ComparisonPlan
    from productnet.evaluation.simulate import simulate as run_simulation

    plan = ComparisonPlan(
        every_leaf=compare is CompareOn.ALL,
        seeds=seeds,
        views=views,
        after=split_numbers(after, option="--after"),
        workers=workers,
    )
    opened = Project.open(project)
    with open_engine(opened.settings.engine, name=engine, address=address) as where:
        result = run_simulation(
            opened,
            leaves=leaf,
            people=not no_people,
            target=target,
            source=source,
            page_size=page_size,
            max_views=max_views,
            labeler_error=labeler_error,
            auditor_error=auditor_error,
            comparison=plan,
            progress=Bars(),
            engine=where,
        )

    def human() -> None:
        if not no_people:
            say(result.summary())
        _show_standings(result.comparison)

    show(result.as_dict(), as_json=json, human=human)


def _show_standings(record: "SimulationRecord") -> None:
    from productnet.evaluation.simulation_record import TARGET
    from productnet.evaluation.standings import standings

    if not record.found:
        say("Sources were not compared: no leaf has a product left to find.")
        return
    begun = f"the gold of round {record.round}" if record.round else "one of each kind"
    table(
        f"Sources on {len(record.leaves)} leaves, each begun with {begun}",
        ("source", *map(str, record.after), "views", "done %", "minutes", "speed-up"),
        [
            (
                one.source,
                *one.positives,
                f"> {record.views}" if one.views is None else round(one.views),
                round(100 * one.reached),
                one.minutes,
                one.speed_up,
            )
            for one in standings(record)
        ],
        decimals=1,
    )
    say(
        f"Positives after so many views; views to {TARGET} positives or all, and leaves done by "
        "then; minutes of people's time a leaf; how many times as many views chance takes for as "
        "many positives."
    )
