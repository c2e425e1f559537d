"""Products to show a leaf that lacks hard negatives: not of it, and easily taken for it.

Three kinds take turns, each the closest to the leaf first: errors of the master model, which
recommends what the local model denies; products more like a positive of a sibling leaf than like
one of the leaf's own; and those that the local model only just denies. Positives of sibling
leaves themselves are not shown: what is gold in one leaf is a negative of every other (rule 3),
and nobody need say so again.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

import numpy as np

from productnet.local.ask import Ask
from productnet.local.model import BOUNDARY, Floats, Rows
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.master import Master
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import Scored

# Products looked at on either end of the scores, for each one asked for.
_LOOKED_AT = 10

# Positives of the leaf, and of its siblings, that these are compared with; drawn from more.
_MOST_COMPARED = 256


class Confusable:
    """The source for a leaf that has its positives and lacks hard negatives."""

    keeps_order = False

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The most confusable products. Before there is a local model, ``nearest`` serves."""
        model = resources.project.settings.candidates.local_model
        scored = resources.scorer(leaf, resources, model=model)
        if scored is None:
            return Nearest().rank(leaf, resources, count=count, rng=rng)
        return confusable(scored, leaf, resources, count=count, rng=rng)


def confusable(
    scored: Scored, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """At most ``count`` confusable products, the three kinds by turns.

    Args:
        scored: What the leaf's local model says.
        leaf: Whose hard negatives are wanted.
        resources: What sources work with.
        count: How many.
        rng: Draws the positives to compare with, where there are many.
    """
    leaf = leaf.without(leaf.rivals)
    looked_at = _LOOKED_AT * count
    rows, scores = _closest(scored, resources.rows(leaf.hidden), count=looked_at)
    siblings = _siblings_alike(rows, leaf, resources, rng)
    products: list[str] = resources.embeddings.ids.take(rows).to_pylist()
    found = list(zip(products, scores.tolist(), siblings, strict=True))
    behind = scored.behind(leaf)

    def shown(product: str, score: float, reason: str) -> Candidate:
        return Candidate(product, "active", score, reason, scored.version, behind)

    alike = [
        shown(product, score, f"looks like {sibling}, a sibling")
        for product, score, sibling in found
        if sibling
    ]
    denied = [
        shown(product, score, f"the local model says no, but only just ({score:.2f})")
        for product, score, _ in found
        if score < BOUNDARY
    ]
    recommended = Master().rank(leaf, resources, count=looked_at, rng=rng)
    names = {candidate.product for candidate in denied}
    errors = [
        replace(candidate, reason=f"{candidate.reason}; the local model says no")
        for candidate in recommended
        if candidate.product in names
    ]
    return _by_turns([errors, alike, denied])[:count]


def _closest(scored: Scored, hidden: Rows, *, count: int) -> tuple[Rows, Floats]:
    """Rows and scores of products on both sides of the boundary, highest score first."""
    answers = [
        scored.answers(ask, count=count, exclude=hidden) for ask in (Ask.POSITIVES, Ask.NEGATIVES)
    ]
    rows, first = np.unique(np.concatenate([rows for rows, _ in answers]), return_index=True)
    scores = np.concatenate([scores for _, scores in answers])[first]
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


def _siblings_alike(
    rows: Rows, leaf: Leaf, resources: Resources, rng: np.random.Generator
) -> list[str | None]:
    """The sibling that each product is more like than like the leaf; None where there is none."""
    rivals = _some(list(leaf.rivals), rng)
    places = np.asarray(resources.embeddings.rows(rivals), np.int64)
    names = [leaf.rivals[rivals[place]] for place in np.flatnonzero(places >= 0)]
    if not names:
        return [None] * len(rows)
    own = resources.rows(_some(leaf.positives, rng))
    read = resources.embeddings.read
    vectors = read(rows)  # (n, D)
    to_leaf = (vectors @ read(own).T).max(axis=1, initial=0)  # (n, D) @ (D, P) -> (n,)
    to_rivals = vectors @ read(places[places >= 0]).T  # (n, D) @ (D, R) -> (n, R)
    alike = to_rivals.max(axis=1) > to_leaf
    closest = to_rivals.argmax(axis=1)
    return [names[at] if yes else None for at, yes in zip(closest, alike, strict=True)]


def _some(products: Sequence[str], rng: np.random.Generator) -> list[str]:
    drawn = rng.permutation(len(products))[:_MOST_COMPARED]
    return [products[place] for place in drawn]


def _by_turns(kinds: Iterable[Iterable[Candidate]]) -> list[Candidate]:
    """One of each kind, then the next of each; a product once."""
    first: dict[str, Candidate] = {}
    for candidate in chain.from_iterable(zip_longest(*kinds)):
        if candidate:
            first.setdefault(candidate.product, candidate)
    return list(first.values())
