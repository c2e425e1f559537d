"""Webhooks: who wants to be told of which kinds of event, at which URL."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import NamedTuple
from uuid import UUID, uuid4

import httpx
from sqlalchemy import Row, delete, insert, select, update

from productnet.catalog.public_hosts import is_public
from productnet.database.database import Database
from productnet.errors import UnknownRecord, WebhookError
from productnet.events.activity import Activity
from productnet.events.kinds import Kind, told_kinds
from productnet.events.schema import deliveries, webhooks
from productnet.events.signing import new_secret

_LONGEST_URL = 2_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told.

    Attributes:
        id: Names it.
        url: Where messages are sent.
        kinds: Of which events.
        active: Whether anything is sent now.
        created_by: Who added it.
        created_at: When, UTC.
        failing_since: Since when nothing has arrived there; None after a success.
        disabled_because: Why it was made inactive, where nobody did it by hand.
    """

    id: UUID
    url: str
    kinds: Sequence[Kind]
    active: bool
    created_by: str | None
    created_at: datetime
    failing_since: datetime | None
    disabled_because: str | None


class AddedWebhook(NamedTuple):
    """A new webhook and its secret, which is shown this once."""

    webhook: Webhook
    secret: str


class Webhooks:
    """The webhooks of a project.

    Args:
        database: Where they are kept, secrets included: a message cannot be signed with a hash.
        activity: Told of every change.
        private_hosts: Hosts within a private network that may be told.
    """

    def __init__(
        self, database: Database, activity: Activity, *, private_hosts: Iterable[str] = ()
    ) -> None:
        self._database = database
        self._activity = activity
        self._private = {host.lower() for host in private_hosts}

    def add(self, url: str, kinds: Iterable[str], *, person: str | None = None) -> AddedWebhook:
        """Tell this URL of these kinds of event from now on; raises WebhookError."""
        row = {
            "id": uuid4(),
            "url": self._checked(url),
            "kinds": list(told_kinds(kinds)),
            "secret": new_secret(),
            "active": True,
            "created_by": person,
            "created_at": datetime.now(UTC),
        }
        with self._database.writing() as connection:
            connection.execute(insert(webhooks).values(**row))
            self._activity.record_in(
                connection, Kind.WEBHOOK_ADDED, person=person, subject=str(row["id"])
            )
            added = connection.execute(select(webhooks).where(webhooks.c.id == row["id"])).one()
        return AddedWebhook(_webhook(added), added.secret)

    def change(
        self,
        webhook: UUID,
        *,
        url: str | None = None,
        kinds: Iterable[str] | None = None,
        active: bool | None = None,
        person: str | None = None,
    ) -> Webhook:
        """Change what is given. What waits for a webhook is sent once it is active again.

        Raises UnknownRecord or WebhookError.
        """
        values: dict[str, object] = {}
        if url is not None:
            values["url"] = self._checked(url)
        if kinds is not None:
            values["kinds"] = list(told_kinds(kinds))
        if active is not None:
            values |= {"active": active, "failing_since": None, "disabled_because": None}
        changed = sorted(values.keys() & {"url", "kinds", "active"})
        with self._database.writing() as connection:
            if values:
                of_this = update(webhooks).where(webhooks.c.id == webhook)
                connection.execute(of_this.values(**values))
            row = connection.execute(select(webhooks).where(webhooks.c.id == webhook)).first()
            if row is None:
                raise _unknown(webhook)
            self._activity.record_in(
                connection,
                Kind.WEBHOOK_CHANGED,
                person=person,
                subject=str(webhook),
                changed=changed,
            )
        return _webhook(row)

    def delete(self, webhook: UUID, *, person: str | None = None) -> None:
        """Forget a webhook and what waits for it; raises UnknownRecord."""
        with self._database.writing() as connection:
            gone = connection.execute(delete(webhooks).where(webhooks.c.id == webhook))
            if not gone.rowcount:
                raise _unknown(webhook)
            connection.execute(delete(deliveries).where(deliveries.c.webhook == webhook))
            self._activity.record_in(
                connection, Kind.WEBHOOK_DELETED, person=person, subject=str(webhook)
            )

    def all(self) -> list[Webhook]:
        """Every webhook, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(webhooks).order_by(webhooks.c.created_at)).all()
        return [_webhook(row) for row in rows]

    def _checked(self, url: str) -> str:
        """The URL; a name's address is checked whenever a message is sent there."""
        try:
            parsed = httpx.URL(url)
        except (httpx.InvalidURL, TypeError) as error:
            raise WebhookError(
                f'"{url[:100]}" is no URL: {error}. Write one such as https://example.com/hook.'
            ) from None
        sound = parsed.host and len(url) <= _LONGEST_URL and 0 < (parsed.port or 80) < 65_536
        if parsed.scheme not in ("http", "https") or not sound:
            raise WebhookError(
                f'A webhook is told over http or https; "{url[:100]}" is not such a URL.'
            )
        if parsed.userinfo:
            raise WebhookError(
                "A webhook's URL is shown to every admin; leave the password out of it. Messages "
                "are signed instead."
            )
        if parsed.host.lower() not in self._private and _is_inside(parsed.host):
            raise WebhookError(
                f"{parsed.host} is not a public address. Name a public host, or have it added to "
                "the setting webhooks.private_hosts."
            )
        return str(parsed)


def _is_inside(host: str) -> bool:
    """Whether the host is written as an address, and that address is not public."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return not is_public(host)


def _unknown(webhook: UUID) -> UnknownRecord:
    return UnknownRecord(f"There is no webhook {webhook}. It may have been deleted.")


def _webhook(row: Row[tuple[object, ...]]) -> Webhook:
    return Webhook(
        id=row.id,
        url=row.url,
        kinds=tuple(Kind(kind) for kind in row.kinds),
        active=row.active,
        created_by=row.created_by,
        created_at=row.created_at,
        failing_since=row.failing_since,
        disabled_because=row.disabled_because,
    )
