"""What a leaf's local model says of the pool: trained on every decision so far, then asked."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from productnet.local.ask import Ask, rank
from productnet.local.model import Floats, Rows
from productnet.local.training import LabelledRows, fit_leaf
from productnet.retrieval.candidates import Leaf

if TYPE_CHECKING:
    from productnet.retrieval.resources import Resources


@dataclass(frozen=True, slots=True)
class Scored:
    """A local model's opinion of the products it was shown.

    Attributes:
        rows: Their rows (n,) of the embedding matrix, ascending; None for the whole pool.
        scores: How likely each is positive (n,), 0 to 1.
        version: Names the kind of model and the decisions it was trained on.
        labels: How many decisions these were.
    """

    rows: Rows | None
    scores: Floats
    version: str
    labels: int

    def answers(self, ask: Ask, *, count: int, exclude: Rows) -> tuple[Rows, Floats]:
        """Rows and scores (at most ``count``,) that answer what is asked, best first."""
        if self.rows is not None:
            places = np.searchsorted(self.rows, exclude)
            places[places == len(self.rows)] = 0
            exclude = places[self.rows[places] == exclude] if len(self.rows) else places[:0]
        chosen = rank(self.scores, ask, count=count, exclude=exclude)
        return (chosen if self.rows is None else self.rows[chosen]), self.scores[chosen]


class Scorer(Protocol):
    """Gives a leaf's scores."""

    def __call__(self, leaf: Leaf, resources: "Resources", *, model: str) -> Scored | None:
        """The scores of this kind of local model; None while it lacks a class to learn from."""
        ...


def score_now(leaf: Leaf, resources: "Resources", *, model: str) -> Scored | None:
    """Train the leaf's local model and score the pool, before answering.

    The model depends on nothing but the decisions and the project's seed, and its version names
    them: two models of one version are the same.
    """
    positives = resources.rows(leaf.positives)
    negatives = resources.rows(leaf.negatives)
    if not len(positives) or not len(negatives):
        return None
    digest = _digest(leaf.positives, leaf.negatives)
    seed = int(digest, 16) ^ resources.project.settings.seed
    labelled = LabelledRows(np.sort(positives), np.sort(negatives))
    rows, scores = _fit_and_score(leaf, labelled, resources, model=model, seed=seed)
    labels = len(leaf.positives) + len(leaf.negatives)
    return Scored(
        rows=rows,
        scores=scores,
        version=f"{model}:{labels}:{digest}",
        labels=labels,
    )


def _fit_and_score(
    leaf: Leaf, labelled: LabelledRows, resources: "Resources", *, model: str, seed: int
) -> tuple[Rows | None, Floats]:
    """Scores of the whole pool, or of the rows (n,) of a big one that are near the leaf."""
    settings = resources.project.settings
    vectors = resources.embeddings.vectors
    if len(vectors) <= settings.candidates.exact_up_to:
        return None, fit_leaf(model, vectors, labelled, seed=seed).score(vectors)
    hidden = resources.rows(leaf.hidden)
    region = resources.neighbourhoods.region(
        leaf.category.id, labelled, hidden=hidden, seed=settings.seed
    )
    within = region.places(labelled)
    fitted = fit_leaf(model, region.vectors, within, seed=seed, by_chance=region.by_chance)
    return region.rows, fitted.score(region.vectors)


def _digest(positives: Sequence[str], negatives: Sequence[str]) -> str:
    """A short name for a set of decisions, whatever their order."""
    told = hashlib.blake2b(digest_size=4)
    for verdict, products in (("+", positives), ("-", negatives)):
        for product in sorted(products):
            told.update(f"{verdict}{product}\0".encode("utf-8", "surrogatepass"))
    return told.hexdigest()
