"""The next page of a leaf: what a source ranks first, one card a product, as long as was asked."""

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf, Source
from productnet.retrieval.random import Random
from productnet.retrieval.resources import Resources


def next_page(
    source: Source, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """The next candidates of a leaf, best first, none hidden, none twice.

    Exactly ``count`` unless the pool is exhausted: what the source leaves open is filled by
    chance, and each candidate says which source it came from. The same leaf and the same
    generator state give the same page.

    Args:
        source: Ranks the products.
        leaf: Whose page it is.
        resources: What sources work with.
        count: Cards on the page.
        rng: Draws what is left to chance.
    """
    page = source.rank(leaf, resources, count=count, rng=rng)[:count]
    if len(page) < count:
        shown = leaf.without(candidate.product for candidate in page)
        page += Random().rank(shown, resources, count=count - len(page), rng=rng)
    return page
