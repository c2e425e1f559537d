"""Webhooks: which systems are told of what, and what became of each message."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from productnet.events.deliveries import Delivery, DeliveryState
from productnet.events.kinds import TOLD, Kind
from productnet.events.webhooks import Webhook
from productnet.portal.security import AskedBy, PortalOf

router = APIRouter(tags=["webhooks"])

_Id = Annotated[UUID, Query(description="Id of the webhook")]


class Hook(BaseModel):
    """Who is told, and of what."""

    id: UUID
    url: str
    kinds: list[Kind]
    active: bool
    created_by: str | None
    created_at: datetime
    failing_since: datetime | None = Field(description="Since when nothing has arrived there")
    disabled_because: str | None = Field(description="Why nothing is sent, where nobody said so")

    @classmethod
    def of(cls, webhook: Webhook) -> "Hook":
        """A webhook as it is sent."""
        return cls(
            id=webhook.id,
            url=webhook.url,
            kinds=list(webhook.kinds),
            active=webhook.active,
            created_by=webhook.created_by,
            created_at=webhook.created_at,
            failing_since=webhook.failing_since,
            disabled_because=webhook.disabled_because,
        )


class Hooks(BaseModel):
    """Every webhook, the oldest first."""

    items: list[Hook]
    kinds: list[Kind] = Field(description="What a webhook can be told of")


class NewHook(BaseModel):
    """A system that shall be told."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://example.com/productnet", "kinds": ["leaf.done"]}]
        },
    )

    url: str = Field(max_length=4_000)
    kinds: list[str] = Field(max_length=20)


class MadeHook(Hook):
    """A webhook that was added."""

    secret: str = Field(description="What its messages are signed with; shown this once")


class HookChange(BaseModel):
    """What shall be otherwise; the rest stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"active": True}]})

    url: str | None = Field(None, max_length=4_000)
    kinds: list[str] | None = Field(None, max_length=20)
    active: bool | None = None


class Sent(BaseModel):
    """One message on its way to one webhook."""

    id: int
    webhook: UUID
    message: str = Field(description="The webhook-id it is sent under, at every attempt")
    kind: Kind
    state: DeliveryState
    attempts: int
    due_at: datetime
    attempted_at: datetime | None
    status: int | None = Field(description="HTTP status of the last answer")
    error: str | None
    created_at: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> "Sent":
        """A delivery as it is sent."""
        return cls(
            id=delivery.id,
            webhook=delivery.webhook,
            message=delivery.message,
            kind=delivery.kind,
            state=delivery.state,
            attempts=delivery.attempts,
            due_at=delivery.due_at,
            attempted_at=delivery.attempted_at,
            status=delivery.status,
            error=delivery.error,
            created_at=delivery.created_at,
        )


class SentPage(BaseModel):
    """Some deliveries, newest first."""

    items: list[Sent]
    next_cursor: str | None


@router.get("/webhooks", operation_id="list_webhooks")
def list_webhooks(portal: PortalOf) -> Hooks:
    """Every webhook; their secrets are told to nobody again."""
    return Hooks(items=[Hook.of(one) for one in portal.webhooks.all()], kinds=list(TOLD))


@router.post("/webhooks", operation_id="add_webhook", status_code=201)
def add_webhook(portal: PortalOf, admin: AskedBy, new: NewHook) -> MadeHook:
    """Tell a URL of what happens from now on."""
    added, secret = portal.webhooks.add(new.url, new.kinds, person=admin.name)
    return MadeHook(**Hook.of(added).model_dump(), secret=secret)


@router.patch("/webhooks", operation_id="change_webhook")
def change_webhook(portal: PortalOf, admin: AskedBy, id: _Id, change: HookChange) -> Hook:
    """Change a webhook; made active, it gets what waits for it."""
    changed = portal.webhooks.change(
        id, url=change.url, kinds=change.kinds, active=change.active, person=admin.name
    )
    portal.courier.nudge()
    return Hook.of(changed)


@router.delete("/webhooks", operation_id="delete_webhook", status_code=204)
def delete_webhook(portal: PortalOf, admin: AskedBy, id: _Id) -> None:
    """Tell a URL no more, and forget what waits for it."""
    portal.webhooks.delete(id, person=admin.name)


@router.get("/webhooks/deliveries", operation_id="list_deliveries")
def list_deliveries(
    portal: PortalOf,
    webhook: Annotated[UUID | None, Query(description="To this one only")] = None,
    cursor: Annotated[str | None, Query(description="next_cursor of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SentPage:
    """What was sent, what waits and what failed, newest first."""
    page = portal.deliveries.page(cursor, webhook=webhook, limit=limit)
    return SentPage(items=[Sent.of(one) for one in page.items], next_cursor=page.next_cursor)


@router.post("/webhooks/deliveries/again", operation_id="send_again")
def send_again(
    portal: PortalOf, id: Annotated[int, Query(ge=1, le=2**62, description="Of a delivery")]
) -> Sent:
    """Send a message once more, under its own id."""
    again = portal.deliveries.send_again(id)
    portal.courier.nudge()
    return Sent.of(again)
