"""How well answers agree: shares with their interval, and agreement beyond chance."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Self

from productnet.annotation.decisions import Verdict

# Two-sided 95% of the normal distribution.
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of something counted, with its uncertainty.

    Attributes:
        hits: How many were so.
        of: Of how many.
        share: The first over the second; None of nothing.
        low: Lower end of the 95% interval of Wilson (1927); 0 of nothing.
        high: Its upper end; 1 of nothing.
    """

    hits: int
    of: int
    share: float | None
    low: float
    high: float

    @classmethod
    def count(cls, hits: int, of: int) -> Self:
        """The share and interval of these counts."""
        if not of:
            return cls(0, 0, None, 0.0, 1.0)
        share = hits / of
        # Wilson, J. Am. Stat. Assoc. 22 (1927); stays within 0 and 1, unlike the normal interval.
        spread = _Z * sqrt(share * (1 - share) / of + _Z**2 / (4 * of**2))
        middle = share + _Z**2 / (2 * of)
        scale = 1 + _Z**2 / of
        low = 0.0 if hits == 0 else (middle - spread) / scale
        high = 1.0 if hits == of else (middle + spread) / scale
        return cls(hits, of, share, low, high)


# How often the first person gave one verdict where the second gave the other.
Table = Mapping[tuple[Verdict, Verdict], int]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two sides agree about the pairs that both answered.

    Attributes:
        agreed: Pairs with the same answer from both, among all.
        kappa: Cohen's kappa over the three verdicts: 1 is agreement on everything, 0 what
            chance would give. None where it is not defined: of nothing, or where both sides
            gave one and the same answer to everything.
    """

    agreed: Proportion
    kappa: float | None

    @classmethod
    def of(cls, table: Table) -> Self:
        """The agreement of a table of counts."""
        total = sum(table.values())
        same = sum(count for (first, second), count in table.items() if first is second)
        return cls(Proportion.count(same, total), _kappa(table, same, total))


def _kappa(table: Table, same: int, total: int) -> float | None:
    """Cohen, Educ. Psychol. Meas. 20 (1960): (observed - expected) / (1 - expected)."""
    by_chance = sum(
        sum(count for (first, _), count in table.items() if first is verdict)
        * sum(count for (_, second), count in table.items() if second is verdict)
        for verdict in Verdict
    )
    # In whole numbers, so that "not defined" is told from "nearly so" without rounding.
    if by_chance == total**2:
        return None
    return (same * total - by_chance) / (total**2 - by_chance)
