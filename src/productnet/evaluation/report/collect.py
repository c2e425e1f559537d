"""Gathering what a project has into the report's data, whatever is there already."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import pyarrow.compute as pc
import pyarrow.parquet as pq

from productnet.annotation.log import DecisionLog
from productnet.annotation.state import State
from productnet.catalog.pool import Pool
from productnet.catalog.schema import THUMBNAIL
from productnet.embeddings.active import active_set, read_active
from productnet.embeddings.initial import NAME as INITIAL
from productnet.embeddings.sets import EmbeddingSet
from productnet.evaluation.cost import random_views
from productnet.evaluation.report.album import Album
from productnet.evaluation.report.compared import PAGE_SHOWN, compared, strips
from productnet.evaluation.report.data import (
    ConfusedLeaves,
    EmbeddingFacts,
    EmbeddingMap,
    Headline,
    LeafCoverage,
    LeafReport,
    ReportData,
)
from productnet.evaluation.report.plane import embedding_map
from productnet.evaluation.round_metrics import METRICS_FILE, RoundMetrics
from productnet.evaluation.simulation_record import SIMULATION_FILE, SimulationRecord
from productnet.progress import SILENT, Progress
from productnet.release.manifest import MANIFEST
from productnet.settings import Project
from productnet.taxonomy.tree import Category, Taxonomy

_PAIRS_SHOWN = 12
_MISTAKES_SHOWN = 4
_TYPICAL_SHOWN = 2
# Looked through for a gold product that has an image.
_FACES_TRIED = 5
# Leaves shown with a picture; a taxonomy of thousands would make the page too heavy.
_FACES_SHOWN = 200


def collect_report(project: Project, *, progress: Progress = SILENT) -> ReportData:
    """What the report can show of a project now; what is not there yet stays empty.

    Raises:
        ModelError: A round's metrics or a simulation's record is damaged.
        EmbeddingError: The active embedding set is damaged.
    """
    with progress.task("Gathering the report", total=4) as advance:
        taxonomy = Taxonomy.load_if_any(project.taxonomy_path)
        pool = Pool.open(project.pool_path) if Pool.exists(project.pool_path) else None
        state = _state(project)
        rounds = tuple(_rounds(project))
        simulation = _simulation(project)
        advance(1)
        leaves = taxonomy.leaves if taxonomy else ()
        album = _album(pool, leaves, state, rounds, simulation)
        advance(1)
        reports = _leaves(project, leaves, state, simulation, album, pool_size=len(pool or ()))
        headline = _headline(project, pool, leaves, reports)
        advance(1)
        paths = {leaf.id: leaf.path for leaf in leaves}
        embeddings, plane = _embeddings(project, state, paths)
        advance(1)
    now = datetime.now(UTC)
    return ReportData(
        project=project.settings.name,
        generated_at=f"{now.day} {now:%B %Y, %H:%M} UTC",
        taxonomy=str(taxonomy or ""),
        target_positives=project.settings.targets.positives,
        target_hard_negatives=project.settings.targets.hard_negatives,
        headline=headline,
        leaves=reports,
        rounds=rounds,
        confused=_confused(rounds, state, paths, album),
        coverages=_coverages(rounds, paths),
        strips=strips(simulation.pages, paths, album),
        compared=compared(simulation),
        map=plane,
        embeddings=embeddings,
        import_errors=_import_errors(project),
    )


def _state(project: Project) -> State:
    """The state of annotation; empty, without making a database, where nobody has decided."""
    if not project.settings.database_url and not project.decisions_path.exists():
        return State()
    with DecisionLog.open(project.database_url) as log:
        return log.whole()


def _rounds(project: Project) -> Iterable[RoundMetrics]:
    for path in sorted(project.models_path.glob(f"round-*/{METRICS_FILE}")):
        yield RoundMetrics.load(path)


def _simulation(project: Project) -> SimulationRecord:
    path = project.reports_path / SIMULATION_FILE
    return SimulationRecord.load(path) if path.exists() else SimulationRecord()


def _album(
    pool: Pool | None,
    leaves: Sequence[Category],
    state: State,
    rounds: Sequence[RoundMetrics],
    simulation: SimulationRecord,
) -> Album:
    """Every picture the report may show."""
    if pool is None:
        return Album({})
    wanted = {product for leaf in leaves for product in state.gold(leaf.id)[:_FACES_TRIED]}
    for pair in rounds[-1].confused[:_PAIRS_SHOWN] if rounds else ():
        wanted.update(pair.examples[:_MISTAKES_SHOWN])
    for page in simulation.pages:
        wanted.update(page.products[:PAGE_SHOWN])
    return Album.read(pool, wanted)


def _leaves(
    project: Project,
    leaves: Sequence[Category],
    state: State,
    simulation: SimulationRecord,
    album: Album,
    *,
    pool_size: int,
) -> tuple[LeafReport, ...]:
    """Every leaf with decisions, in the taxonomy's order."""
    begun = set(state.categories())
    reports: list[LeafReport] = []
    for leaf in leaves:
        if leaf.id in begun:
            reference = simulation.reference_counts.get(leaf.id)
            shown = album if len(reports) < _FACES_SHOWN else Album({})
            reports.append(_leaf(project, leaf, state, reference, shown, pool_size))
    return tuple(reports)


