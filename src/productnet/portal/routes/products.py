"""Products and their pictures; and of a leaf's, what people answered, as far as it may be told.

Whom an answer may be told to is said in ``annotation/told.py``.
"""

from enum import StrEnum
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from productnet.annotation.audits import audited_by
from productnet.annotation.decisions import Verdict
from productnet.annotation.state import State, hardest_first
from productnet.annotation.told import Told, told
from productnet.annotation.verdicts import Stage
from productnet.portal.cards import Card, Detail
from productnet.portal.routes.taxonomy import LeafId
from productnet.portal.security import AskedBy, PortalOf

router = APIRouter(tags=["products"])

ProductId = Annotated[str, Query(description="Id of a product")]

_FOR_EVER = "private, max-age=31536000, immutable"


class ProductIds(BaseModel):
    """Products asked for."""

    ids: list[str] = Field(max_length=1_000)


class Products(BaseModel):
    """Products found."""

    items: list[Card]


class ProductKind(StrEnum):
    """Which of a leaf's products."""

    POSITIVES = "positives"
    HARD_NEGATIVES = "hard_negatives"
    NEGATIVES = "negatives"
    UNSURE = "unsure"


class LeafProduct(Card):
    """A product of a leaf, and what is known of it."""

    verdict: Verdict | None
    stage: Stage
    mine: bool = Field(description="Whether the one who asks has answered for it")


class LeafProducts(BaseModel):
    """A stretch of a leaf's products."""

    items: list[LeafProduct]
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows")


@router.post("/products", operation_id="get_products")
def get_products(portal: PortalOf, asked: ProductIds) -> Products:
    """Several products, in the order asked."""
    return Products(items=portal.cards.of(asked.ids))


@router.get("/product", operation_id="get_product")
def get_product(portal: PortalOf, id: ProductId) -> Detail:
    """Everything the catalog holds of a product."""
    return portal.cards.detail(id)


@router.get(
    "/image",
    operation_id="get_image",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/webp": {}}}},
)
def get_image(
    portal: PortalOf,
    product: ProductId,
    n: Annotated[int, Query(ge=0, le=1_000, description="Which of its pictures")] = 0,
    size: Annotated[Literal["thumb", "full"], Query()] = "thumb",
    v: Annotated[str, Query(max_length=100, description="Its version; a card's URL names it")] = "",
) -> Response:
    """A picture of a product, encoded anew."""
    cards = portal.cards
    if size == "thumb":
        data, kind = portal.pictures.encoded((product, size, v), lambda: cards.thumbnail(product))
    else:
        data, kind = portal.pictures.encoded(
            (product, str(n), v), lambda: cards.picture(product, n)
        )
    return Response(data, media_type=kind, headers={"Cache-Control": _FOR_EVER} if v else None)


@router.get("/leaf/products", operation_id="get_leaf_products")
def get_leaf_products(
    portal: PortalOf,
    person: AskedBy,
    id: LeafId,
    kind: ProductKind = ProductKind.POSITIVES,
    cursor: Annotated[str, Query(pattern=r"^\d{0,9}$")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 60,
) -> LeafProducts:
    """A leaf's products, the newest or the hardest first: the settled ones, and one's own."""
    leaf, state = portal.taxonomy[id].id, portal.log.state()
    start = int(cursor or 0)
    # A check item is shown as what its answer would have made of a product that nobody had seen.
    answered = portal.checks.answers(leaf, person.name)
    planted = portal.checks.waiting(leaf, person.name) | answered.keys()
    found = [
        (product, Told(said, Stage.LABELLED, mine=True))
        for product, said in answered.items()
        if said == _SAYS.get(kind)
    ]
    found += [
        (product, known)
        for product, known in _known(state, leaf, kind, person.name)
        if product not in planted
    ]
    page = found[start : start + limit]
    cards = portal.cards.of([product for product, _ in page])
    return LeafProducts(
        items=[
            LeafProduct(
                **card.model_dump(), verdict=known.verdict, stage=known.stage, mine=known.mine
            )
            for card, (_, known) in zip(cards, page, strict=True)
        ],
        next_cursor=str(start + limit) if start + limit < len(found) else None,
    )


# Hard negatives are chosen by how close they are, which nobody knows of a check item.
_SAYS = {
    ProductKind.POSITIVES: Verdict.POSITIVE,
    ProductKind.NEGATIVES: Verdict.NEGATIVE,
    ProductKind.UNSURE: Verdict.UNSURE,
}


def _known(state: State, leaf: str, kind: ProductKind, person: str) -> list[tuple[str, Told]]:
    """Products of this kind, as far as the person may know it; the newest or the hardest first."""
    pairs, audited = state.pairs(leaf), audited_by(state, leaf, person)
    histories = state.histories(pairs)
    # What one has audited is nothing to compare with before it is settled, be it one's own answer.
    known = {
        product: one
        for product in reversed(pairs)
        if product not in audited or pairs[product].stage is Stage.SETTLED
        if (one := told(pairs[product], histories[product], leaf, person))
    }
    if kind is not ProductKind.HARD_NEGATIVES:
        return [(product, one) for product, one in known.items() if one.verdict is _SAYS[kind]]
    # An audit of one's own makes no hard negative, and moves none: the labels do.
    sure = [
        product
        for product, one in known.items()
        if one.verdict is Verdict.NEGATIVE and one.stage is pairs[product].stage
    ]
    most = state.progress_told(leaf, person).hard_negatives
    return [(product, known[product]) for product in hardest_first(sure, pairs)[:most]]
