"""What a project holds, and how far each leaf and the loop are."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from productnet.annotation.log import DecisionLog
from productnet.annotation.state import LeafProgress
from productnet.catalog.pool import Pool
from productnet.embeddings.active import read_active
from productnet.embeddings.initial import initial_set
from productnet.embeddings.sets import EmbeddingSet
from productnet.local.coverage import Coverage
from productnet.progress import SILENT, Progress
from productnet.rounds.record import read_rounds
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy


@dataclass(frozen=True, slots=True)
class LeafStatus:
    """How far one leaf is.

    Attributes:
        category: Its id.
        path: Its path, to read.
        progress: Counts and seconds.
        coverage: The share, 0 to 1, of what looks like the leaf that is close to one of its
            positives; None while it lacks positives, negatives or vectors.
    """

    category: str
    path: str
    progress: LeafProgress
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class ProjectStatus:
    """A project at a glance; what does not exist yet is None.

    Attributes:
        name: Name of the project.
        products: Products in the pool.
        taxonomy: Name and version of the taxonomy.
        all_leaves: Leaves of the taxonomy.
        target: Positives wanted of a leaf.
        leaves: Leaves that have decisions, in the taxonomy's order.
        embedding_set: The one in use.
        not_embedded: Products imported since the initial set was made: no local model sees them.
        not_indexed: Products of that set that its index lacks: they are searched one by one.
        rounds: Rounds finished.
        unfinished_round: A round that was stopped, or is running.
    """

    name: str
    products: int | None
    taxonomy: str | None
    all_leaves: int
    target: int
    leaves: tuple[LeafStatus, ...]
    embedding_set: str | None
    not_embedded: int
    not_indexed: int
    rounds: int
    unfinished_round: int | None

    @property
    def total(self) -> LeafProgress:
        """The sum over leaves."""
        return sum((leaf.progress for leaf in self.leaves), LeafProgress())

    def as_dict(self) -> dict[str, object]:
        """For ``--json``."""
        return {**asdict(self), "total": asdict(self.total)}

    def lines(self) -> Iterator[str]:
        """The same for people, and what to do next."""
        total = self.total
        done = sum(leaf.progress.gold >= self.target for leaf in self.leaves)
        yield f"{self.name}: {self.products or 0:,} products, taxonomy {self.taxonomy or '(none)'}"
        yield (
            f"Leaves: {self.all_leaves:,}, begun {len(self.leaves):,}, "
            f"with {self.target} gold positives {done:,}"
        )
        yield (
            f"Gold: {total.gold:,} positives, {total.hard_negatives:,} hard negatives "
            f"from {total.decisions:,} decisions; {total.to_audit:,} to audit, "
            f"{total.disputed:,} disputed"
        )
        yield f"Rounds: {self.rounds}; embedding set in use: {self.embedding_set or '(none)'}"
        yield f"Next: {self.next_step}"

    @property
    def next_step(self) -> str:
        """The command that takes the loop on from here."""
        if self.taxonomy is None:
            return "productnet taxonomy FILE"
        if not self.products:
            return "productnet import FEED"
        if self.embedding_set is None:
            return "productnet embed"
        if self.unfinished_round is not None:
            return f"productnet round (goes on with round {self.unfinished_round})"
        if self.not_embedded:
            return f"productnet embed (takes in {self.not_embedded:,} new products)"
        if self.not_indexed:
            return f"productnet embed (puts {self.not_indexed:,} products into the index)"
        if self.total.gold == 0:
            return "productnet simulate, or import labels with productnet import --labels COLUMN"
        return "productnet round, then productnet report"


def project_status(project: Project, *, progress: Progress = SILENT) -> ProjectStatus:
    """Look at a project; takes about 20 ms for each leaf begun, whatever the size of the pool."""
    taxonomy = Taxonomy.load_if_any(project.taxonomy_path)
    pool = Pool.open(project.pool_path) if Pool.exists(project.pool_path) else None
    active = read_active(project)
    embeddings = initial_set(project) if active else None
    rounds = read_rounds(project)
    unfinished = [record.number for record in rounds if not record.finished]
    return ProjectStatus(
        name=project.settings.name,
        products=len(pool) if pool else None,
        taxonomy=f"{taxonomy.name} {taxonomy.version}" if taxonomy else None,
        all_leaves=len(taxonomy.leaves) if taxonomy else 0,
        target=project.settings.targets.positives,
        leaves=_leaves(project, taxonomy, embeddings, progress) if taxonomy else (),
        embedding_set=active.embedding_set if active else None,
        not_embedded=max(0, len(pool) - len(embeddings)) if pool and embeddings else 0,
        not_indexed=embeddings.not_indexed if embeddings else 0,
        rounds=len(rounds) - len(unfinished),
        unfinished_round=unfinished[0] if unfinished else None,
    )


def _leaves(
    project: Project, taxonomy: Taxonomy, embeddings: EmbeddingSet | None, progress: Progress
) -> tuple[LeafStatus, ...]:
    with DecisionLog.open(project.database_url) as log:
        state = log.state()
        begun = set(state.categories())
        leaves = [leaf for leaf in taxonomy.leaves if leaf.id in begun]
        coverage: dict[str, float | None] = {}
        if leaves and embeddings:
            with progress.task("Measuring coverage", total=len(leaves)) as advance:
                measured = Coverage(embeddings, seed=project.settings.seed)
                for leaf in leaves:
                    positives, negatives = state.positives(leaf.id), state.negatives(leaf.id)
                    decided = state.pairs(leaf.id)
                    coverage[leaf.id] = measured.of(positives, negatives, decided=decided)
                    advance(1)
        return tuple(
            LeafStatus(leaf.id, leaf.label, state.progress(leaf.id), coverage.get(leaf.id))
            for leaf in leaves
        )
