"""What people said of near-duplicates: which pairs are one product, and which are not."""

from collections.abc import Collection, Iterable
from itertools import combinations
from typing import Protocol


class Review(Protocol):
    """What somebody said of products that were shown as near-duplicates of one another."""

    @property
    def products(self) -> Collection[str]:
        """All that were shown."""
        ...

    @property
    def apart(self) -> Collection[str]:
        """Those that are a product of their own each; the others are one product."""
        ...


class ToldApart:
    """The pairs that were reviewed; the last word on a pair counts.

    Example:
        >>> from types import SimpleNamespace as Said
        >>> apart = ToldApart([Said(products=["a", "b", "c"], apart=["c"])])
        >>> apart("c", "a"), apart("a", "b"), apart.reviewed(["a", "b"])
        (True, False, True)
    """

    def __init__(self, reviews: Iterable[Review] = ()) -> None:
        self._apart: dict[tuple[str, str], bool] = {}
        for review in reviews:
            alone = set(review.apart)
            for one, other in combinations(sorted(set(review.products)), 2):
                self._apart[one, other] = one in alone or other in alone

    def __call__(self, one: str, other: str) -> bool:
        """Whether these two were told apart."""
        return self._apart.get((one, other) if one < other else (other, one), False)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every pair that was told apart, each sorted."""
        return [pair for pair, apart in self._apart.items() if apart]

    @property
    def products(self) -> set[str]:
        """Every product that was told apart from another."""
        return {product for pair in self.pairs for product in pair}

    def reviewed(self, products: Iterable[str]) -> bool:
        """Whether somebody has seen every two of these beside one another."""
        pairs = combinations(sorted(set(products)), 2)
        return all(pair in self._apart for pair in pairs)
