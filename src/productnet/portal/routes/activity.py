"""The activity log: who did what, newest first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.events.activity import Detail, Event
from productnet.events.kinds import Kind
from productnet.portal.portal import Portal
from productnet.portal.security import PortalOf

router = APIRouter(tags=["activity"])


class Happened(BaseModel):
    """Something that happened."""

    id: int
    kind: Kind
    person: str | None = Field(description="Who did it; null where nobody did")
    subject: str | None = Field(description="Leaf, round, version, person or id it happened to")
    name: str | None = Field(description="The leaf's name, where the subject is a leaf")
    details: Mapping[str, Detail]
    at: datetime

    @classmethod
    def of(cls, event: Event, portal: Portal) -> "Happened":
        """An event as it is sent."""
        leaf = event.subject if event.subject in portal.taxonomy else None
        return cls(
            id=event.id,
            kind=event.kind,
            person=event.person,
            subject=event.subject,
            name=portal.taxonomy[leaf].name if leaf is not None else None,
            details=event.details,
            at=event.at,
        )


class ActivityPage(BaseModel):
    """Some events, newest first."""

    items: list[Happened]
    next_cursor: str | None = Field(description="Ask for older ones with it; null at the end")


@router.get("/activity", operation_id="list_activity")
def list_activity(
    portal: PortalOf,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    kind: Annotated[list[Kind] | None, Query(description="Of these kinds only")] = None,
    person: Annotated[str | None, Query(max_length=200, description="By this person")] = None,
) -> ActivityPage:
    """What happened in the project: never what a product says, never an answer."""
    page = portal.activity.page(cursor, limit=limit, kinds=kind or (), person=person)
    return ActivityPage(
        items=[Happened.of(event, portal) for event in page.items], next_cursor=page.next_cursor
    )
