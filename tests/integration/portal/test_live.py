"""The open line to browsers: it ends when whoever listens may not listen any more."""

import asyncio
from collections.abc import Callable
from unittest.mock import Mock

import pytest
from starlette.requests import Request

from productnet.people.roles import Scope
from productnet.portal import updates
from productnet.portal.portal import Portal
from productnet.portal.security import COOKIE, still_in
from productnet.portal.updates import Update, Updates
from tests.integration.portal.conftest import PASSWORD


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
    allowed = True
    told = Updates([lambda: [Update("progress", {})] if busy else []])

    async def listen() -> int:
        nonlocal allowed
        heard = 0
        async for _ in told.listen(still=lambda: allowed):
            heard += 1
            if heard == (5 if busy else 1):
                allowed = False
        return heard

    try:
        assert asyncio.run(asyncio.wait_for(listen(), 20)) >= 1
    finally:
        told.close()
