"""What a simulation leaves for the report: each source's finds and first pages."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from productnet.evaluation.cost import found_after, views_needed
from productnet.evaluation.records import load_record, save_record
from productnet.settings import CostSettings

FORMAT_VERSION: Final = 2

# In the folder of reports.
SIMULATION_FILE: Final = "simulation.json"

# Positives that a leaf is led to in a comparison; to all it has where these are fewer.
TARGET: Final = 100


@dataclass(frozen=True, slots=True)
class Found:
    """What one source found while somebody looked through its candidates for one leaf.

    Attributes:
        category: Category id of the leaf.
        source: Name of the source, with its variant.
        seed: Of what was left to chance.
        findable: Positives there were to find; near-duplicates, which share a card, are one.
        pool: Cards that could be shown.
        viewed: Candidates looked at.
        hits: Which of them were positives, counted from 1, rising.
    """

    category: str
    source: str
    seed: int
    findable: int
    pool: int
    viewed: int
    hits: tuple[int, ...]

    @property
    def target(self) -> int:
        """Positives wanted: ``TARGET``, or all."""
        return min(TARGET, self.findable)

    @property
    def views_to_target(self) -> int | None:
        """Candidates looked at until then; None where it was not reached."""
        return views_needed(self.hits, self.target)

    @property
    def effort(self) -> tuple[int, int]:
        """Candidates looked at and positives found, when the target or the end was reached."""
        views = self.views_to_target
        return (self.viewed, len(self.hits)) if views is None else (views, self.target)

    def after(self, views: int) -> int:
        """Positives among the first so many candidates; none come once a source has ended."""
        return found_after(self.hits, views)


@dataclass(frozen=True, slots=True)
class FirstPage:
    """The first page a source proposed for a leaf (paper figure 3).

    Attributes:
        category: Category id of the leaf.
        source: Name of the source, with its variant.
        products: Product ids in the order shown.
        correct: Whether each belongs to the leaf by reference; None where unknown.
    """

    category: str
    source: str
    products: tuple[str, ...]
    correct: tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class SimulationRecord:
    """How sources compare (paper section 3.3).

    Attributes:
        found: What each source found of each leaf under each seed, leaf by leaf.
        pages: First pages, for a few leaves and all sources.
        reference_counts: Category id to the number of its products in the pool by reference.
        views: Candidates looked at in a leaf at most.
        after: Views after which positives are counted.
        round: The round whose gold each leaf began with; None where one positive and one negative
            were all that was known.
        cost: Seconds of a decision.
    """

    found: tuple[Found, ...] = ()
    pages: tuple[FirstPage, ...] = ()
    reference_counts: dict[str, int] = field(default_factory=dict)
    views: int = 0
    after: tuple[int, ...] = ()
    round: int | None = None
    cost: CostSettings = field(default_factory=CostSettings)
    format_version: int = FORMAT_VERSION

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of what was compared, in order."""
        return tuple(dict.fromkeys(one.source for one in self.found))

    @property
    def leaves(self) -> tuple[str, ...]:
        """The ids of the leaves compared on, in order."""
        return tuple(dict.fromkeys(one.category for one in self.found))

    @property
    def seeds(self) -> int:
        """How many seeds were tried."""
        return len({one.seed for one in self.found})

    def of(self, source: str) -> tuple[Found, ...]:
        """What one source found."""
        return tuple(one for one in self.found if one.source == source)

    def save(self, path: Path) -> None:
        """Write as JSON, replacing the file whole."""
        save_record(path, self, kind=SimulationRecord)

    @classmethod
    def load(cls, path: Path) -> "SimulationRecord":
        """Read a saved file; raises ModelError if it is missing, damaged or of another format."""
        return load_record(
            path, kind=cls, format_version=FORMAT_VERSION, made_by="productnet simulate"
        )
