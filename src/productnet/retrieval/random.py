"""``random``: any product by chance, the base line and the last resort."""

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.resources import Resources


class Random:
    """Draws from the whole pool."""

    keeps_order = True

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """Products drawn without replacement."""
        # As many more as could be hidden, and not one has to be drawn again.
        draws = min(len(resources.ids), count + len(leaf.hidden))
        rows = rng.choice(len(resources.ids), draws, replace=False)
        drawn = (resources.ids[int(row)].as_py() for row in rows)
        free = [product for product in drawn if product not in leaf.hidden]
        return [Candidate(product, "random", 0.0, "by chance") for product in free[:count]]
