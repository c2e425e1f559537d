"""Which leaf is whose: the queue, leases, assignments."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.annotation.decisions import Task
from productnet.annotation.leases import Lease
from productnet.annotation.queue import Offer
from productnet.annotation.state import LeafProgress
from productnet.events.kinds import Kind
from productnet.portal.security import AskedBy, PortalOf

router = APIRouter(tags=["work"])

# Leaves of a queue that are tried: more than people who ask in the same moment.
_HANDED_OUT = 50


class Offered(BaseModel):
    """A leaf to work on, and why it is offered."""

    leaf: str
    name: str
    path: list[str]
    task: Task
    why: str
    assigned: bool
    waiting: int = Field(description="Products that wait; of a leaf to label, those still wanted")
    progress: LeafProgress | None = Field(
        description="Not told of leaves to audit: it would move with what the labeler had said"
    )

    @classmethod
    def of(cls, offer: Offer) -> "Offered":
        """An offer as it is sent."""
        return cls(
            leaf=offer.leaf.id,
            name=offer.leaf.name,
            path=list(offer.leaf.path),
            task=offer.task,
            why=offer.why,
            assigned=offer.assigned,
            waiting=offer.waiting,
            progress=None if offer.task is Task.AUDIT else offer.progress,
        )


class Queue(BaseModel):
    """The next leaves, best first."""

    items: list[Offered]


class LeafTask(BaseModel):
    """A leaf, and what is to be done in it."""

    leaf: str
    task: Task


class Held(LeafTask):
    """Who is at work on a leaf."""

    holder: str
    expires_at: datetime

    @classmethod
    def of(cls, lease: Lease) -> "Held":
        """A lease as it is sent."""
        return cls(
            leaf=lease.leaf, task=lease.task, holder=lease.holder, expires_at=lease.expires_at
        )


class NextTask(BaseModel):
    """What one wants to do next."""

    task: Task = Task.LABEL


class NextLease(BaseModel):
    """The leaf that was taken."""

    lease: Held | None = Field(description="None where nothing waits, or all of it is taken")


class Assigned(LeafTask):
    """Who shall do it; nobody in particular when None."""

    person: str | None = None


@router.get("/queue", operation_id="get_queue")
def get_queue(
    portal: PortalOf,
    person: AskedBy,
    task: Task = Task.LABEL,
    count: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Queue:
    """The leaves that wait for the one who asks."""
    offers = portal.board().queue(person.name, task, count=count)
    return Queue(items=[Offered.of(offer) for offer in offers])


@router.post("/leases", operation_id="take_lease")
def take_lease(portal: PortalOf, person: AskedBy, wanted: LeafTask) -> Held:
    """Take a leaf, or keep it: the same call again, in time, renews it."""
    leaf = portal.taxonomy[wanted.leaf].id
    return Held.of(portal.leases.take(leaf, wanted.task, person.name))


@router.post("/leases/next", operation_id="take_next_lease")
def take_next_lease(portal: PortalOf, person: AskedBy, wanted: NextTask) -> NextLease:
    """Take the first leaf of one's queue that is free; of many who ask at once, each another."""
    offers = portal.board().queue(person.name, wanted.task, count=_HANDED_OUT)
    leaves = [offer.leaf.id for offer in offers]
    lease = portal.leases.take_first(leaves, wanted.task, person.name)
    return NextLease(lease=None if lease is None else Held.of(lease))


@router.post("/leases/release", operation_id="release_lease", status_code=204)
def release_lease(portal: PortalOf, person: AskedBy, held: LeafTask) -> None:
    """Leave a leaf to others."""
    portal.leases.release(held.leaf, held.task, person.name)


@router.post("/assignments", operation_id="assign", status_code=204)
def assign(portal: PortalOf, person: AskedBy, given: Assigned) -> None:
    """Give a leaf to somebody, or take it back from them."""
    if given.person is not None:
        portal.doors.people.get(given.person)
    leaf = portal.taxonomy[given.leaf].id
    portal.assignments.assign(leaf, given.task, given.person, assigned_by=person.name)
    portal.activity.record(
        Kind.LEAF_ASSIGNED, person=person.name, subject=leaf, task=given.task, to=given.person
    )
