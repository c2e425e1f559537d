"""Products counted as people see them: near-duplicates share one card."""

from collections.abc import Iterable

import numpy as np

from productnet.retrieval.resources import Resources

Card = int | str


class Cards:
    """The cards of a pool.

    Attributes:
        count: How many there are.
    """

    def __init__(self, resources: Resources) -> None:
        self._near_duplicates = resources.near_duplicates
        groups = self._near_duplicates.groups_of(resources.ids.to_pylist())  # (N,)
        self.count = int((groups < 0).sum() + len(np.unique(groups[groups >= 0])))

    def of(self, products: Iterable[str]) -> list[Card]:
        """The card of each of these products: its group of near-duplicates, or its own id."""
        given = list(products)
        groups = self._near_duplicates.groups_of(given).tolist()
        return [
            product if group < 0 else group for product, group in zip(given, groups, strict=True)
        ]
