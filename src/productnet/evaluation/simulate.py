"""Simulating people on a whole project and comparing its sources, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from productnet.annotation.state import LeafProgress
from productnet.annotation.workflow import Workflow
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import UsageError
from productnet.evaluation.comparison import QUICK, ComparisonPlan, compare_sources
from productnet.evaluation.people import Team
from productnet.evaluation.reference import read_reference, reference_counts
from productnet.evaluation.simulation_record import SimulationRecord
from productnet.evaluation.standings import standings
from productnet.evaluation.work import Plan, Work, views
from productnet.progress import SILENT, Progress
from productnet.retrieval.registry import DEFAULT
from productnet.retrieval.resources import Resources
from productnet.settings import Project
from productnet.taxonomy.tree import Category, Taxonomy


@dataclass(frozen=True, slots=True)
class LeafResult:
    """What people made of one leaf.

    Attributes:
        category: The leaf's id.
        path: Its path, to read.
        views: Candidates the labeler looked at.
        available: Its products in the pool, by reference.
        progress: Counts and seconds.
    """

    category: str
    path: str
    views: int
    available: int
    progress: LeafProgress


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What a simulation came to.

    Attributes:
        leaves: What people made of every leaf, counting what they had done before; none where
            nobody was to work.
        comparison: How sources compare.
    """

    leaves: tuple[LeafResult, ...]
    comparison: SimulationRecord

    @property
    def total(self) -> LeafProgress:
        """The sum over leaves."""
        return sum((leaf.progress for leaf in self.leaves), LeafProgress())

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        after = self.comparison.after
        return {
            "leaves": [asdict(leaf) for leaf in self.leaves],
            "total": asdict(self.total),
            "comparison": {
                "views": self.comparison.views,
                "round": self.comparison.round,
                "cost": self.comparison.cost.model_dump(),
                "standings": [
                    {**asdict(one), "positives": dict(zip(after, one.positives, strict=True))}
                    for one in standings(self.comparison)
                ],
                "found": [
                    {**asdict(one), "target": one.target, "views_to_target": one.views_to_target}
                    for one in self.comparison.found
                ],
            },
        }

    def summary(self) -> str:
        """One sentence on people's work."""
        total = self.total
        return (
            f"{len(self.leaves)} leaves: {total.gold:,} gold products and "
            f"{total.hard_negatives:,} hard negatives from {total.decisions:,} decisions, "
            f"about {total.seconds / 3600:.1f} hours of work."
        )


def simulate(
    project: Project,
    *,
    leaves: Sequence[str] | None = None,
    people: bool = True,
    target: int | None = None,
    page_size: int = 20,
    source: str = DEFAULT,
    max_views: int = 400,
    labeler_error: float = 0.03,
    auditor_error: float = 0.02,
    unsure_rate: float = 0.01,
    comparison: ComparisonPlan = QUICK,
    seed: int | None = None,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
) -> SimulationResult:
    """Let simulated people label, audit and adjudicate, and compare sources for the report.

    Args:
        project: With pool, taxonomy, embeddings and reference labels.
        leaves: Ids, paths or names; every leaf that has products by reference when None.
        people: Whether people work at all; sources are compared in any case.
        target: Positives wanted of a leaf, and hard negatives in proportion; the settings' when
            None.
        page_size: Candidates a page.
        source: A name of ``SOURCES``.
        max_views: Candidates looked at in a leaf at most.
        labeler_error: Share of the labeler's answers that are wrong.
        auditor_error: Share of the auditor's answers that are wrong.
        unsure_rate: Share of questions either leaves open.
        comparison: How thoroughly sources are compared.
        seed: Of people and pages; the project's when None.
        progress: Told of every leaf.
        engine: Where sources are compared; people work in this process, one after another.

    Raises:
        UsageError: There are no reference labels, what is named is no leaf, or a rate is no share.
        UnknownName: There is no such source.
        EmbeddingError: There are no embeddings yet.
        ProjectError: Sources are being compared in this project already.
    """
    targets, seed = project.settings.targets, project.settings.seed if seed is None else seed
    for rate in (labeler_error, auditor_error, unsure_rate):
        if not 0 <= rate <= 1:
            raise UsageError(f"A rate of errors or doubts is a share, 0 to 1; {rate} is not.")
    target = target or targets.positives
    plan = Plan(
        positives=target,
        hard_negatives=round(targets.hard_negatives * target / targets.positives),
        page_size=page_size,
        max_views=max_views,
        source=source,
        seed=seed,
    )
    resources = Resources(project)
    truth = read_reference(project, resources.taxonomy)
    chosen = _chosen(resources.taxonomy, leaves, reference_counts(truth))
    team = Team.of(
        truth,
        cost=project.settings.cost,
        labeler_error=labeler_error,
        auditor_error=auditor_error,
        unsure_rate=unsure_rate,
        seed=seed,
    )
    results = _work(resources, team, plan, chosen, progress=progress) if people else ()
    compared = compare_sources(
        resources,
        truth,
        leaves=chosen,
        plan=comparison,
        seed=seed,
        progress=progress,
        engine=engine,
    )
    return SimulationResult(results, compared)


def _work(
    resources: Resources,
    team: Team,
    plan: Plan,
    leaves: Sequence[Category],
    *,
    progress: Progress,
) -> tuple[LeafResult, ...]:
    """Let people work on leaves until they are done with them."""
    counts = reference_counts(team.labeler.truth)
    workflow = Workflow.open(resources.project)
    with workflow.log:
        Work(workflow, resources, team, plan).on(leaves, progress=progress)
        state = workflow.log.state()
        return tuple(
            LeafResult(
                category=leaf.id,
                path=leaf.label,
                views=len(views(state, leaf.id, labeler=team.labeler.name)),
                available=counts.get(leaf.id, 0),
                progress=state.progress(leaf.id),
            )
            for leaf in leaves
        )


def _chosen(
    taxonomy: Taxonomy, named: Sequence[str] | None, counts: Mapping[str, int]
) -> list[Category]:
    if named is None:
        return [leaf for leaf in taxonomy.leaves if leaf.id in counts]
    return [taxonomy.find_leaf(name) for name in named]
