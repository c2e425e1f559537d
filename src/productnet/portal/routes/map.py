"""The map of the embedding: places of products, their colours, and the products at some of them.

A point is known by its row in the embedding set, so every question names the map it was asked of;
where a round has put another one into use meanwhile, the browser is told to load that.
"""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from productnet.errors import EmbeddingError, UsageError
from productnet.portal.cards import Card
from productnet.portal.maps import Asking, By, Coloured, Shown
from productnet.portal.security import AskedBy, PortalOf
from productnet.web.problems import Refused

router = APIRouter(tags=["map"])

# Points whose products are told in one answer.
_MOST_IDS = 10_000
_MOST_CARDS = 200

Leaf = Annotated[str | None, Query(description="Of by=verdict: the leaf; all of them if absent")]


class Map(BaseModel):
    """The map in use, or why there is none."""

    ready: bool
    why: str | None = Field(None, description="Why there is none, and what to do")
    version: str | None = Field(None, description="Tells this map from others")
    embedding_set: str | None = None
    count: int = Field(0, description="Points")
    missing: int = Field(0, description="Products of the pool that came after the embedding")


class MapGroup(BaseModel):
    """Points of one colour."""

    code: int = Field(description="Its number in the colours")
    kind: str
    label: str
    leaf: str | None
    count: int
    x: float = Field(description="Of the middle of its points")
    y: float


class Legend(BaseModel):
    """What the colours mean, by code."""

    version: str = Field(description="As the ETag of the colours it goes with")
    groups: list[MapGroup]


class Points(BaseModel):
    """Points of a map."""

    version: str = Field(description="The map's")
    rows: list[int] = Field(max_length=_MOST_IDS, examples=[[0, 17]])


class MapIds(BaseModel):
    """The products at points, in the order asked."""

    ids: list[str]


class MapProducts(BaseModel):
    """The products at points, in the order asked."""

    items: list[Card]


@router.get("/map", operation_id="get_map")
def get_map(portal: PortalOf) -> Map:
    """Whether there is a map, and of how many products."""
    resources = portal.resources
    try:
        shown = portal.maps.shown(resources)
    except EmbeddingError as error:
        return Map(ready=False, why=str(error))
    count = len(shown.embedding_set)
    return Map(
        ready=True,
        version=shown.version,
        embedding_set=shown.embedding_set.name,
        count=count,
        missing=max(0, len(resources.ids) - count),
    )


@router.get(
    "/map/points",
    operation_id="get_map_points",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "x, y, x, y, …"},
        304: {"description": "Unchanged since the ETag sent"},
    },
)
def get_map_points(portal: PortalOf, request: Request) -> Response:
    """Places of all products in the order of the set: little-endian float32 x, y in [-1, 1]."""
    shown = portal.maps.shown(portal.resources)
    return _binary(request, shown.map.points.astype("<f4", copy=False).tobytes(), shown.version)


@router.get("/map/legend", operation_id="get_map_legend")
def get_map_legend(
    portal: PortalOf, person: AskedBy, by: By = By.LEAF, leaf: Leaf = None
) -> Legend:
    """What the colours mean, and how many points have each."""
    coloured = _coloured(portal, person, by, leaf)
    groups = [
        MapGroup(
            code=group.code,
            kind=group.kind,
            label=group.label,
            leaf=group.leaf,
            count=group.count,
            x=group.x,
            y=group.y,
        )
        for group in coloured.groups
    ]
    return Legend(version=coloured.version, groups=groups)


@router.get(
    "/map/colours",
    operation_id="get_map_colours",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}, "description": "A byte a point"},
        304: {"description": "Unchanged since the ETag sent"},
    },
)
def get_map_colours(
    portal: PortalOf, person: AskedBy, request: Request, by: By = By.LEAF, leaf: Leaf = None
) -> Response:
    """The code of each point's colour, a byte each; the legend of the same version names them."""
    coloured = _coloured(portal, person, by, leaf)
    return _binary(request, coloured.codes.tobytes(), coloured.version)


@router.post("/map/ids", operation_id="get_map_ids")
def get_map_ids(portal: PortalOf, asked: Points) -> MapIds:
    """The products at some points, at most 10,000."""
    return MapIds(ids=_ids(portal, asked))


@router.post("/map/products", operation_id="get_map_products")
def get_map_products(portal: PortalOf, asked: Points) -> MapProducts:
    """The cards of the products at some points, at most 200."""
    if len(asked.rows) > _MOST_CARDS:
        raise UsageError(f"Asked for {len(asked.rows)} cards. Ask for {_MOST_CARDS} at most.")
    return MapProducts(items=portal.cards.of(_ids(portal, asked)))


def _coloured(portal: PortalOf, person: AskedBy, by: By, leaf: str | None) -> Coloured:
    if leaf is not None:
        if by is not By.VERDICT:
            raise UsageError(f"A leaf goes with by=verdict, not with by={by.value}.")
        leaf = portal.taxonomy[leaf].id
    shown = portal.maps.shown(portal.resources)
    checks = portal.checks.shown_to(person.name)
    asking = Asking(portal.log.state(), portal.taxonomy, person, by, leaf, checks)
    return portal.maps.coloured(shown, asking, portal.active)


def _ids(portal: PortalOf, asked: Points) -> list[str]:
    shown = portal.maps.shown(portal.resources)
    _check_version(shown, asked.version)
    count = len(shown.embedding_set)
    for row in asked.rows:
        if not 0 <= row < count:
            raise UsageError(f"There is no point {row}: the map has points 0 to {count - 1}.")
    return shown.ids(asked.rows)


def _check_version(shown: Shown, version: str) -> None:
    if version != shown.version:
        raise Refused(
            HTTPStatus.CONFLICT,
            f'The map was drawn anew, of embedding set "{shown.embedding_set.name}". Load it '
            "again with GET /map.",
            version=shown.version,
        )


def _binary(request: Request, content: bytes, version: str) -> Response:
    headers = {"ETag": f'"{version}"', "Cache-Control": "private, no-cache"}
    if headers["ETag"] in request.headers.get("If-None-Match", ""):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)