def _leaf(
    project: Project,
    leaf: Category,
    state: State,
    reference: int | None,
    album: Album,
    pool_size: int,
) -> LeafReport:
    progress = state.progress(leaf.id)
    faces = album.with_image(state.gold(leaf.id)[:_FACES_TRIED], count=1)
    at_random = None
    if reference and progress.decisions and pool_size >= reference:
        found = min(progress.labelled_positive, reference)
        # Whoever found them, gold takes an audit more.
        at_random = random_views(found, positives=reference, pool=pool_size) + progress.gold
    return LeafReport(
        path=leaf.path,
        gold=progress.gold,
        to_audit=progress.to_audit,
        hard_negatives=progress.hard_negatives,
        disputed=progress.disputed,
        decisions=progress.decisions,
        seconds=progress.seconds or progress.decisions * project.settings.cost.label_seconds,
        random_decisions=at_random,
        picture=faces[0] if faces else None,
    )


def _headline(
    project: Project,
    pool: Pool | None,
    leaves: Sequence[Category],
    reports: Sequence[LeafReport],
) -> Headline:
    with_image = 0
    for batch in pool.scan(columns=[THUMBNAIL]) if pool else ():
        with_image += len(batch) - batch.column(THUMBNAIL).null_count
    return Headline(
        products=len(pool or ()),
        with_image=with_image,
        leaves=len(leaves),
        decisions=sum(leaf.decisions for leaf in reports),
        seconds=sum(leaf.seconds for leaf in reports),
        gold=sum(leaf.gold for leaf in reports),
        hard_negatives=sum(leaf.hard_negatives for leaf in reports),
        disputed=sum(leaf.disputed for leaf in reports),
        releases=sum(1 for _ in project.releases_path.glob(f"[0-9]*/{MANIFEST}")),
    )


def _confused(
    rounds: Sequence[RoundMetrics],
    state: State,
    paths: Mapping[str, tuple[str, ...]],
    album: Album,
) -> tuple[ConfusedLeaves, ...]:
    def typical(leaf: str, shown: Sequence[str]) -> Sequence[str]:
        return [one for one in state.gold(leaf)[:_FACES_TRIED] if one not in shown]

    pairs = [
        pair
        for pair in (rounds[-1].confused if rounds else ())
        if pair.truth in paths and pair.predicted in paths
    ]
    return tuple(
        ConfusedLeaves(
            truth=paths[pair.truth],
            predicted=paths[pair.predicted],
            count=pair.count,
            share=pair.share,
            mistaken=album.pictures(pair.examples[:_MISTAKES_SHOWN]),
            typical_truth=album.with_image(
                typical(pair.truth, pair.examples), count=_TYPICAL_SHOWN
            ),
            typical_predicted=album.with_image(typical(pair.predicted, ()), count=_TYPICAL_SHOWN),
        )
        for pair in pairs[:_PAIRS_SHOWN]
    )


def _coverages(
    rounds: Sequence[RoundMetrics], paths: Mapping[str, tuple[str, ...]]
) -> tuple[LeafCoverage, ...]:
    certainty = rounds[-1].certainty if rounds else None
    if certainty is None or not certainty.promises:
        return ()
    known = [leaf for leaf in certainty.promises[0].coverage_of_leaf if leaf in paths]
    found = [
        LeafCoverage(
            paths[leaf], tuple(one.coverage_of_leaf.get(leaf, 0.0) for one in certainty.promises)
        )
        for leaf in known
    ]
    return tuple(sorted(found, key=lambda one: (one.decided[::-1], one.path)))


def _embeddings(
    project: Project, state: State, paths: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[EmbeddingFacts, ...], EmbeddingMap | None]:
    """Facts about the initial set and the active one, and a map of the active one."""
    active = read_active(project)
    if active is None:
        return (), None
    embeddings = active_set(project)
    initial = project.embeddings_path / INITIAL
    earlier = (
        [EmbeddingSet.open(initial)] if embeddings.name != INITIAL and initial.exists() else []
    )
    sets = [*earlier, embeddings]
    gold = {product: leaf for product, leaf in state.gold_labels().items() if leaf in paths}
    rows = embeddings.rows(list(gold))  # (N,)
    present = rows >= 0
    labels = [leaf for leaf, here in zip(gold.values(), present, strict=True) if here]
    plane = embedding_map(embeddings.vectors[rows[present]], labels, paths)
    return tuple(_embedding_facts(one) for one in sets), plane


def _embedding_facts(embeddings: EmbeddingSet) -> EmbeddingFacts:
    stamp = embeddings.stamp
    kept = stamp.notes.get("neighbours_kept")
    return EmbeddingFacts(
        name=stamp.name,
        encoder=stamp.encoder,
        dimension=stamp.dimension,
        count=stamp.count,
        neighbours_kept=float(kept) if isinstance(kept, int | float) else None,
    )


def _import_errors(project: Project) -> dict[str, int]:
    path = project.import_errors_path
    if not path.exists():
        return {}
    counts = pc.value_counts(pq.read_table(path, columns=["kind"]).column("kind"))
    return {entry["values"]: entry["counts"] for entry in counts.to_pylist()}
