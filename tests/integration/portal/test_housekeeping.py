"""A portal forgets old events by itself, and closes without waiting for the next time."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert
from starlette.testclient import TestClient

from productnet.errors import DatabaseUnavailable
from productnet.events.kinds import Kind
from productnet.events.schema import activity
from productnet.portal import housekeeping
from productnet.portal.app import create_app
from productnet.portal.portal import Portal


def subjects(portal: Portal) -> set[str | None]:
    return {event.subject for event in portal.activity.page(limit=500).items}


def test_old_activity_is_forgotten_time_after_time(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    with portal.database.writing() as connection:
        for subject, days in (("young", 1), ("old", 731)):
            at = now - timedelta(days=days)
            row = {"kind": Kind.LEAF_ASSIGNED, "subject": subject, "details": {}, "at": at}
            connection.execute(insert(activity).values(row))
    tidied = housekeeping.tidy
    tries = []

    def tidy(portal: Portal) -> object:
        tries.append(portal)
        if len(tries) == 1:
            raise DatabaseUnavailable("It is away.")
        return tidied(portal)

    monkeypatch.setattr(housekeeping, "tidy", tidy)

    async def while_served() -> None:
        keeping = asyncio.create_task(housekeeping.keep_tidy(portal, first=0.0, every=0.05))
        while "old" in subjects(portal):
            await asyncio.sleep(0.05)
        keeping.cancel()

    # In a thread: a browser test before this one leaves a loop running in the main one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(asyncio.wait_for(while_served(), 60))).result()
    assert "young" in subjects(portal)
    assert len(tries) >= 2


def test_a_portal_closes_without_waiting_for_it(portal: Portal) -> None:
    with TestClient(create_app(portal)) as browser:
        assert browser.get("/healthz").status_code == 200
        began = time.monotonic()
    assert time.monotonic() - began < 30
