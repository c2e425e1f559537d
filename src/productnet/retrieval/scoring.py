"""What a leaf's local model says of the pool: trained on every decision so far, then asked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from productnet.local.ask import Ask, rank
from productnet.local.model import Floats, Rows
from productnet.local.training import LabelledRows, draw_examples, fit_leaf
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.evidence import with_words
from productnet.settings import round_name

if TYPE_CHECKING:
    from productnet.retrieval.resources import Resources


# How far from none the master model's full confidence in a leaf stands, as one more coordinate
# beside vectors of length one. A local model learns for itself what to make of it. In the 50 views
# after a round it brings .7 positives more on masked fashion, .9 on mwpd, .2 on flipkart, and .1
# less on fashion; .35 does as well, and .15 half as well.
OPINION = 0.5


@dataclass(frozen=True, slots=True)
class Scored:
    """A local model's opinion of the products it was shown.

    Attributes:
        rows: Their rows (n,) of the embedding matrix, ascending; None for the whole pool.
        scores: How likely each is positive (n,), 0 to 1.
        version: Names the kind of model and the decisions it was trained on.
        labels: These decisions: product to whether it was a positive.
    """

    rows: Rows | None
    scores: Floats
    version: str
    labels: Mapping[str, bool]

    def behind(self, leaf: Leaf) -> int:
        """Products of the leaf whose label has come, changed or gone since the training."""
        return len({product for product, _ in self.labels.items() ^ leaf.labels.items()})

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

    The model depends on nothing but the decisions, the master model's opinion of the leaf and the
    project's seed, and its version names them: two models of one version are the same.
    """
    positives = resources.rows(leaf.positives)
    negatives = resources.rows(leaf.negatives)
    if not len(positives) or not len(negatives):
        return None
    digest = _digest(leaf.positives, leaf.negatives)
    seed = int(digest, 16) ^ resources.project.settings.seed
    labelled = LabelledRows(np.sort(positives), np.sort(negatives))
    rows, vectors, by_chance = _scope(leaf, labelled, resources)
    within = labelled if rows is None else labelled.within(rows)
    examples = draw_examples(within, size=len(vectors), seed=seed, by_chance=by_chance)
    beside = resources.opinion(leaf.category.id, rows=rows)
    if beside is not None:
        beside *= np.float32(OPINION)
    fitted = fit_leaf(model, vectors, examples, seed=seed, beside=beside)
    scores = fitted.score(vectors, beside=beside)
    words = resources.words(leaf.category.name, rows=rows)
    if words is not None:
        scores = with_words(scores, vectors, words, examples, seed=seed)
    return Scored(
        rows=rows,
        scores=scores,
        version=f"{model}:{len(leaf.labels)}:{digest}{_round(resources)}",
        labels=leaf.labels,
    )


def _scope(
    leaf: Leaf, labelled: LabelledRows, resources: "Resources"
) -> tuple[Rows | None, Floats, Rows | None]:
    """What is scored: all of the pool, or of a big one what is near the leaf and some by chance.

    Returns:
        Rows of the embedding matrix (n,), their vectors (n, D), and which of them chance drew;
        None for rows and chance where it is all.
    """
    settings = resources.project.settings
    vectors = resources.embeddings.vectors
    if len(vectors) <= settings.candidates.exact_up_to:
        return None, vectors, None
    hidden = resources.rows(leaf.hidden)
    region = resources.neighbourhoods.region(
        leaf.category.id, labelled, hidden=hidden, seed=settings.seed
    )
    return region.rows, region.vectors, region.by_chance


def _round(resources: "Resources") -> str:
    """Of the version, the round whose master model has had its say."""
    recommended = resources.recommendations
    return "" if recommended is None else f":{round_name(recommended.round)}"


def _digest(positives: Sequence[str], negatives: Sequence[str]) -> str:
    """A short name for a set of decisions, whatever their order."""
    told = hashlib.blake2b(digest_size=4)
    for verdict, products in (("+", positives), ("-", negatives)):
        for product in sorted(products):
            told.update(f"{verdict}{product}\0".encode("utf-8", "surrogatepass"))
    return told.hexdigest()
