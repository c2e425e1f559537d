"""What a portal tidies up while it serves: events that are older than they are kept."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from productnet.errors import ProductNetError
from productnet.events.retention import Forgotten, forget

if TYPE_CHECKING:
    from productnet.portal.portal import Portal

_logger = logging.getLogger(__name__)

# Seconds after the start, when nobody waits for a first page any more, and between two times.
_FIRST = 60.0
_EVERY = 6 * 3600.0


async def keep_tidy(portal: "Portal", *, first: float = _FIRST, every: float = _EVERY) -> None:
    """Tidy up again and again, until it is cancelled."""
    await asyncio.sleep(first)
    while True:
        try:
            gone = await run_in_threadpool(tidy, portal)
        except ProductNetError as error:  # the database is away: there is a next time
            _logger.warning("Nothing was tidied up: %s", type(error).__name__)
        else:
            if gone.activity or gone.deliveries:
                _logger.info(
                    "Forgot %s events and %s messages to webhooks", gone.activity, gone.deliveries
                )
        await asyncio.sleep(every)


def tidy(portal: "Portal") -> Forgotten:
    """Forget events that are older than the project keeps them."""
    kept, now = portal.project.settings.retention, datetime.now(UTC)
    return forget(
        portal.database,
        activity_before=now - timedelta(days=kept.activity_days),
        deliveries_before=now - timedelta(days=kept.webhook_days),
    )
