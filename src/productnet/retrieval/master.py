"""``master``: products for which the master model recommends the leaf (paper section 2.2)."""

from itertools import islice

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.recommendations import Recommendation
from productnet.retrieval.resources import Resources
from productnet.settings import round_name


class Master:
    """Reads the recommendations of the active round."""

    keeps_order = False

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The surest recommendations; none before the first round."""
        recommended = resources.recommendations
        if recommended is None:
            return []
        new = (one for one in recommended.of(leaf.category.id) if one.product not in leaf.hidden)
        version = round_name(recommended.round)
        return [
            Candidate(
                one.product, "master", one.confidence, _reason(one, recommended.round), version
            )
            for one in islice(new, count)
        ]


def _reason(one: Recommendation, round: int) -> str:
    if one.rank == 1:
        return f"round {round} recommends it, {one.confidence:.0%}"
    return f"choice {one.rank} of round {round}, {one.confidence:.0%}"
