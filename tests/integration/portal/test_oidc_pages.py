"""A browser goes to the provider and comes back signed in, or is told why not."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from productnet.portal.app import create_app
from productnet.portal.portal import Portal
from productnet.settings import Project

from .provider import CLIENT_ID, CLIENT_SECRET, LittleProvider, serving, visit


@pytest.fixture
def provider() -> Iterator[LittleProvider]:
    with serving() as little:
        yield little


@pytest.fixture
def browser(
    project: Project, provider: LittleProvider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    """At the shop, which takes in whoever the provider knows."""
    monkeypatch.setenv("PRODUCTNET_OIDC_SECRET", CLIENT_SECRET)
    ways = {
        "oidc_issuer": provider.issuer,
        "oidc_client_id": CLIENT_ID,
        "oidc_new_people": True,
    }
    sign_in = project.settings.sign_in.model_copy(update=ways)
    settings = project.settings.model_copy(update={"sign_in": sign_in})
    with Portal.open(Project(project.root, settings)) as portal:
        yield TestClient(create_app(portal), "https://shop.example", follow_redirects=False)


def test_a_browser_comes_back_signed_in(browser: TestClient) -> None:
    refused = browser.get("/api/v1/session")
    assert refused.json()["sign_in"] == ["password", "oidc"]
    away = browser.get("/auth/oidc/login")
    assert away.status_code == 303
    given = away.headers["set-cookie"]
    for flag in ("HttpOnly", "SameSite=lax", "Secure", "Path=/auth/oidc", "Max-Age=600"):
        assert flag in given
    assert (
        "redirect_uri=https%3A%2F%2Fshop.example%2Fauth%2Foidc%2Fcallback"
        in (away.headers["location"])
    )
    back = browser.get("/auth/oidc/callback", params=visit(away.headers["location"]))
    assert (back.status_code, back.headers["location"]) == (303, "/")
    session = next(
        one for one in back.headers.get_list("set-cookie") if "productnet_session" in one
    )
    for flag in ("HttpOnly", "SameSite=strict", "Secure"):
        assert flag in session
    assert browser.get("/api/v1/session").json()["person"]["name"] == "ann"
    assert "productnet_oidc" not in browser.cookies


def test_who_is_not_let_in_is_told_in_a_word_that_the_page_knows(
    browser: TestClient, provider: LittleProvider
) -> None:
    stray = browser.get("/auth/oidc/callback", params={"code": "x", "state": "<script>"})
    assert stray.headers["location"] == "/sign-in?refused=stale"
    provider.spoilt = {"nonce": "another"}
    away = browser.get("/auth/oidc/login")
    back = browser.get("/auth/oidc/callback", params=visit(away.headers["location"]))
    assert back.headers["location"] == "/sign-in?refused=provider"
    assert browser.get("/api/v1/session").status_code == 401


def test_without_a_provider_there_is_no_such_door(portal: Portal) -> None:
    browser = TestClient(create_app(portal), follow_redirects=False)
    for page in ("login", "callback"):
        answer = browser.get(f"/auth/oidc/{page}")
        assert answer.status_code == 404
        assert "sign_in.oidc_issuer" in answer.json()["detail"]
