"""``active``: what the leaf's local model asks for: positives, negatives or ambiguous products."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from productnet.local.ask import Ask, rank
from productnet.local.model import Floats
from productnet.local.registry import DEFAULT
from productnet.local.training import LabelledRows, fit_leaf
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.resources import Resources, rows_of


class Active:
    """Trains the local model on every decision so far and asks it.

    Before there is one positive and one negative, ``nearest`` serves (rule 5).

    Args:
        ask: Which products are wanted.
        model: A name of ``LOCAL_MODELS``.
    """

    def __init__(self, ask: Ask = Ask.POSITIVES, *, model: str = DEFAULT) -> None:
        self.ask = ask
        self.model = model

    def propose(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The products that answer best, then neighbours and chance."""
        scored = score_pool(leaf, resources, model=self.model)
        found = answers(scored, self.ask, leaf, resources, count=count) if scored else []
        if len(found) == count:
            return found
        rest = _without(leaf, found)
        return found + Nearest().propose(rest, resources, count=count - len(found), rng=rng)


@dataclass(frozen=True, slots=True)
class ScoredPool:
    """A local model's opinion of the whole pool: (N,) scores, and the model's version."""

    scores: Floats
    version: str


def score_pool(leaf: Leaf, resources: Resources, *, model: str = DEFAULT) -> ScoredPool | None:
    """Train the leaf's local model and score every product; None while it lacks a class.

    The model depends on nothing but the decisions and the project's seed, and its version names
    them: two models of one version are the same.
    """
    embeddings = resources.embeddings
    positives = rows_of(embeddings, leaf.positives)
    negatives = rows_of(embeddings, leaf.negatives)
    if not len(positives) or not len(negatives):
        return None
    digest = _digest(leaf.positives, leaf.negatives)
    seed = int(digest, 16) ^ resources.project.settings.seed
    labelled = LabelledRows(np.sort(positives), np.sort(negatives))
    fitted = fit_leaf(model, embeddings.vectors, labelled, seed=seed)
    return ScoredPool(fitted.score(embeddings.vectors), version=f"{model}:{digest}")


def answers(
    scored: ScoredPool, ask: Ask, leaf: Leaf, resources: Resources, *, count: int
) -> list[Candidate]:
    """At most ``count`` products that answer what is asked."""
    embeddings = resources.embeddings
    hidden = rows_of(embeddings, tuple(leaf.hidden))
    chosen = rank(scored.scores, ask, count=count, exclude=hidden)
    return [
        Candidate(
            product=embeddings.ids[int(row)].as_py(),
            source="active",
            score=float(scored.scores[row]),
            reason=_reason(ask, float(scored.scores[row])),
            model_version=scored.version,
        )
        for row in chosen
    ]


def _reason(ask: Ask, score: float) -> str:
    if ask is Ask.AMBIGUOUS:
        return f"the local model cannot tell ({score:.2f})"
    return f"the local model says {'yes' if score >= 0.5 else 'no'} ({score:.2f})"


def _without(leaf: Leaf, found: Sequence[Candidate]) -> Leaf:
    hidden = leaf.hidden | {candidate.product for candidate in found}
    return Leaf(leaf.category, leaf.positives, leaf.negatives, hidden)


def _digest(positives: Sequence[str], negatives: Sequence[str]) -> str:
    """A short name for a set of decisions, whatever their order."""
    told = hashlib.blake2b(digest_size=4)
    for verdict, products in (("+", positives), ("-", negatives)):
        for product in sorted(products):
            told.update(f"{verdict}{product}\0".encode("utf-8", "surrogatepass"))
    return told.hexdigest()
