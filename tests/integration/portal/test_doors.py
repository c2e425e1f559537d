"""Who gets in, and who may do what."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from productnet.people.roles import PersonRole
from productnet.portal.app import create_app
from productnet.portal.permissions import PERMISSIONS, PUBLIC
from productnet.portal.portal import Portal
from productnet.portal.security import CSRF_HEADER
from tests.integration.portal.conftest import PEOPLE, Visit

API = "/api/v1"


def operations(portal: Portal) -> dict[str, tuple[str, str]]:
    """Operation id to method and path, as the OpenAPI document lists them."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in create_app(portal).openapi()["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_has_one_line_of_permission(portal: Portal) -> None:
    # Prometheus reads its page outside the API's document.
    assert set(operations(portal)) | {"get_metrics"} == set(PERMISSIONS)


@pytest.mark.parametrize("name", PEOPLE)
def test_no_operation_lets_in_who_may_not(portal: Portal, visit: Visit, name: str) -> None:
    browser = visit(name)
    roles = {PersonRole(role) for role in PEOPLE[name]}
    for operation, (method, path) in operations(portal).items():
        permission = PERMISSIONS[operation]
        if operation in ("sign_out", "events") or permission == PUBLIC:
            continue
        answer = browser.request(method, path, json={})
        allowed = bool((permission.roles or frozenset()) & roles)
        assert (answer.status_code != 403) == allowed, f"{operation}: {answer.text}"


def test_nothing_is_told_to_who_is_not_signed_in(portal: Portal) -> None:
    stranger = TestClient(create_app(portal))
    for operation, (method, path) in operations(portal).items():
        if PERMISSIONS[operation] != PUBLIC:
            answer = stranger.request(method, path, json={})
            assert answer.status_code == 401, operation
            assert answer.json()["sign_in"] == ["password"]


def test_another_site_cannot_use_the_cookie(visit: Visit, leaf: str) -> None:
    browser = visit("lena")
    del browser.headers[CSRF_HEADER]
    refused = browser.post(f"{API}/candidates", json={"leaf": leaf})
    assert refused.status_code == 403
    assert CSRF_HEADER in refused.json()["detail"]
    assert browser.get(f"{API}/session").status_code == 200


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(portal: Portal) -> None:
    browser = TestClient(create_app(portal))
    answer = browser.post(
        f"{API}/session", json={"name": "lena", "password": "correct horse battery"}
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_signing_out_ends_the_session_and_frees_the_leaf(
    portal: Portal, visit: Visit, leaf: str
) -> None:
    browser = visit("lena")
    assert browser.post(f"{API}/leases", json={"leaf": leaf, "task": "label"}).status_code == 200
    token = browser.cookies["productnet_session"]
    assert browser.delete(f"{API}/session").status_code == 204
    browser.cookies.set("productnet_session", token)
    assert browser.get(f"{API}/session").status_code == 401
    assert portal.leases.current() == []


def test_a_wrong_password_is_refused_without_telling_whether_the_name_exists(
    portal: Portal,
) -> None:
    stranger = TestClient(create_app(portal))
    answers = [
        stranger.post(f"{API}/session", json={"name": name, "password": "not this one, no"})
        for name in ("lena", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_a_key_opens_what_its_scope_says(portal: Portal, visit: Visit, leaf: str) -> None:
    lena = portal.doors.people.get("lena")
    secret, _ = portal.doors.keys.add(lena, label="script", scopes=["read"])
    program = TestClient(create_app(portal), headers={"Authorization": f"Bearer {secret}"})
    assert program.get(f"{API}/progress").status_code == 200
    refused = program.post(f"{API}/decisions", json={"decisions": []})
    assert refused.status_code == 403
    assert "scope annotate" in refused.json()["detail"]


def test_the_link_of_single_user_mode_works_once(portal: Portal) -> None:
    token = portal.doors.link_token()
    browser = TestClient(create_app(portal), follow_redirects=False)
    first = browser.get("/start", params={"token": token})
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert browser.get(f"{API}/session").status_code == 200
    again = TestClient(create_app(portal), follow_redirects=False)
    assert again.get("/start", params={"token": token}).headers["location"] == "/sign-in?used"


def test_pages_forbid_scripts_from_elsewhere_and_inline(portal: Portal) -> None:
    page = TestClient(create_app(portal)).get("/")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r"<script(?![^>]*src=)[^>]*>|style=|onclick=", page.text)


def in_parts(size: int) -> Iterator[bytes]:
    """A body whose length nobody announced."""
    for _ in range(size // 1_000):
        yield b" " * 1_000


@pytest.mark.parametrize("announced", [True, False])
def test_a_stranger_sends_little_and_nobody_sends_too_much(
    portal: Portal, visit: Visit, announced: bool
) -> None:
    browser, stranger = visit("lena"), TestClient(create_app(portal))
    headers = {"Content-Type": "application/json"}
    for sender, size, status in (
        (stranger, 100_000, 413),
        (browser, 100_000, 422),
        (browser, 41_000_000, 413),
    ):
        body = b" " * size if announced else in_parts(size)
        told = sender.post(f"{API}/candidates", content=body, headers=headers)
        assert told.status_code == status, told.text
        assert told.headers["Content-Type"] == "application/problem+json"
        assert "Content-Security-Policy" in told.headers


def test_who_says_to_be_elsewhere_is_counted_where_they_are(portal: Portal) -> None:
    # As uvicorn believes headers, which `serve` leaves as it comes: those of this machine only.
    served: Any = create_app(portal)  # what uvicorn calls an application differs in its words
    application: Any = ProxyHeadersMiddleware(served, trusted_hosts="127.0.0.1")

    def guesses(start: int, address: str, *said: str) -> list[int]:
        browser = TestClient(application, client=(address, 4000))
        return [
            browser.post(
                f"{API}/session",
                json={"name": f"nobody{start + number}", "password": "a guess at it"},
                headers={"X-Forwarded-For": said[number % len(said)]} if said else {},
            ).status_code
            for number in range(21)
        ]

    elsewhere = [f"198.51.100.{number}" for number in range(21)]
    # Whoever comes from outside is believed nothing.
    assert guesses(0, "203.0.113.9", *elsewhere).count(429) == 1
    # Whoever comes through a proxy is where the proxy saw them, which adds that at the end.
    behind = [f"{one}, 203.0.113.10" for one in elsewhere]
    assert guesses(100, "127.0.0.1", *behind).count(429) == 1
    assert guesses(200, "127.0.0.1", "203.0.113.11")[:20].count(429) == 0
    # What is no address is still one place.
    assert guesses(300, "127.0.0.1", "no address at all").count(429) == 1
