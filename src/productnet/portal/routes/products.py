"""Products and their pictures; what people answered is told only of what is settled, or one's own.

So whoever is going to audit a product cannot learn here what its labeler said; nor can whoever has
audited it, who may take that answer back and give another.
"""

from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from productnet.annotation.audits import audited_by
from productnet.annotation.decisions import Verdict
from productnet.annotation.state import State
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
    """A leaf's products, the newest first: the settled ones, and those one answered for oneself."""
    leaf, state = portal.taxonomy[id].id, portal.log.state()
    start = int(cursor or 0)
    # A check item is shown as what its answer would have made of a product that nobody had seen.
    answered = portal.checks.answers(leaf, person.name)
    planted = portal.checks.waiting(leaf, person.name) | answered.keys()
    found = [
        *(
            _Known(one, said, Stage.LABELLED, True)
            for one, said in answered.items()
            if said == _SAYS[kind]
        ),
        *(
            known
            for known in _visible(state, leaf, kind, person.name)
            if known.product not in planted
        ),
    ]
    page = found[start : start + limit]
    cards = portal.cards.of([known.product for known in page])
    return LeafProducts(
        items=[
            LeafProduct(
                **card.model_dump(), verdict=known.verdict, stage=known.stage, mine=known.mine
            )
            for card, known in zip(cards, page, strict=True)
        ],
        next_cursor=str(start + limit) if start + limit < len(found) else None,
    )


class _Known(NamedTuple):
    """What may be told of a product."""

    product: str
    verdict: Verdict | None
    stage: Stage
    mine: bool


# Hard negatives are chosen by how close they are, which nobody knows of a check item.
_SAYS = {
    ProductKind.POSITIVES: Verdict.POSITIVE,
    ProductKind.NEGATIVES: Verdict.NEGATIVE,
    ProductKind.HARD_NEGATIVES: None,
    ProductKind.UNSURE: Verdict.UNSURE,
}


def _visible(state: State, leaf: str, kind: ProductKind, person: str) -> list[_Known]:
    """Products of this kind that the person may know of."""
    products = {
        ProductKind.POSITIVES: state.positives,
        ProductKind.HARD_NEGATIVES: state.hard_negatives,
        ProductKind.NEGATIVES: state.negatives,
        ProductKind.UNSURE: state.unsure,
    }[kind](leaf)
    audited, pairs = audited_by(state, leaf, person), state.pairs(leaf)
    own = state.decided_by(person, leaf) - audited

    def settled(product: str) -> bool:
        # What an adjudicator has settled cannot be taken back: there it may be told.
        stage = pairs[product].stage
        return stage is Stage.SETTLED or (stage is Stage.CONFIRMED and product not in audited)

    return [
        _Known(product, pairs[product].verdict, pairs[product].stage, product in own)
        for product in reversed(products)
        if product in pairs and (product in own or settled(product))
    ]
