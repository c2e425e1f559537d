"""The open line to browsers: it ends when whoever listens may not listen any more."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from unittest.mock import Mock

import numpy as np
import pytest
from starlette.requests import Request

from productnet.embeddings.sets import EmbeddingSet, write_embedding_set
from productnet.errors import EmbeddingError
from productnet.people.roles import Scope
from productnet.portal import updates
from productnet.portal.portal import Portal, models_kept
from productnet.portal.security import COOKIE, still_in
from productnet.portal.updates import Update, Updates
from tests.integration.portal.conftest import PASSWORD, Visit


def asked(header: str, value: str) -> Request:
    """The request that opened a line."""
    return Request(
        {
            "type": "http",
            "headers": [(header.encode(), value.encode())],
            "route": Mock(operation_id="events"),
        }
    )


def by_cookie(portal: Portal) -> Request:
    entered = portal.doors.sign_in("lena", PASSWORD, address="::1")
    return asked("cookie", f"{COOKIE}={entered.token}")


def by_key(portal: Portal) -> Request:
    person = portal.doors.people.get("lena")
    secret, _ = portal.doors.keys.add(person, label="x", scopes=frozenset({Scope.READ}))
    return asked("authorization", f"Bearer {secret}")


@pytest.mark.parametrize("way_in", [by_cookie, by_key])
@pytest.mark.parametrize("change", [{"active": False}, {"roles": []}])
def test_a_line_is_not_for_who_may_not_come_in_any_more(
    portal: Portal, way_in: Callable[[Portal], Request], change: dict[str, object]
) -> None:
    request = way_in(portal)
    assert still_in(request, portal)
    portal.doors.people.change("lena", **change)  # type: ignore[arg-type]
    assert not still_in(request, portal)


def test_a_line_is_not_for_who_signed_out(portal: Portal) -> None:
    request = by_cookie(portal)
    portal.doors.sessions.end(request.cookies[COOKIE])
    assert not still_in(request, portal)


def test_an_open_line_does_not_keep_a_session_from_ending(portal: Portal) -> None:
    request = by_cookie(portal)
    seen = portal.doors.sessions.of("lena")[0].seen_at
    assert still_in(request, portal)
    assert portal.doors.sessions.of("lena")[0].seen_at == seen


@pytest.mark.parametrize("busy", [True, False])
def test_a_line_ends_soon_after_it_may_not_go_on(
    monkeypatch: pytest.MonkeyPatch, busy: bool
) -> None:
    monkeypatch.setattr(updates, "_EVERY", 0.02)
    monkeypatch.setattr(updates, "_ASK_EVERY", 0.1)
    allowed = [True]
    told = Updates([lambda: [Update("progress", {})] if busy else []])

    async def listen() -> int:
        heard = 0
        async for _ in told.listen(still=lambda: bool(allowed)):
            heard += 1
            if heard == (5 if busy else 1):
                allowed.clear()
        return heard

    try:
        # In a thread: browser tests before this one may have left an event loop in this one.
        with ThreadPoolExecutor(1) as thread:
            heard = thread.submit(lambda: asyncio.run(asyncio.wait_for(listen(), 20)))
            assert heard.result() >= 1
    finally:
        told.close()


def test_what_fails_in_one_way_again_and_again_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(updates, "_EVERY", 0.01)
    looked = Event()
    left = 20

    def look() -> list[Update]:
        nonlocal left
        left -= 1
        if left == 0:
            looked.set()
        if left == 10:
            return []
        raise ValueError("active.json is damaged")

    told = Updates([look])
    assert looked.wait(20)
    told.close()
    assert len([one for one in caplog.records if "Looking" in one.message]) == 2


def test_products_embedded_anew_are_served_though_no_round_was_run(portal: Portal) -> None:
    assert portal.serving.look() is None
    folder = portal.project.embeddings_path / "initial"
    before = EmbeddingSet.open(folder)
    write_embedding_set(
        folder,
        ids=before.ids[::-1],
        vectors=[before.read(np.arange(len(before))[::-1])],
        stamp=replace(before.stamp, created_at="2031-01-01T00:00:00+00:00"),
    )
    fresh = portal.serving.look()
    assert fresh is not None
    assert fresh.resources.embeddings.ids == before.ids[::-1]
    assert portal.serving.look() is None


@pytest.mark.parametrize("said", ["{", '{"round": 9, "embedding_set": "nowhere"}'])
def test_a_damaged_active_file_leaves_the_state_before_in_use(
    portal: Portal, visit: Visit, leaf: str, said: str
) -> None:
    before = portal.serving.now
    portal.project.active_path.write_text(said)
    with pytest.raises(EmbeddingError):
        portal.serving.look()
    assert portal.serving.now is before
    page = visit("lena").post("/api/v1/candidates", json={"leaf": leaf})
    assert page.status_code == 200, page.text


def test_models_are_kept_of_more_leaves_than_people_work_in_within_half_a_gigabyte() -> None:
    assert [models_kept(products) for products in (0, 20_000, 200_000, 5_000_000)] == [
        1_024,
        1_024,
        640,
        128,
    ]
