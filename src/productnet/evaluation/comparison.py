"""Sources compared: their first pages for a leaf, and positives found after so many views.

Answers here are the reference's own and are recorded nowhere: this looks at sources, not people.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from productnet.annotation.state import State
from productnet.evaluation.records import FirstPage, FoundCurve, SimulationRecord
from productnet.evaluation.reference import reference_counts
from productnet.progress import SILENT, Progress
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.page import next_page
from productnet.retrieval.registry import SOURCES
from productnet.retrieval.resources import Resources
from productnet.taxonomy.tree import Category

# Leaves compared, among those with enough products for a comparison to mean something.
_LEAVES = 4
_FEWEST_PRODUCTS = 10

# Candidates a page, and looked at in all, by each source for each leaf.
_PAGE = 20
_VIEWS = 100

# Labels known of a leaf when its first pages are taken.
_KNOWN = 5


def compare_sources(
    resources: Resources,
    truth: Mapping[str, str],
    state: State,
    *,
    leaves: Sequence[Category],
    seed: int,
    progress: Progress = SILENT,
) -> SimulationRecord:
    """First pages and found positives of every source for a few leaves.

    Args:
        resources: What sources work with.
        truth: Product id to leaf, by reference.
        state: Labels for the first pages are taken from it.
        leaves: To choose from.
        seed: Same seed, same record.
        progress: Told of every leaf.
    """
    counts = reference_counts(truth)
    rich = [leaf for leaf in leaves if counts.get(leaf.id, 0) >= _FEWEST_PRODUCTS]
    chosen = [rich[place] for place in spread(len(rich), _LEAVES)]
    pages: list[FirstPage] = []
    curves: list[FoundCurve] = []
    # ``adhoc`` is for what a person has in mind. Before the first round the master model
    # recommends nothing, and its pages would be chance.
    unasked = {"adhoc"} if resources.recommendations else {"adhoc", "master"}
    sources = [name for name in SOURCES if name not in unasked]
    with progress.task("Comparing sources", total=len(chosen)) as advance:
        for leaf in chosen:
            known = _first_labels(state, leaf)
            pages += [first_page(name, known, resources, truth, seed=seed) for name in sources]
            start = one_of_each(leaf, truth, seed=seed)
            curves += [
                found_curve(name, start, resources, truth, views=_VIEWS, seed=seed)
                for name in sources
            ]
            advance(1)
    return SimulationRecord(
        curves=tuple(curves),
        pages=tuple(pages),
        reference_counts=counts,
    )


def first_page(
    source: str,
    leaf: Leaf,
    resources: Resources,
    truth: Mapping[str, str],
    *,
    seed: int,
    count: int = _PAGE,
) -> FirstPage:
    """A source's next page for a leaf, with the reference's verdicts (paper figure 3)."""
    rng = _rng(seed, leaf.category.id, source)
    page = next_page(SOURCES[source](), leaf, resources, count=count, rng=rng)
    products = tuple(candidate.product for candidate in page)
    correct = tuple(
        truth[product] == leaf.category.id if product in truth else None for product in products
    )
    return FirstPage(leaf.category.id, source, products, correct)


def found_curve(
    source: str,
    leaf: Leaf,
    resources: Resources,
    truth: Mapping[str, str],
    *,
    views: int,
    seed: int,
    page_size: int = _PAGE,
) -> FoundCurve:
    """Positives found while looking through ``views`` candidates, the source learning by page.

    What the leaf starts with is not counted. A source that falls silent ends its curve.
    """
    rng = _rng(seed, leaf.category.id, source)
    viewed: list[int] = []
    found: list[int] = []
    positives, negatives = list(leaf.positives), list(leaf.negatives)
    begun_with = len(leaf.positives)
    seen = 0
    while seen < views:
        now = Leaf(leaf.category, positives, negatives, leaf.hidden | {*positives, *negatives})
        count = min(page_size, views - seen)
        page = next_page(SOURCES[source](), now, resources, count=count, rng=rng)
        if not page:
            break
        for candidate in page:
            belongs = truth.get(candidate.product) == leaf.category.id
            (positives if belongs else negatives).append(candidate.product)
        seen += len(page)
        viewed.append(seen)
        found.append(len(positives) - begun_with)
    return FoundCurve(leaf.category.id, source, tuple(viewed), tuple(found))


def one_of_each(leaf: Category, truth: Mapping[str, str], *, seed: int) -> Leaf:
    """The leaf with one positive and one negative drawn by reference: the least to learn from."""
    rng = _rng(seed, leaf.id, "start")
    inside = sorted(product for product, belongs in truth.items() if belongs == leaf.id)
    outside = sorted(product for product, belongs in truth.items() if belongs != leaf.id)
    drawn = [side[rng.integers(len(side))] for side in (inside, outside) if side]
    positives, negatives = drawn[: len(inside[:1])], drawn[len(inside[:1]) :]
    return Leaf(leaf, positives, negatives, frozenset(drawn))


def spread(length: int, count: int) -> list[int]:
    """At most ``count`` places of ``length``, evenly spread."""
    return sorted({int(place) for place in np.linspace(0, length - 1, min(count, length))})


def _first_labels(state: State, leaf: Category) -> Leaf:
    positives = state.positives(leaf.id)[:_KNOWN]
    negatives = state.negatives(leaf.id)[:_KNOWN]
    return Leaf(leaf, positives, negatives, frozenset([*positives, *negatives]))


def _rng(seed: int, *what: str) -> np.random.Generator:
    named = hashlib.sha256("/".join([str(seed), *what]).encode()).digest()
    return np.random.default_rng(int.from_bytes(named))
