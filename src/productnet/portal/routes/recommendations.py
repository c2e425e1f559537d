"""What the master model of the active round recommends, for people to verify leaf by leaf."""

from itertools import islice
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.portal.cards import Card
from productnet.portal.counts import auditing, count_of
from productnet.portal.routes.taxonomy import LeafId
from productnet.portal.security import AskedBy, PortalOf
from productnet.retrieval.recommendations import BINS
from productnet.settings import round_name

router = APIRouter(tags=["recommendations"])

# From here on a recommendation is rather right than wrong; its confidence is calibrated.
_CONFIDENT = BINS // 2


class Recommended(BaseModel):
    """A leaf, and how sure the model is of what it recommends for it."""

    leaf: str
    name: str
    path: list[str]
    count: int = Field(description="Products recommended by the round, verified since or not")
    confident: int = Field(description="Those of them with a confidence of at least a half")
    verified: int = Field(description="Products of the leaf that people verified for this source")
    confidences: list[int] = Field(description="How many lie in each twentieth of confidence")
    gold: int


class Recommendations(BaseModel):
    """Every leaf that a round recommends products for, the surest first."""

    round: int | None = Field(description="None before the first round")
    model_version: str | None
    leaves: list[Recommended]


class RecommendedProduct(Card):
    """A product that the model puts into the leaf."""

    confidence: float = Field(description="How likely it belongs there, 0 to 1, calibrated")
    rank: int = Field(description="Which of the model's choices for the product the leaf is")


class RecommendedProducts(BaseModel):
    """A stretch of a leaf's recommendations, the surest first."""

    items: list[RecommendedProduct]
    round: int | None
    model_version: str | None = Field(description="To be given with every answer")
    confidences: list[int] = Field(
        description="How many that nobody has decided on lie in each twentieth of confidence"
    )
    left: int = Field(description="Products that nobody has decided on, from `min` up")
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows")


@router.get("/recommendations", operation_id="list_recommendations")
def list_recommendations(portal: PortalOf, person: AskedBy) -> Recommendations:
    """The leaves with recommendations, those with the most confident ones first.

    Without those one audits at the moment.
    """
    found, state, taxonomy = portal.resources.recommendations, portal.log.state(), portal.taxonomy
    if found is None:
        return Recommendations(round=None, model_version=None, leaves=[])
    begun, audited = set(state.categories()), auditing(portal, person)
    leaves = [
        Recommended(
            leaf=leaf,
            name=taxonomy[leaf].name,
            path=list(taxonomy[leaf].path),
            count=int(counts.sum()),
            confident=int(counts[_CONFIDENT:].sum()),
            verified=sum(pair.source == "master" for pair in state.pairs(leaf).values())
            if leaf in begun
            else 0,
            confidences=counts.tolist(),
            gold=count_of(state, person, leaf).gold,
        )
        for leaf, counts in found.confidences.items()
        if leaf in taxonomy and leaf not in audited
    ]
    leaves.sort(key=lambda one: (-one.confident, -one.count, one.leaf))
    return Recommendations(round=found.round, model_version=round_name(found.round), leaves=leaves)


@router.get("/recommendations/products", operation_id="list_recommended_products")
def list_recommended_products(
    portal: PortalOf,
    leaf: LeafId,
    min: Annotated[float, Query(ge=0, le=1, description="Confidence from which on")] = 0.0,
    cursor: Annotated[str, Query(pattern=r"^\d{0,9}$")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 60,
) -> RecommendedProducts:
    """What the round recommends for a leaf and nobody has decided on since, the surest first."""
    leaf = portal.taxonomy[leaf].id
    found, decided = portal.resources.recommendations, portal.log.state().pairs(leaf)
    if found is None:
        return RecommendedProducts(
            items=[],
            round=None,
            model_version=None,
            confidences=[0] * BINS,
            left=0,
            next_cursor=None,
        )
    # A place in the round's list, which never changes: what is decided meanwhile moves nothing.
    start = int(cursor or 0)
    waiting = [
        (place, one) for place, one in enumerate(found.of(leaf)) if one.product not in decided
    ]
    above = [(place, one) for place, one in waiting if one.confidence >= min]
    ahead = list(islice((pair for pair in above if pair[0] >= start), limit + 1))
    page = [one for _, one in ahead[:limit]]
    bins = [int(one.confidence * BINS) for _, one in waiting]
    counts = np.bincount(np.clip(bins, 0, BINS - 1).astype(np.int64), minlength=BINS)
    return RecommendedProducts(
        items=[
            RecommendedProduct(**card.model_dump(), confidence=one.confidence, rank=one.rank)
            for card, one in zip(portal.cards.of([one.product for one in page]), page, strict=True)
        ],
        round=found.round,
        model_version=round_name(found.round),
        confidences=counts.tolist(),
        left=len(above),
        next_cursor=str(ahead[limit][0]) if len(ahead) > limit else None,
    )
