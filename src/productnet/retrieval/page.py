"""The next page of a leaf: what a source ranks first, one card for all copies, varied, and full."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from productnet.retrieval.candidates import Candidate, Leaf, Source
from productnet.retrieval.random import Random
from productnet.retrieval.resources import Resources
from productnet.retrieval.variety import SHORTLIST, varied

# Copies a card names; their number is told whole.
_MOST_COPIES = 24


def next_page(
    source: Source, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """The next candidates of a leaf, best first, none hidden, none twice.

    Exactly ``count`` unless the pool is exhausted: what the source leaves open is filled by
    chance, and each candidate says which source it came from. Near-duplicates share one card, and
    those of products already decided teach nothing: either comes as a card of its own only when
    nothing else is left. The same leaf and the same generator state give the same page.

    Args:
        source: Ranks the products.
        leaf: Whose page it is.
        resources: What sources work with.
        count: Cards on the page.
        rng: Draws what is left to chance.
    """
    fresh = leaf.without(_with_copies(leaf.hidden, resources))
    if source.keeps_order:
        page = _cards(source, fresh, resources, count=count, shortlist=count, rng=rng)
    else:
        shortlist = SHORTLIST * count
        ranked = _cards(source, fresh, resources, count=count, shortlist=shortlist, rng=rng)
        page = varied(ranked, resources, count=count)
    if missing := count - len(page):
        rest = fresh.without(_with_copies(_products(page), resources))
        page += _cards(Random(), rest, resources, count=missing, shortlist=missing, rng=rng)
    alone: list[Candidate] = []
    if missing := count - len(page):
        rest = leaf.without(_products(page))
        copies = Random().rank(rest, resources, count=missing, rng=rng)
        alone = [replace(copy, reason="a near-duplicate of another") for copy in copies]
    taken = leaf.hidden.union(_products(alone))
    return _with_copies_named(page, taken, resources) + alone


def _cards(
    source: Source,
    leaf: Leaf,
    resources: Resources,
    *,
    count: int,
    shortlist: int,
    rng: np.random.Generator,
) -> list[Candidate]:
    """The first of each group of near-duplicates, as a source ranks them.

    From ``count`` to ``shortlist`` of them, or all that the source knows.
    """
    cards: list[Candidate] = []
    while len(cards) < count:
        ranked = source.rank(leaf, resources, count=shortlist, rng=rng)
        groups = resources.near_duplicates.groups_of(_products(ranked)).tolist()
        seen: set[int] = set()
        for candidate, group in zip(ranked, groups, strict=True):
            if group not in seen:
                cards.append(candidate)
            if group >= 0:
                seen.add(group)
        if len(ranked) < shortlist:
            break
        # Whole groups are hidden, so that the next turn brings others.
        leaf = leaf.without(_with_copies(_products(ranked), resources))
    return cards[:shortlist]


def _with_copies(products: Iterable[str], resources: Resources) -> list[str]:
    """These products and all their near-duplicates."""
    given = list(products)
    duplicates = resources.near_duplicates
    return given + duplicates.members(duplicates.groups_of(given))


def _with_copies_named(
    page: list[Candidate], taken: frozenset[str], resources: Resources
) -> list[Candidate]:
    """The cards, each naming those of its near-duplicates that nobody has seen."""
    duplicates = resources.near_duplicates
    groups = duplicates.groups_of(_products(page))
    named = list(page)
    for place in np.flatnonzero(groups >= 0):
        members = duplicates.members(groups[[place]])
        free = [each for each in members if each not in taken and each != page[place].product]
        copies = tuple(free[:_MOST_COPIES])
        named[place] = replace(page[place], copies=copies, copy_count=len(free))
    return named


def _products(candidates: Iterable[Candidate]) -> list[str]:
    return [candidate.product for candidate in candidates]
