"""What a release can say of its own quality: counts, agreement, audit precision, gaps."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from productnet.annotation.decisions import IMPORTED, Role
from productnet.annotation.past import ReadableLog
from productnet.annotation.quality.agreement import Agreement, Proportion
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.read_models.sources_of_sums import CountedSums
from productnet.catalog.schema import IMAGE
from productnet.embeddings.near_duplicates import NearDuplicates
from productnet.release.entries import Entry
from productnet.release.manifest import LeafCount
from productnet.release.splits import Side
from productnet.settings import Settings
from productnet.taxonomy.tree import Taxonomy

_NAMED_LEAVES = 8


@dataclass(frozen=True, slots=True)
class LeafStatistics:
    """One leaf.

    Attributes:
        count: Products of each kind.
        audited: Labelled positives that the audit confirmed, among those audited.
        agreement: Labels beside their audits.
    """

    count: LeafCount
    audited: Proportion
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Statistics:
    """The numbers behind a release's documents.

    Attributes:
        leaves: Every leaf that has products, in the taxonomy's order.
        audited: As of a leaf, over all of the project.
        agreement: As of a leaf, over all of the project.
        people: How many people labelled, audited and adjudicated what was released.
        decisions: Answers behind it that stand.
        imported: Gold that came as a trusted label with a feed, and nobody audited.
        first: When the first of the decisions was taken, ISO 8601; None of nothing.
        last: When the last was.
        filled: Column to the number of gold products that have something in it.
        gaps: What is missing, in sentences.
    """

    leaves: tuple[LeafStatistics, ...]
    audited: Proportion
    agreement: Agreement
    people: dict[str, int]
    decisions: int
    imported: int
    first: str | None
    last: str | None
    filled: dict[str, int]
    gaps: tuple[str, ...]


@dataclass(slots=True)
class Filled:
    """Counts what the columns of some tables hold, while they pass."""

    counts: Counter[str] = field(default_factory=Counter)

    def counting(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same tables."""
        for table in tables:
            for name in table.column_names:
                self.counts[name] += len(table) - table.column(name).null_count
            yield table


def count_leaves(
    gold: Sequence[Entry], hard: Sequence[Entry], taxonomy: Taxonomy
) -> tuple[LeafCount, ...]:
    """Products of every leaf that has any, in the taxonomy's order."""
    positives = Counter((entry.category.id, entry.side) for entry in gold)
    negatives = Counter(entry.category.id for entry in hard)
    counts = (
        LeafCount(
            leaf.id,
            positives[leaf.id, Side.TRAIN],
            positives[leaf.id, Side.TEST],
            negatives[leaf.id],
            positives[leaf.id, Side.VALIDATION],
        )
        for leaf in taxonomy.leaves
    )
    return tuple(count for count in counts if count.gold or count.hard_negatives)


def measure(
    log: ReadableLog,
    gold: Sequence[Entry],
    hard: Sequence[Entry],
    *,
    counts: Sequence[LeafCount],
    filled: Mapping[str, int],
    near_duplicates: NearDuplicates,
    taxonomy: Taxonomy,
    settings: Settings,
) -> Statistics:
    """The statistics of what is released, from the log it comes from.

    Args:
        log: As it was when it was frozen.
        gold: Gold.
        hard: Hard negatives.
        counts: Products of each leaf.
        filled: Column to gold products that have something in it.
        near_duplicates: Those of the pool.
        taxonomy: Whose leaves.
        settings: The targets, and gaps that people know of.
    """
    quality = Quality(CountedSums(log), pause=settings.workflow.pause_seconds)
    quality.refresh()
    overall = quality.overall()
    of_leaf = {one.leaf: one for one in quality.leaves()}
    nothing = Agreement.of({})
    leaves = tuple(
        LeafStatistics(
            count,
            of_leaf[count.category].precision
            if count.category in of_leaf
            else Proportion.count(0, 0),
            of_leaf[count.category].agreement if count.category in of_leaf else nothing,
        )
        for count in counts
    )
    imported = sum(entry.labeler == IMPORTED and entry.auditor is None for entry in gold)
    times = [entry.decided_at for entry in (*gold, *hard)]
    gaps = _gaps(log, leaves, gold, imported, filled, taxonomy, settings)
    contradicting = _in_two_leaves(gold, near_duplicates)
    if contradicting:
        gaps.append(
            "Groups of near-duplicates of which some are in one leaf and some in another: "
            f"{contradicting:,}."
        )
    return Statistics(
        leaves=leaves,
        audited=overall.precision,
        agreement=overall.agreement,
        people=_people(log, gold, hard),
        decisions=sum(entry.decisions for entry in (*gold, *hard)),
        imported=imported,
        first=min(times).isoformat() if times else None,
        last=max(times).isoformat() if times else None,
        filled=dict(filled),
        gaps=(*gaps, *settings.release.known_gaps),
    )


