"""Check items put among the candidates of a page, so that nobody can tell which they are."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from productnet.annotation.quality.checks import CheckItem, Checks
from productnet.annotation.state import State
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.taxonomy.tree import Taxonomy


def with_checks(
    page: Sequence[Candidate],
    leaf: Leaf,
    person: str,
    *,
    checks: Checks,
    share: float,
    state: State,
    taxonomy: Taxonomy,
    exclude: Sequence[str],
    rng: np.random.Generator,
) -> list[Candidate]:
    """The page, some of its candidates replaced by check items that look like them.

    A check item takes the source, score, reason and version of the candidate it replaces, which
    comes again another time.

    Args:
        page: Candidates.
        leaf: Whose they are.
        person: Who will see them.
        checks: Chooses the items, and remembers them.
        share: Share of candidates that are check items, in the mean.
        state: What is known.
        taxonomy: Whose siblings lend their gold as sure negatives.
        exclude: Products that the person has on screen.
        rng: Draws items and places.
    """
    category = leaf.category.id
    seen = {candidate.product for candidate in page}.union(exclude)
    items = checks.choose(
        category,
        person,
        page=len(page),
        share=share,
        state=state,
        siblings=[sibling.id for sibling in taxonomy.siblings(category)],
        exclude=seen,
        rng=rng,
    )
    mixed = list(page)
    places = rng.permutation(len(mixed))[: len(items)]
    for place, item in zip(places, items, strict=True):
        mixed[place] = _disguised(item, mixed[place])
    return mixed


def _disguised(item: CheckItem, candidate: Candidate) -> Candidate:
    return replace(candidate, product=item.product, copies=(), copy_count=0)
