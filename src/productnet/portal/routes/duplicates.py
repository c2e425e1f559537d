"""Near-duplicates, side by side, for people to say whether they are one product."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from productnet.annotation.duplicate_reviews import MOST_REVIEWED
from productnet.portal.cards import Card
from productnet.portal.counts import auditing
from productnet.portal.duplicates import Alike
from productnet.portal.portal import Portal
from productnet.portal.security import AskedBy, PortalOf

router = APIRouter(tags=["quality"])


class LikeProduct(Card):
    """A product of a group."""

    gold: str | None = Field(description="Name of the leaf it is gold for, if it is")


class LikeProducts(BaseModel):
    """Products that look like one."""

    products: list[LikeProduct] = Field(description="The one that stands for all first")
    count: int = Field(description="How many there are; more than 50 are not shown")
    leaves: int = Field(description="How many leaves they are gold of")


class LikeGroups(BaseModel):
    """Some groups that nobody has reviewed, those of several leaves first, then the largest."""

    items: list[LikeProducts]
    total: int


class Reviewed(BaseModel):
    """What somebody says of a group."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="Made by the sender: sent twice, it is recorded once")
    products: list[str] = Field(min_length=2, max_length=MOST_REVIEWED)
    apart: list[str] = Field(
        max_length=MOST_REVIEWED,
        description="Those that are a product of their own each; none: all are one product",
    )


class TakenBack(BaseModel):
    """A review of one's own that shall not count."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="Made by the sender: sent twice, it is recorded once")
    review: UUID


class ReviewRecorded(BaseModel):
    """What was recorded."""

    id: UUID


@router.get("/duplicates", operation_id="list_duplicates")
def list_duplicates(
    portal: PortalOf,
    person: AskedBy,
    product: Annotated[
        str | None, Query(max_length=1_000, description="Its group comes first")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> LikeGroups:
    """Groups of near-duplicates to review."""
    page, total = portal.duplicates.page(count=limit, first=product)
    blind = auditing(portal, person)
    return LikeGroups(items=[_group(portal, group, blind) for group in page], total=total)


@router.post("/duplicates", operation_id="review_duplicates", status_code=201)
def review_duplicates(portal: PortalOf, person: AskedBy, said: Reviewed) -> ReviewRecorded:
    """Say which of these are one product; cards, candidates and splits follow."""
    portal.cards.of(said.products)  # which raises where the pool has no such product
    review = portal.duplicates.record(said.id, said.products, apart=said.apart, person=person.name)
    return ReviewRecorded(id=review.id)


@router.post("/duplicates/undo", operation_id="take_back_review", status_code=201)
def take_back_review(portal: PortalOf, person: AskedBy, back: TakenBack) -> ReviewRecorded:
    """Take back a review of one's own."""
    undone = portal.duplicates.take_back(back.id, back.review, person=person.name)
    return ReviewRecorded(id=undone.id)


def _group(portal: Portal, group: Alike, blind: set[str]) -> LikeProducts:
    state = portal.log.state()
    gold = {
        product: vote.category
        for product in group.products
        for vote in state.history(product)
        if state.pair(product, vote.category).gold and vote.category not in blind
    }
    return LikeProducts(
        products=[
            LikeProduct(
                **card.model_dump(),
                gold=portal.taxonomy.name_of(gold[card.product]) if card.product in gold else None,
            )
            for card in portal.cards.of(group.products)
        ],
        count=group.count,
        leaves=group.leaves if not blind else len(set(gold.values())),
    )
