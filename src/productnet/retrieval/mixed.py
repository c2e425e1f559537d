"""``mixed``: the default, a blend of all other sources, without repeats (rule 6).

Until a leaf has a local model, what fits its name and no other leaf's comes first (``guesses``),
then what keyword search and vectors find for that name. From then on the surest products do: the
local model's and the master model's, put together by reciprocal rank fusion (Cormack et al. 2009),
since their scores cannot be compared. Those of them that prove to be none are hard negatives. Where
positives come too easily to leave enough of them, confusable products follow once the positives are
complete, and ambiguous ones after these: the surest of a large leaf are all alike, and a master
model learns little of the others from them. A few products come by chance, so that a part of the
leaf that looks like none of its positives is found one day: in place of those that the local model
doubts, where little is lost.
"""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from productnet.local.ask import Ask
from productnet.local.model import BOUNDARY
from productnet.retrieval.active import answers
from productnet.retrieval.adhoc import AdHoc
from productnet.retrieval.candidates import Candidate, Leaf
from productnet.retrieval.confusable import confusable
from productnet.retrieval.fusion import merits
from productnet.retrieval.guesses import guessed
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.master import Master
from productnet.retrieval.nearest import Nearest
from productnet.retrieval.random import Random
from productnet.retrieval.resources import Resources
from productnet.retrieval.variety import SHORTLIST, varied

# Share drawn by chance: one in fifty of the products that the local model doubts, or that nobody
# can judge yet. Where the leaf's name has led to nothing so far, chance is as good a guide.
_RANDOM = 0.02
_RANDOM_WHEN_LOST = 0.5

# What the master model's word is worth beside a local model's, which has its embeddings and the
# leaf's own decisions: enough to bring forward what both hold for positive, and no more.
_AGREEMENT = 0.3

# Recommendations, the surest, that the master model is judged by.
_JUDGED = 1_000


class Mixed:
    """Mostly the local model; before it exists, keyword hits and neighbours."""

    keeps_order = True

    def rank(
        self, leaf: Leaf, resources: Resources, *, count: int, rng: np.random.Generator
    ) -> list[Candidate]:
        """The best of each source."""
        model = resources.project.settings.candidates.local_model
        scored = resources.scorer(leaf, resources, model=model)
        recommended = Master().rank(leaf, resources, count=count, rng=rng)
        trusted = _trust_in_master(leaf, resources)
        if scored is None:
            hits = Keyword().rank(leaf, resources, count=count, rng=rng)
            # Without positives it is the leaf's name that is looked around, as a typed text.
            look_around = Nearest() if leaf.positives or not resources.takes_text else AdHoc()
            near = look_around.rank(leaf, resources, count=count, rng=rng)
            by_name = fused([hits, near, recommended], trust=[1, 1, trusted])
            main = joined(guessed(leaf, resources.guesses, count=count), by_name)
        elif _lacks_only_negatives(leaf, resources):
            main = confusable(scored, leaf, resources, count=count, rng=rng)
        else:
            ask = Ask.AMBIGUOUS if _has_positives(leaf, resources) else Ask.POSITIVES
            asked = answers(scored, ask, leaf, resources, count=SHORTLIST * count)
            agreeing = _AGREEMENT * trusted if ask is Ask.POSITIVES else 0.0
            main = varied(fused([asked, recommended], trust=[1, agreeing]), resources, count=count)
        lost = bool(leaf.hidden) and not leaf.positives
        believed = 0 if scored is None else sum(one.score >= BOUNDARY for one in main)
        by_chance = _some(count - believed, _RANDOM_WHEN_LOST if lost else _RANDOM, rng)
        aside = Random().rank(leaf, resources, count=by_chance, rng=rng) if by_chance else []
        return interleaved(main, aside)[:count]


def fused(rankings: Sequence[Sequence[Candidate]], *, trust: Sequence[float]) -> list[Candidate]:
    """One ranking of several: what stands high in many comes first, each product once.

    Args:
        rankings: Best first.
        trust: How much each ranking counts.
    """
    best: dict[str, Candidate] = {}
    for ranking in rankings:
        for candidate in ranking:
            best.setdefault(candidate.product, candidate)
    earned = merits([[one.product for one in ranking] for ranking in rankings], trust=trust)
    return sorted(best.values(), key=lambda candidate: -earned[candidate.product])


def joined(first: Sequence[Candidate], then: Sequence[Candidate]) -> list[Candidate]:
    """One ranking after the other, each product once."""
    known = {candidate.product for candidate in first}
    return [*first, *(candidate for candidate in then if candidate.product not in known)]


def interleaved(main: Sequence[Candidate], aside: Sequence[Candidate]) -> list[Candidate]:
    """Both, each product once, those aside spread evenly."""
    apart = {candidate.product for candidate in aside}
    rest = [candidate for candidate in main if candidate.product not in apart]
    once = list({candidate.product: candidate for candidate in aside}.values())
    places = [
        *((place + 0.5) / len(rest) for place in range(len(rest))),
        *((place + 0.75) / len(once) for place in range(len(once))),
    ]
    order = sorted(range(len(places)), key=places.__getitem__)
    both = [*rest, *once]
    return [both[place] for place in order]


def _trust_in_master(leaf: Leaf, resources: Resources) -> float:
    """The share of its recommendations that people confirmed, of those they have seen.

    As if one more had been seen and confirmed: a new master model is trusted at first.
    """
    if resources.recommendations is None:
        return 0.0
    first = islice(resources.recommendations.of(leaf.category.id), _JUDGED)
    seen = [leaf.labels[one.product] for one in first if one.product in leaf.labels]
    return (1 + sum(seen)) / (1 + len(seen))


def _has_positives(leaf: Leaf, resources: Resources) -> bool:
    return len(leaf.positives) >= resources.project.settings.targets.positives


def _lacks_only_negatives(leaf: Leaf, resources: Resources) -> bool:
    lacking = len(leaf.negatives) < resources.project.settings.targets.hard_negatives
    return lacking and _has_positives(leaf, resources)


def _some(count: int, share: float, rng: np.random.Generator) -> int:
    """A share of so many as a whole number, right on average."""
    return int(count * share + rng.random())