def _people(log: ReadableLog, gold: Sequence[Entry], hard: Sequence[Entry]) -> dict[str, int]:
    state = log.state()
    by_role: dict[Role, set[str]] = {Role.LABEL: set(), Role.AUDIT: set(), Role.ADJUDICATE: set()}
    for entry in (*gold, *hard):
        for vote in state.history(entry.product):
            if vote.role in by_role and vote.annotator != IMPORTED:
                by_role[vote.role].add(vote.annotator)
    return {
        "labelers": len(by_role[Role.LABEL]),
        "auditors": len(by_role[Role.AUDIT]),
        "adjudicators": len(by_role[Role.ADJUDICATE]),
    }


def _gaps(
    log: ReadableLog,
    leaves: Sequence[LeafStatistics],
    gold: Sequence[Entry],
    imported: int,
    filled: Mapping[str, int],
    taxonomy: Taxonomy,
    settings: Settings,
) -> list[str]:
    """What anybody can see is missing."""
    gaps: list[str] = []
    of_gold = {leaf.count.category: leaf.count.gold for leaf in leaves}
    empty = [leaf.label for leaf in taxonomy.leaves if not of_gold.get(leaf.id)]
    if empty:
        gaps.append(
            f"No product here: {len(empty):,} of {len(taxonomy.leaves):,} leaves{_some(empty)}."
        )
    target = settings.targets.positives
    thin = [taxonomy[leaf].label for leaf, count in of_gold.items() if 0 < count < target]
    if thin:
        gaps.append(
            f"Fewer products than the {target} aimed at: {len(thin):,} leaves{_some(thin)}."
        )
    alone = [
        taxonomy[leaf.count.category].label
        for leaf in leaves
        if leaf.count.gold and not leaf.count.test
    ]
    if alone:
        gaps.append(
            "No product on the test side, since all they have is like one another: "
            f"{len(alone):,} leaves{_some(alone)}."
        )
    if imported:
        gaps.append(
            "With a label that came with a feed and was trusted, which nobody audited: "
            f"{imported:,} of {len(gold):,} gold products."
        )
    waiting = sum(log.state().progress(leaf.id).disputed for leaf in taxonomy.leaves)
    if waiting:
        gaps.append(f"Left out because people differ about them: {waiting:,}.")
    without = len(gold) - filled.get(IMAGE, 0)
    if without:
        gaps.append(f"Without an image: {without:,} of {len(gold):,} gold products.")
    return gaps


def _in_two_leaves(gold: Sequence[Entry], near_duplicates: NearDuplicates) -> int:
    """How many groups of near-duplicates are gold of more than one leaf."""
    leaves: defaultdict[int, set[str]] = defaultdict(set)
    numbers = near_duplicates.groups_of([entry.product for entry in gold]).tolist()
    for entry, number in zip(gold, numbers, strict=True):
        if number >= 0:
            leaves[number].add(entry.category.id)
    return sum(len(found) > 1 for found in leaves.values())


def _some(labels: Sequence[str]) -> str:
    """The first of them, in brackets."""
    named = "; ".join(labels[:_NAMED_LEAVES])
    more = len(labels) - _NAMED_LEAVES
    return f" ({named}" + (f"; and {more:,} more)" if more > 0 else ")")
