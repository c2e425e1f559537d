"""A flaw: something in the dataset that looks wrong, with what was seen and what to do about it.

A flaw is an opinion of a rule or a model. Nothing is changed by it; people decide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import field as made
from enum import StrEnum
from itertools import islice

# Products that a flaw names, for whoever mends a feed; it says how many it concerns in all.
MOST_PRODUCTS = 1_000


class Severity(StrEnum):
    """How much harm a flaw does to what is learnt from the data, the most first."""

    ERROR = "error"  # labels or texts say what is not so
    WARNING = "warning"  # something is worth a person's look
    NOTE = "note"  # good to know


class Action(StrEnum):
    """What to do about a flaw."""

    SETTLE = "settle"  # two answers contradict one another
    LOOK_AGAIN = "look again"  # an answer is doubted
    MERGE = "merge"  # two leaves are one
    SPLIT = "split"  # one leaf is two
    CLARIFY = "clarify guideline"
    COLLECT = "collect more"
    FIX_FIELD = "fix field"  # in the feed, then import again
    FIX_PICTURE = "fix picture"  # likewise
    NORMALISE = "normalise brand"


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something that looks wrong.

    Attributes:
        inspection: Which inspection found it.
        kind: What it is, within that inspection.
        severity: How much harm it does.
        seen: What was seen, with its numbers, in one sentence.
        advice: What to do about it, in words.
        action: The same in one word.
        leaves: The leaves it is about.
        products: The products it concerns, the clearest first, up to a thousand.
        count: How many it concerns in all.
        field: The field it is about.
        numbers: The figures behind it, by name.
    """

    inspection: str
    kind: str
    severity: Severity
    seen: str
    advice: str
    action: Action
    leaves: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    count: int = 0
    field: str | None = None
    numbers: dict[str, float] = made(default_factory=dict)


def gravest_first(flaws: Iterable[Flaw]) -> list[Flaw]:
    """By severity, then by what the inspection held worst; the order within one is kept."""
    order = list(Severity)
    return sorted(flaws, key=lambda flaw: order.index(flaw.severity))


def at_least(flaws: Sequence[Flaw], severity: Severity) -> list[Flaw]:
    """Those that are as grave as this or graver."""
    graver = list(Severity)[: list(Severity).index(severity) + 1]
    return [flaw for flaw in flaws if flaw.severity in graver]


def first_products(products: Iterable[str]) -> tuple[str, ...]:
    """As many of these products as a flaw names."""
    return tuple(islice(products, MOST_PRODUCTS))
