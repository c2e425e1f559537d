"""Adjudication: what two people answered differently, before a third one who settles it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.rules import may_adjudicate
from productnet.annotation.state import State
from productnet.annotation.verdicts import History, Reason, Stage, judge
from productnet.annotation.workflow import Dispute
from productnet.errors import TaxonomyError
from productnet.portal.cards import Card
from productnet.portal.portal import Portal
from productnet.portal.security import AskedBy, PortalOf
from productnet.taxonomy.guidelines import Guideline, read_guideline

router = APIRouter(tags=["adjudication"])

# Products of a leaf that are shown beside a dispute, of each kind.
_REFERENCES = 12


class DisputeKind(StrEnum):
    """Why a pair waits for an adjudicator."""

    DIFFER = "differ"
    TWO_LEAVES = "two_leaves"
    CHALLENGED = "challenged"


_KINDS = {
    Reason.DIFFER: DisputeKind.DIFFER,
    Reason.GOLD_ELSEWHERE: DisputeKind.TWO_LEAVES,
    Reason.CHALLENGED: DisputeKind.CHALLENGED,
}


class Said(BaseModel):
    """What somebody, or a model, said of a product, and stands."""

    role: Role
    person: str
    verdict: Verdict | None
    note: str | None
    at: datetime
    leaf: str
    leaf_name: str
    model_version: str | None = Field(description="Of a model's challenge, the model")
    probability: float | None = Field(
        description="Of a model's challenge, how likely the answer before it is wrong"
    )


class Contested(BaseModel):
    """A product to settle."""

    product: Card
    kind: DisputeKind
    reason: str = Field(description="The same in words")
    leaf: str
    leaves: list[str] = Field(description="The leaves to choose from; one, unless it is in two")
    answers: list[Said] = Field(description="In the order given, those for other leaves included")


class Beside(BaseModel):
    """What an adjudicator reads and sees of a leaf beside its disputes."""

    name: str
    path: list[str]
    guideline: Guideline
    positives: list[Card] = Field(description="Gold, the newest")
    hard_negatives: list[Card] = Field(description="Settled ones, the hardest")


class Disputes(BaseModel):
    """A stretch of what waits for the one who asks."""

    items: list[Contested]
    leaves: dict[str, Beside] = Field(description="Every leaf that the items name to choose from")
    total: int = Field(description="How many wait in all")
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows")


@router.get("/disputes", operation_id="list_disputes")
def list_disputes(
    portal: PortalOf,
    person: AskedBy,
    leaf: Annotated[str | None, Query(description="Of this leaf; of all if absent")] = None,
    cursor: Annotated[str, Query(pattern=r"^(\d{1,9}\.\d{1,15})?$")] = "",
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Disputes:
    """What waits to be settled, leaf by leaf, the oldest first; never what one answered oneself."""
    category = portal.taxonomy[leaf].id if leaf else None
    waiting = list(_waiting(portal, category, person.name))
    after = tuple(int(part) for part in cursor.split(".")) if cursor else (-1, -1)
    ahead = [(place, dispute) for place, dispute in waiting if place > after]
    page = [dispute for _, dispute in ahead[:limit]]
    items = _items(portal, page)
    return Disputes(
        items=items,
        leaves={
            leaf: _beside(portal, leaf)
            for leaf in dict.fromkeys(leaf for item in items for leaf in item.leaves)
        },
        total=len(waiting),
        next_cursor="{}.{}".format(*ahead[limit - 1][0]) if len(ahead) > limit else None,
    )


def _waiting(
    portal: Portal, leaf: str | None, person: str
) -> Iterator[tuple[tuple[int, int], Dispute]]:
    """Disputes for this person with their lasting places; a product in two leaves comes once."""
    state = portal.log.state()
    order = {category: number for number, category in enumerate(state.categories())}
    seen: set[str] = set()
    for dispute in portal.workflow.disputes(leaf, adjudicator=person):
        if dispute.category not in portal.taxonomy:
            continue
        if dispute.reason is Reason.GOLD_ELSEWHERE:
            leaves = _claiming(dispute.votes)
            own = any(not may_adjudicate(person, each, dispute.votes) for each in leaves)
            if own or dispute.product in seen:
                continue
            seen.add(dispute.product)
        since = state.pair(dispute.product, dispute.category).since
        yield (order[dispute.category], since), dispute


def _claiming(history: History) -> list[str]:
    """The leaves that a product is gold in, or would be if it were not gold in another."""
    pairs = judge(history)
    return [
        leaf for leaf, pair in pairs.items() if pair.gold or pair.reason is Reason.GOLD_ELSEWHERE
    ]


def _items(portal: Portal, page: list[Dispute]) -> list[Contested]:
    cards = portal.cards.of([dispute.product for dispute in page])
    said = portal.workflow.standing({dispute.product for dispute in page})
    return [
        Contested(
            product=card,
            kind=_KINDS[dispute.reason],
            reason=dispute.reason,
            leaf=dispute.category,
            leaves=_claiming(dispute.votes)
            if dispute.reason is Reason.GOLD_ELSEWHERE
            else [dispute.category],
            answers=answers_of(portal, said[dispute.product]),
        )
        for dispute, card in zip(page, cards, strict=True)
    ]


def answers_of(portal: Portal, said: Iterable[Decision]) -> list[Said]:
    """Decisions as an adjudicator reads them."""
    return [
        Said(
            role=one.role,
            person=one.annotator,
            verdict=one.verdict,
            note=one.note,
            at=one.at,
            leaf=one.category,
            leaf_name=portal.taxonomy.name_of(one.category),
            model_version=one.model_version if one.role is Role.CHALLENGE else None,
            probability=one.score if one.role is Role.CHALLENGE else None,
        )
        for one in said
    ]


def _beside(portal: Portal, leaf: str) -> Beside:
    category, state = portal.taxonomy[leaf], portal.log.state()
    try:
        guideline = read_guideline(portal.project.guidelines_path, category)
    except TaxonomyError:  # somebody is editing it; the leaf page tells them
        guideline = Guideline()
    return Beside(
        name=category.name,
        path=list(category.path),
        guideline=guideline,
        positives=portal.cards.of(state.gold(leaf)[::-1][:_REFERENCES]),
        hard_negatives=portal.cards.of(_settled_negatives(state, leaf)[:_REFERENCES]),
    )


def _settled_negatives(state: State, leaf: str) -> list[str]:
    """Hard negatives that two people have seen: others wait for an auditor, who may be reading."""
    known = (Stage.CONFIRMED, Stage.SETTLED)
    return [one for one in state.hard_negatives(leaf) if state.pair(one, leaf).stage in known]
