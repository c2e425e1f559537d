"""``random``: any product by chance, the base line and the last resort."""

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.resources import Resources


class Random:
    """Draws from the whole pool."""

    def propose(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """Products drawn without replacement."""
        return topped_up([], leaf, resources, count=count, rng=rng)


def topped_up(
    found: list[Candidate],
    leaf: Leaf,
    resources: Resources,
    *,
    count: int,
    rng: np.random.Generator,
) -> list[Candidate]:
    """The candidates found, cut or filled by chance to ``count``."""
    page = found[:count]
    missing = count - len(page)
    if missing <= 0:
        return page
    taken = leaf.hidden | {candidate.product for candidate in page}
    # As many more as could be taken, and not one has to be drawn again.
    draws = min(len(resources.ids), missing + len(taken))
    rows = rng.choice(len(resources.ids), draws, replace=False)
    drawn = (resources.ids[int(row)].as_py() for row in rows)
    free = [product for product in drawn if product not in taken]
    return page + [Candidate(product, "random", 0.0, "by chance") for product in free[:missing]]
