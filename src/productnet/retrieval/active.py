"""``active``: what the leaf's local model asks for: positives, negatives or ambiguous products."""

import numpy as np

from productnet.local.ask import Ask
from productnet.local.model import BOUNDARY
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.resources import Resources
from productnet.retrieval.scoring import Scored


class Active:
    """Asks the local model. Before it can exist, ``nearest`` serves (rule 5).

    Args:
        ask: Which products are wanted.
        model: A name of ``LOCAL_MODELS``; the project's when None.
    """

    keeps_order = False

    def __init__(self, ask: Ask = Ask.POSITIVES, *, model: str | None = None) -> None:
        self.ask = ask
        self.model = model

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The products that answer best."""
        model = self.model or resources.project.settings.candidates.local_model
        scored = resources.scorer(leaf, resources, model=model)
        if scored is None:
            return Nearest().rank(leaf, resources, count=count, rng=rng)
        return answers(scored, self.ask, leaf, resources, count=count)


def answers(
    scored: Scored, ask: Ask, leaf: Leaf, resources: Resources, *, count: int
) -> list[Candidate]:
    """At most ``count`` products that answer what is asked of a local model."""
    embeddings = resources.embeddings
    hidden = resources.rows(leaf.hidden)
    behind = scored.behind(leaf)
    rows, scores = scored.answers(ask, count=count, exclude=hidden)
    return [
        Candidate(
            product=embeddings.ids[int(row)].as_py(),
            source="active",
            score=float(score),
            reason=_reason(ask, float(score)),
            model_version=scored.version,
            behind=behind,
        )
        for row, score in zip(rows, scores, strict=True)
    ]


def _reason(ask: Ask, score: float) -> str:
    if ask is Ask.AMBIGUOUS:
        return f"the local model cannot tell ({score:.2f})"
    return f"the local model says {'yes' if score >= BOUNDARY else 'no'} ({score:.2f})"
