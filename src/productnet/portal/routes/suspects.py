"""Suspected label errors: confirmed answers that models trained without them do not believe.

A suspect is opened for a second look by a decision of the role ``challenge``, sent like any other.
"""

from datetime import datetime
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.rules import may_adjudicate
from productnet.annotation.state import State
from productnet.annotation.verdicts import Reason, Stage
from productnet.embeddings.initial import NAME as INITIAL
from productnet.evaluation.suspects import Suspect
from productnet.portal.cards import Card
from productnet.portal.portal import Portal
from productnet.portal.routes.disputes import Said, answers_of
from productnet.portal.second_looks import ALL_GOLD
from productnet.portal.security import AskedBy, PortalOf

router = APIRouter(tags=["adjudication"])

# What is likelier right than this is not worth a second look of anybody.
_LEAST_PROBABILITY = 0.2


class Suspected(BaseModel):
    """An answer that looks wrong."""

    product: Card
    leaf: str
    name: str
    path: list[str]
    given: Verdict
    probability: float = Field(description="How likely the answer is wrong, 0 to 1, calibrated")
    rather: str | None = Field(description="The leaf it looks like instead, if one does")
    rather_name: str | None
    answers: list[Said]


class Opened(BaseModel):
    """A pair that was challenged and waits for an adjudicator."""

    product: Card
    leaf: str
    name: str
    by: str
    at: datetime
    note: str | None
    probability: float | None = Field(description="How likely the answer is wrong, if a model said")
    yours: bool = Field(description="Whether the one who asks may settle it")


class Suspects(BaseModel):
    """Answers that look wrong, the likeliest first, and those that are looked at again."""

    items: list[Suspected]
    total: int
    open: list[Opened]
    model_version: str = Field(description="To be given with the challenge of one of them")
    behind: int | None = Field(description="Decisions since; None while nothing was found yet")
    looking: bool = Field(description="Whether it is being found anew; ask again in a while")
    failure: str | None = Field(description="Why nothing can be found, where it cannot")
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows")


@router.get("/suspects", operation_id="list_suspects")
def list_suspects(
    portal: PortalOf,
    person: AskedBy,
    leaf: Annotated[str | None, Query(description="Of this leaf; of all gold if absent")] = None,
    cursor: Annotated[str, Query(pattern=r"^\d{0,9}$")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 30,
) -> Suspects:
    """Confirmed answers that look wrong, and what was opened for a second look."""
    category = portal.taxonomy[leaf].id if leaf else None
    state = portal.log.state()
    looked = portal.second_looks.of(category or ALL_GOLD, seq=state.seq)
    doubted = [one for one in looked.suspects if _worth_it(portal, state, one)]
    start = int(cursor or 0)
    page = list(islice(doubted, start, start + limit))
    return Suspects(
        items=_suspected(portal, page),
        total=len(doubted),
        open=_opened(portal, state, category, person.name),
        model_version=f"out-of-fold:{INITIAL}",
        behind=None if looked.seq is None else state.seq - looked.seq,
        looking=looked.looking,
        failure=looked.failure,
        next_cursor=str(start + limit) if start + limit < len(doubted) else None,
    )


def _worth_it(portal: Portal, state: State, one: Suspect) -> bool:
    """Whether it can be challenged: what still waits for its audit gets a second look anyway."""
    pair = state.pair(one.product, one.leaf)
    known = pair.stage in (Stage.CONFIRMED, Stage.SETTLED) and pair.reason is not Reason.OVERRULED
    return (
        known
        and pair.verdict is one.given
        and one.probability >= _LEAST_PROBABILITY
        and one.leaf in portal.taxonomy
    )


def _suspected(portal: Portal, page: list[Suspect]) -> list[Suspected]:
    taxonomy = portal.taxonomy
    cards = portal.cards.of([one.product for one in page])
    said = portal.workflow.standing({one.product for one in page})
    return [
        Suspected(
            product=card,
            leaf=one.leaf,
            name=taxonomy[one.leaf].name,
            path=list(taxonomy[one.leaf].path),
            given=one.given,
            probability=one.probability,
            rather=one.rather,
            rather_name=taxonomy.name_of(one.rather) if one.rather else None,
            answers=answers_of(portal, said[one.product]),
        )
        for one, card in zip(page, cards, strict=True)
    ]


def _opened(portal: Portal, state: State, leaf: str | None, person: str) -> list[Opened]:
    waiting = [one for one in portal.workflow.disputes(leaf) if one.reason is Reason.CHALLENGED]
    cards = portal.cards.of([one.product for one in waiting])
    said = portal.workflow.standing({one.product for one in waiting})
    found = []
    for dispute, card in zip(waiting, cards, strict=True):
        challenge = [
            one
            for one in said[dispute.product]
            if one.category == dispute.category and one.role is Role.CHALLENGE
        ]
        if not challenge:  # taken back while this was read
            continue
        found.append(
            Opened(
                product=card,
                leaf=dispute.category,
                name=portal.taxonomy.name_of(dispute.category),
                by=challenge[-1].annotator,
                at=challenge[-1].at,
                note=challenge[-1].note,
                probability=challenge[-1].score,
                yours=may_adjudicate(person, dispute.category, dispute.votes),
            )
        )
    return found
