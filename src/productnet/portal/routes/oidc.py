"""The two pages of signing in by OpenID Connect: to the provider, and back."""

from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from productnet.errors import SignInError
from productnet.people.one_time import LIFETIME
from productnet.portal.oidc import OpenIdConnect
from productnet.portal.oidc_provider import ProviderRefused, Refusal
from productnet.portal.portal import Portal
from productnet.portal.routes.session import came_from, set_cookie
from productnet.portal.security import PortalOf

pages = APIRouter(prefix="/auth/oidc", include_in_schema=False)

COOKIE = "productnet_oidc"
_PATH = "/auth/oidc"


@pages.get("/login")
def login(portal: PortalOf, request: Request) -> Response:
    """To the provider."""
    try:
        begun = _door(portal).begin(redirect_uri=_redirect_uri(portal, request))
    except ProviderRefused as refused:
        return _to_sign_in(refused.reason)
    response = RedirectResponse(begun.url, HTTPStatus.SEE_OTHER)
    # Lax, for the way back begins at another site.
    response.set_cookie(
        COOKIE,
        begun.cookie,
        max_age=int(LIFETIME.total_seconds()),
        path=_PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@pages.get("/callback")
def callback(portal: PortalOf, request: Request) -> Response:
    """Back from the provider: signed in, or told why not."""
    try:
        entered = _door(portal).finish(
            request.query_params,
            cookie=request.cookies.get(COOKIE),
            redirect_uri=_redirect_uri(portal, request),
            **came_from(request),
        )
    except ProviderRefused as refused:
        return _to_sign_in(refused.reason)
    except SignInError:  # the account was changed at that moment
        return _to_sign_in(Refusal.STALE)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    set_cookie(response, entered.token, request)
    response.delete_cookie(COOKIE, path=_PATH)
    response.headers["Cache-Control"] = "no-store"
    return response


def _door(portal: Portal) -> OpenIdConnect:
    if portal.oidc is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND,
            "Nobody signs in by OpenID Connect here. Set sign_in.oidc_issuer to allow it.",
        )
    return portal.oidc


def _redirect_uri(portal: Portal, request: Request) -> str:
    base = portal.project.settings.portal.public_url or str(request.base_url)
    return f"{base.rstrip('/')}{_PATH}/callback"


def _to_sign_in(reason: Refusal) -> Response:
    # A word that the page knows, never a text: that could be anybody's.
    response = RedirectResponse(f"/sign-in?{urlencode({'refused': reason})}", HTTPStatus.SEE_OTHER)
    response.delete_cookie(COOKIE, path=_PATH)
    return response
