"""``master``: products for which the master model recommends the leaf (paper section 2.2)."""

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.resources import Resources
from productnet.settings import round_name


class Master:
    """Reads the recommendations of the active round."""

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The surest recommendations; none before the first round."""
        recommended = resources.recommendations
        if recommended is None:
            return []
        version = round_name(recommended.round)
        return [
            Candidate(product, "master", confidence, f"recommended ({confidence:.0%})", version)
            for product, confidence in recommended.of(leaf.category.id)
            if product not in leaf.hidden
        ][:count]
