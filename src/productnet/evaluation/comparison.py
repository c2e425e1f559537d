"""Sources compared over many leaves (paper figure 3 and section 3.3)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from productnet import __version__
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.initial import initial_set
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import UsageError
from productnet.evaluation.journal import Journal
from productnet.evaluation.reference import reference_counts
from productnet.evaluation.simulation_record import SIMULATION_FILE, Found, SimulationRecord
from productnet.evaluation.standings import TABLE_FILE, write_table
from productnet.evaluation.trials import PAGE, Trial, Trials
from productnet.evaluation.workers import one_thread, run_in_processes, trials_of
from productnet.files import alone, file_hash
from productnet.progress import SILENT, Progress
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.tree import Category

# Leaves compared when not every one is, among those with enough to find for a comparison to mean
# something. Of as many first pages are kept.
_FEW: Final = 4
_ENOUGH: Final = 10

_JOURNAL = ".simulation.jsonl"
_LOCK = ".simulation.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """How thoroughly sources are compared.

    Attributes:
        every_leaf: Compare on every leaf, not on a few.
        seeds: How many seeds are tried.
        views: Candidates looked at in a leaf at most.
        after: Views after which positives are counted.
        workers: Processes that share the work.

    Raises:
        UsageError: A number is below one.
    """

    every_leaf: bool = False
    seeds: int = 1
    views: int = 100
    after: tuple[int, ...] = (20, 50, 100, 200)
    workers: int = 1

    def __post_init__(self) -> None:
        lowest = min(self.seeds, self.views, self.workers, *self.after)
        if lowest < 1:
            raise UsageError(
                "A comparison needs one seed, one view and one worker at least, and counts "
                f"positives after one view at the earliest; {lowest} is too few."
            )


# A few leaves, in a few seconds.
QUICK: Final = ComparisonPlan()


def compare_sources(
    resources: Resources,
    truth: Mapping[str, str],
    *,
    leaves: Sequence[Category],
    plan: ComparisonPlan,
    seed: int,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
) -> SimulationRecord:
    """Let every source look for the positives of leaves, and keep what came of it for the report.

    The same trials have the same outcome, however many workers share them. One that was killed
    goes on when it is called again.

    Args:
        resources: Of the project.
        truth: Product id to leaf, by reference.
        leaves: To choose from.
        plan: How thoroughly.
        seed: The first seed.
        progress: Told of every trial.
        engine: Where trials run; of this process, in as many processes as the plan says.

    Raises:
        ProjectError: Another comparison runs in this project.
        UsageError: A worker process died.
    """
    project = resources.project
    own = Trials(resources, truth, views=plan.views)
    findable = {leaf: own.findable(own.start(leaf.id, seed=seed)) for leaf in leaves}
    worth = [leaf for leaf, count in findable.items() if count]
    few = _few(worth, findable)
    trials = [
        Trial(leaf.id, source, seed + number)
        for leaf in (worth if plan.every_leaf else few)
        for source in own.contenders
        for number in range(plan.seeds)
    ]
    folder = project.reports_path
    folder.mkdir(parents=True, exist_ok=True)
    busy = f"Sources are being compared in {project.root} already. Wait for it to end."
    with (
        alone(folder / _LOCK, busy=busy),
        one_thread(),
        Journal.open(folder / _JOURNAL, depends_on=_depends_on(project, plan)) as journal,
    ):
        # Before any worker starts, so that a keyword index that lacks is built once.
        pages = [
            own.first_page(Trial(leaf.id, source, seed))
            for leaf in few
            for source in own.contenders
        ]
        left = [trial for trial in trials if trial not in journal.found]
        with progress.task("Comparing sources", total=len(trials)) as advance:
            advance(len(trials) - len(left))
            for found in _outcomes(own, left, project, plan, engine):
                journal.add(found)
                advance(1)
        active = read_active(project)
        record = SimulationRecord(
            found=tuple(journal.found[trial] for trial in trials),
            pages=tuple(pages),
            reference_counts=reference_counts(truth),
            views=plan.views,
            after=tuple(sorted({min(views, plan.views) for views in plan.after})),
            round=active.round if active else None,
            cost=project.settings.cost,
        )
        record.save(folder / SIMULATION_FILE)
        write_table(folder / TABLE_FILE, record, {leaf.id: leaf.label for leaf in leaves})
    return record


def _few(leaves: Sequence[Category], findable: Mapping[Category, int]) -> list[Category]:
    """A few leaves, evenly spread over those with enough to find; over all where none has."""
    rich = [leaf for leaf in leaves if findable[leaf] >= _ENOUGH] or leaves
    places = np.linspace(0, len(rich) - 1, min(_FEW, len(rich)))
    return [rich[int(place)] for place in places]


def _outcomes(
    own: Trials, trials: Sequence[Trial], project: Project, plan: ComparisonPlan, engine: Engine
) -> Iterator[Found]:
    if engine.apart:
        return engine.each(partial(trials_of, project.root.resolve(), plan.views), trials)
    if plan.workers == 1:
        return map(own.run, trials)
    return run_in_processes(project, trials, views=plan.views, workers=plan.workers)


def _depends_on(project: Project, plan: ComparisonPlan) -> dict[str, object]:
    """What the outcome of a trial follows from."""
    stamps = (initial_set(project).stamp, active_set(project).stamp)
    active = read_active(project)
    return {
        "version": __version__,
        "views": plan.views,
        "page": PAGE,
        "seed": project.settings.seed,
        "round": active.round if active else None,
        "embeddings": [[stamp.name, stamp.created_at] for stamp in stamps],
        "taxonomy": file_hash(project.taxonomy_path),
        "reference": file_hash(project.reference_path),
    }
