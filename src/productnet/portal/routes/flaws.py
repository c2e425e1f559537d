"""Data quality: what the last inspection found, leaf by leaf and field by field, and a new one."""

from collections import Counter
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from productnet.catalog.pool import Pool
from productnet.errors import UnknownProduct
from productnet.inspection.flaws import Action, Flaw, Severity
from productnet.inspection.registry import INSPECTIONS
from productnet.inspection.run import read_inspected
from productnet.people.accounts import Person
from productnet.portal.cards import Card
from productnet.portal.counts import auditing
from productnet.portal.portal import Portal
from productnet.portal.routes.rounds import JobDetail, jobs_of, start_job
from productnet.portal.security import AskedBy, PortalOf

router = APIRouter(tags=["quality"])

# Flaws of one inspection, and products of one flaw, that are sent; files hold them all.
_MOST_FLAWS = 100
_PICTURES = 8


class FlawLeaf(BaseModel):
    """A leaf that a flaw is about."""

    leaf: str
    name: str


class FlawDetail(BaseModel):
    """Something in the data that looks wrong, and what to do about it."""

    inspection: str
    kind: str
    severity: Severity
    seen: str = Field(description="What was seen, in one sentence")
    advice: str = Field(description="What to do about it")
    action: Action
    leaves: list[FlawLeaf] = Field(description="The first of those it is about")
    more_leaves: int = Field(description="How many it is about beside")
    products: list[Card] = Field(description="Some of the products it concerns")
    count: int = Field(description="How many it concerns in all")
    field: str | None


class FlawGroup(BaseModel):
    """What one inspection found."""

    inspection: str
    help: str = Field(description="What it looks for")
    flaws: list[FlawDetail] = Field(description="The gravest first, up to a hundred")
    total: int
    skipped: str | None = Field(description="Why it could not look, where it could not")


class Flaws(BaseModel):
    """What the last inspection of all the data found."""

    at: datetime | None = Field(description="When; null before the first")
    behind: int = Field(description="Decisions since")
    pool_changed: bool = Field(description="Whether products were imported since")
    severities: dict[Severity, int]
    groups: list[FlawGroup]
    to_review: int = Field(description="Groups of near-duplicates that nobody has reviewed")
    jobs: list[JobDetail] = Field(description="The latest inspections, running or over")


@router.get("/flaws", operation_id="list_flaws")
def list_flaws(portal: PortalOf, person: AskedBy) -> Flaws:
    """What looks wrong in the data; never of a leaf that the one who asks audits now."""
    found = read_inspected(portal.project)
    jobs = jobs_of(portal, "inspection", person)
    to_review = portal.duplicates.waiting()
    if found is None:
        return Flaws(
            at=None, behind=0, pool_changed=False, severities={}, groups=[],
            to_review=to_review, jobs=jobs,
        )  # fmt: skip
    flaws = _told(portal, person, found.flaws)
    by_inspection = {name: [f for f in flaws if f.inspection == name] for name in INSPECTIONS}
    return Flaws(
        at=found.at,
        behind=max(0, portal.log.state().seq - found.seq),
        pool_changed=Pool.open(portal.project.pool_path).version != found.pool_version,
        severities=dict(Counter(flaw.severity for flaw in flaws)),
        groups=[
            FlawGroup(
                inspection=name,
                help=INSPECTIONS.help(name),
                flaws=[_detail(portal, flaw) for flaw in by_inspection[name][:_MOST_FLAWS]],
                total=len(by_inspection[name]),
                skipped=found.skipped.get(name),
            )
            for name in INSPECTIONS
            if by_inspection[name] or name in found.skipped
        ],
        to_review=to_review,
        jobs=jobs,
    )


@router.post("/flaws", operation_id="start_inspection", status_code=202)
def start_inspection(portal: PortalOf, person: AskedBy) -> JobDetail:
    """Look at all the data anew, in a process of its own."""
    return JobDetail.of(start_job(portal, "inspection", {}, person), person)


def _told(portal: Portal, person: Person, flaws: tuple[Flaw, ...]) -> list[Flaw]:
    """Those this person may be told of: what was said in a leaf they audit stays unsaid."""
    blind = auditing(portal, person)
    return [flaw for flaw in flaws if blind.isdisjoint(flaw.leaves)] if blind else list(flaws)


def _detail(portal: Portal, flaw: Flaw) -> FlawDetail:
    # Leaves and products may be gone since.
    leaves = [leaf for leaf in flaw.leaves if leaf in portal.taxonomy]
    shown = leaves[:4]
    return FlawDetail(
        inspection=flaw.inspection,
        kind=flaw.kind,
        severity=flaw.severity,
        seen=flaw.seen,
        advice=flaw.advice,
        action=flaw.action,
        leaves=[FlawLeaf(leaf=leaf, name=portal.taxonomy.name_of(leaf)) for leaf in shown],
        more_leaves=len(leaves) - len(shown),
        products=_cards(portal, flaw.products[:_PICTURES]),
        count=flaw.count,
        field=flaw.field,
    )


def _cards(portal: Portal, products: tuple[str, ...]) -> list[Card]:
    try:
        return portal.cards.of(products)
    except UnknownProduct:
        return []
