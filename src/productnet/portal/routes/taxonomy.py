"""The category tree, how far each leaf is, and what belongs in it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from productnet.annotation.state import LeafProgress
from productnet.errors import TaxonomyError
from productnet.events.kinds import Kind
from productnet.portal.counts import auditing, count_of, counts_of
from productnet.portal.routes.leaves import Held
from productnet.portal.security import AskedBy, PortalOf
from productnet.portal.updates import Update
from productnet.taxonomy.guidelines import (
    Guideline,
    guideline_version,
    read_guideline,
    rewrite_guideline,
)
from productnet.taxonomy.tree import Category, Taxonomy

router = APIRouter(tags=["taxonomy"])

LeafId = Annotated[str, Query(description="Id of a category", examples=["kitchen/mugs"])]


class Tree(BaseModel):
    """The whole taxonomy as columns, parents before their children."""

    name: str
    version: str
    id: list[str]
    label: list[str] = Field(description="The category's own name")
    parent: list[int] = Field(description="Its parent's place in these columns; -1 for a root")
    leaf: list[bool] = Field(description="Whether people label it")


class Progress(BaseModel):
    """How far the leaves are that have decisions."""

    target: int = Field(description="Gold positives wanted of each leaf")
    leaves: dict[str, LeafProgress]
    leases: list[Held] = Field(description="Who is at work on which leaf")


class Neighbour(BaseModel):
    """A leaf beside another one."""

    id: str
    name: str
    gold: int | None = Field(description="Not told to whoever audits that leaf now")


class LeafDetail(BaseModel):
    """A category, to work on it."""

    id: str
    name: str
    path: list[str] = Field(description="Names from the root down to this one")
    leaf: bool
    guideline: Guideline
    guideline_fault: str | None = Field(None, description="Why its guideline cannot be read")
    guideline_version: str = Field(description="To be given with what is written in its place")
    siblings: list[Neighbour]
    progress: LeafProgress | None = Field(
        description="Not told to whoever audits the leaf now: it would move with what the "
        "labeler had said"
    )
    leases: list[Held] = Field(description="Who labels it and who audits it now")


# A line of a guideline; people read it beside the candidates, all of it.
_Line = Annotated[str, Field(min_length=1, max_length=500)]


class GuidelineWritten(BaseModel):
    """What belongs in a category, as somebody has written it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "version": "none",
                    "definition": "Cups with a handle, to drink hot drinks from.",
                    "include": ["Travel mugs"],
                    "exclude": ["Cups with a saucer: they go to Cups & saucers"],
                    "examples": ["Stoneware mug, 350 ml"],
                }
            ]
        },
    )

    version: str = Field(
        max_length=64, description="`guideline_version` of what was read; none before the first"
    )
    definition: str = Field("", max_length=4_000)
    include: tuple[_Line, ...] = Field((), max_length=100)
    exclude: tuple[_Line, ...] = Field((), max_length=100)
    examples: tuple[_Line, ...] = Field((), max_length=100)


@router.get(
    "/tree",
    operation_id="get_tree",
    response_model=Tree,
    responses={304: {"description": "The tree that was sent before, by its ETag, is the tree"}},
)
def get_tree(portal: PortalOf, request: Request, response: Response) -> Tree | Response:
    """The whole category tree, at once; it hardly ever changes, so keep it by its ETag."""
    taxonomy = portal.taxonomy
    headers = {"ETag": f'"{taxonomy.hash}"', "Cache-Control": "private, no-cache"}
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    ordered = _depth_first(taxonomy)
    place = {category.id: number for number, category in enumerate(ordered)}
    parents = (taxonomy.parent(category.id) for category in ordered)
    return Tree(
        name=taxonomy.name,
        version=taxonomy.version,
        id=[category.id for category in ordered],
        label=[category.name for category in ordered],
        parent=[place[parent.id] if parent else -1 for parent in parents],
        leaf=[taxonomy.is_leaf(category.id) for category in ordered],
    )


@router.get("/progress", operation_id="get_progress")
def get_progress(portal: PortalOf, person: AskedBy) -> Progress:
    """Counts of every leaf that has decisions, without those one audits at the moment."""
    state, leases = portal.log.state(), portal.leases.current()
    return Progress(
        target=portal.project.settings.targets.positives,
        leaves=counts_of(portal, state, person, state.categories()),
        leases=[Held.of(lease) for lease in leases],
    )


@router.get("/leaf", operation_id="get_leaf")
def get_leaf(portal: PortalOf, person: AskedBy, id: LeafId) -> LeafDetail:
    """A category with its guideline, its siblings and how far it is."""
    taxonomy, state = portal.taxonomy, portal.log.state()
    category = taxonomy[id]
    guideline, fault = Guideline(), None
    # Read first: what is written meanwhile must not pass for what was read.
    version = guideline_version(portal.project.guidelines_path, category)
    try:
        guideline = read_guideline(portal.project.guidelines_path, category)
    except TaxonomyError as error:  # somebody is editing it; that must not stop those who label
        fault = str(error)
    leases = portal.leases.current(category.id)
    audited = auditing(portal, person)
    return LeafDetail(
        id=category.id,
        name=category.name,
        path=list(category.path),
        leaf=taxonomy.is_leaf(category.id),
        guideline=guideline,
        guideline_fault=fault,
        guideline_version=version,
        siblings=[
            Neighbour(
                id=other.id,
                name=other.name,
                gold=None if other.id in audited else count_of(state, person, other.id).gold,
            )
            for other in taxonomy.siblings(category.id)
            if taxonomy.is_leaf(other.id)
        ],
        progress=counts_of(portal, state, person, [category.id]).get(category.id),
        leases=[Held.of(lease) for lease in leases],
    )


@router.put("/guideline", operation_id="put_guideline", status_code=204)
def put_guideline(portal: PortalOf, person: AskedBy, id: LeafId, asked: GuidelineWritten) -> None:
    """Write what belongs in a category, in place of what was read before.

    It is refused (409) where somebody has written it since, so that nothing of theirs is lost.
    """
    category = portal.taxonomy[id]
    wanted = Guideline(asked.definition, asked.include, asked.exclude, asked.examples)
    rewrite_guideline(portal.project.guidelines_path, category, wanted, version=asked.version)
    portal.activity.record(Kind.GUIDELINE_CHANGED, person=person.name, subject=category.id)
    portal.updates.tell_all(Update("guideline", {"leaf": category.id}))


def _depth_first(taxonomy: Taxonomy) -> list[Category]:
    ordered: list[Category] = []
    waiting = list(reversed(taxonomy.roots))
    while waiting:
        category = waiting.pop()
        ordered.append(category)
        waiting.extend(reversed(taxonomy.children(category.id)))
    return ordered
