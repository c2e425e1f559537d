"""Who may be told an answer: what is settled, or one's own.

So whoever is going to audit a product cannot learn what its labeler said. Nor can whoever has
audited it, who may take that answer back and give another: until an adjudicator has settled it,
they are told their own answer and nothing that follows from it, and every count is told to them
as it was before. Disputes are told to those who settle them, and to those who labelled.
"""

from typing import NamedTuple

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.verdicts import History, PairState, Stage, judge


class Told(NamedTuple):
    """What a person may know of a pair.

    Attributes:
        verdict: What holds, or what they said themselves; None while it is disputed.
        stage: How far it has come, for all they may know.
        mine: Whether they have answered for it.
    """

    verdict: Verdict | None
    stage: Stage
    mine: bool


def told(
    pair: PairState, history: History, leaf: str, person: str, *, settles: bool = False
) -> Told | None:
    """What this person may know of a pair; None if nothing.

    Args:
        pair: Where it stands.
        history: The votes about its product.
        leaf: Its leaf.
        person: Who asks.
        settles: Whether they settle disputes.
    """
    own = [vote for vote in history if vote.annotator == person]
    here = [vote for vote in own if vote.category == leaf]
    if any(vote.role is Role.AUDIT for vote in own):
        audit = next((vote for vote in reversed(here) if vote.role is Role.AUDIT), None)
        if audit and pair.stage is not Stage.SETTLED:
            return Told(audit.verdict, Stage.LABELLED, mine=True)
        # A product is gold for one leaf: an audit of it in one may have moved it in another.
        pair = before_audits(history, person).get(leaf, pair)
    if here or pair.certain or (settles and pair.stage is Stage.DISPUTED):
        return Told(pair.verdict, pair.stage, mine=bool(here))
    return None


def before_audits(history: History, person: str) -> dict[str, PairState]:
    """The state of every pair of a product, as if this person had audited nothing that is open.

    What was settled since their audit is told to them, so there the audit counts.
    """
    pairs = judge(history)
    return judge(
        [
            vote
            for vote in history
            if vote.role is not Role.AUDIT
            or vote.annotator != person
            or (vote.category in pairs and pairs[vote.category].stage is Stage.SETTLED)
        ]
    )
