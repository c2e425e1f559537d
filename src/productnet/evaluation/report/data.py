"""What the report shows, as one tree of plain values that anything can fill.

``None`` and empty tuples mean "not there yet"; the page then says which command makes it.
Shares are 0 to 1, times are seconds, and pictures are small encoded images.
"""

from dataclasses import dataclass, field

from productnet.evaluation.round_metrics import RoundMetrics
from productnet.evaluation.standings import Standing


@dataclass(frozen=True, slots=True)
class Picture:
    """A product as a small picture; ``image`` is JPEG, PNG or WebP of about 100 pixels."""

    product: str
    title: str
    image: bytes | None = None


@dataclass(frozen=True, slots=True)
class Headline:
    """The figures at the top of the page."""

    products: int = 0
    with_image: int = 0
    leaves: int = 0
    decisions: int = 0
    seconds: float = 0.0
    gold: int = 0
    hard_negatives: int = 0
    disputed: int = 0
    releases: int = 0


@dataclass(frozen=True, slots=True)
class LeafReport:
    """Progress and cost of one leaf.

    Attributes:
        path: Names from the root down to the leaf.
        gold: Confirmed positives.
        to_audit: Positives that wait for an auditor.
        hard_negatives: Hard negatives so far.
        disputed: Pairs that wait for an adjudicator.
        decisions: Answers given.
        seconds: Time spent on them; modelled where it was not measured.
        random_decisions: Answers that looking at products at random would have taken for the
            same positives, where the reference is known.
        picture: One of the leaf's gold products.
    """

    path: tuple[str, ...]
    gold: int = 0
    to_audit: int = 0
    hard_negatives: int = 0
    disputed: int = 0
    decisions: int = 0
    seconds: float = 0.0
    random_decisions: float | None = None
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class ConfusedLeaves:
    """Two leaves that the master model takes for each other.

    Attributes:
        truth: Path of the leaf the products belong to.
        predicted: Path of the leaf that was predicted.
        count: How many test products went this way.
        share: The same as a share of the true leaf's test products.
        mistaken: Some of those products.
        typical_truth: Gold of the true leaf.
        typical_predicted: Gold of the predicted leaf.
    """

    truth: tuple[str, ...]
    predicted: tuple[str, ...]
    count: int
    share: float
    mistaken: tuple[Picture, ...] = ()
    typical_truth: tuple[Picture, ...] = ()
    typical_predicted: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class StripRow:
    """The first page one source proposed, and which of it belongs to the leaf (None: unknown)."""

    source: str
    pictures: tuple[Picture, ...]
    correct: tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class Strip:
    """First pages of several sources for one leaf (paper figure 3)."""

    path: tuple[str, ...]
    rows: tuple[StripRow, ...]


@dataclass(frozen=True, slots=True)
class SourceCurve:
    """Positives found against candidates viewed, mean of leaves, with the mean's standard error."""

    source: str
    views: tuple[int, ...]
    positives: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SourceViews:
    """Views until a leaf was done: quartiles over leaves, None where they were not enough."""

    source: str
    low: float | None
    median: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """How sources compare (paper section 3.3).

    Attributes:
        leaves: How many leaves they were compared on.
        seeds: How many seeds were tried.
        views: Candidates looked at in a leaf at most.
        target: Positives wanted of a leaf, where it has more.
        round: The round whose gold each leaf began with; None where one positive and one negative
            were all that was known.
        after: Views after which positives are counted.
        standings: One of each source.
        chance: What looking at random would do.
        best: What no source can better.
        curves: One of each source.
        ceiling: That of the best possible.
        spreads: One of each source.
    """

    leaves: int
    seeds: int
    views: int
    target: int
    round: int | None
    after: tuple[int, ...]
    standings: tuple[Standing, ...]
    chance: Standing
    best: Standing
    curves: tuple[SourceCurve, ...]
    ceiling: SourceCurve
    spreads: tuple[SourceViews, ...]


@dataclass(frozen=True, slots=True)
class MapGroup:
    """Gold under one top-level category, as points of the plane."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class MapLabel:
    """A leaf's name at the middle of its gold; ``group`` is its top-level category."""

    name: str
    group: str
    x: float
    y: float
    count: int


@dataclass(frozen=True, slots=True)
class EmbeddingMap:
    """Gold in the plane of its two main directions, in which ``share`` of the variance lies."""

    groups: tuple[MapGroup, ...]
    labels: tuple[MapLabel, ...]
    share: float


@dataclass(frozen=True, slots=True)
class EmbeddingFacts:
    """One embedding set; ``neighbours_kept`` is the share of neighbours that PCA left in place."""

    name: str
    encoder: str
    dimension: int
    count: int
    neighbours_kept: float | None = None


@dataclass(frozen=True, slots=True)
class LeafCoverage:
    """What wanted precisions leave of one leaf.

    Attributes:
        path: Names from the root down to the leaf.
        decided: Share of its held-out products that is decided, one a wanted precision.
    """

    path: tuple[str, ...]
    decided: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ReportData:
    """Everything on the page.

    Attributes:
        project: Name of the project.
        generated_at: When the page was made, for people to read.
        taxonomy: Name and version of the taxonomy.
        target_positives: Gold wanted of each leaf.
        target_hard_negatives: Hard negatives wanted of each leaf.
        headline: The figures at the top.
        leaves: Every leaf that was begun, in the taxonomy's order.
        rounds: Every round so far, the last one last.
        confused: Pairs of leaves the last round confuses, most frequent first.
        coverages: Of the last round's leaves, those first that wanted precisions leave least of.
        strips: First pages for a few leaves.
        compared: How sources compare.
        map: Gold in the plane.
        embeddings: The initial embedding set and, after a round, the active one.
        import_errors: Reason to the number of rows of the last import that had it.
    """

    project: str
    generated_at: str
    taxonomy: str = ""
    target_positives: int = 60
    target_hard_negatives: int = 60
    headline: Headline = Headline()
    leaves: tuple[LeafReport, ...] = ()
    rounds: tuple[RoundMetrics, ...] = ()
    confused: tuple[ConfusedLeaves, ...] = ()
    coverages: tuple[LeafCoverage, ...] = ()
    strips: tuple[Strip, ...] = ()
    compared: Compared | None = None
    map: EmbeddingMap | None = None
    embeddings: tuple[EmbeddingFacts, ...] = ()
    import_errors: dict[str, int] = field(default_factory=dict)
