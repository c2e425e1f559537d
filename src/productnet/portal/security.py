"""Who is asking, and whether they may: the one guard that every operation stands behind."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from productnet.people.accounts import Person
from productnet.people.keys import KeyUse
from productnet.people.sessions import SignedIn
from productnet.portal.permissions import PERMISSIONS, PUBLIC, Permission
from productnet.portal.portal import Portal
from productnet.web.problems import Refused

COOKIE = "productnet_session"
CSRF_HEADER = "X-CSRF-Token"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


async def portal_of(request: Request) -> Portal:
    """The portal that this application serves."""
    portal: Portal = request.app.state.portal
    return portal


PortalOf = Annotated[Portal, Depends(portal_of)]


async def guard(request: Request, portal: PortalOf) -> Person | None:
    """Let a request through if its operation's permission does; None for the public ones.

    A browser is known by its session cookie, and has to repeat the session's CSRF token in a
    header with everything that changes something: another site can make a browser send the
    cookie, but not the header. A program is known by its API key.
    """
    permission = PERMISSIONS[request.scope["route"].operation_id]
    if permission == PUBLIC:
        return None
    # Whoever is remembered needs no thread that may wait for the database: to change threads costs
    # about as much as a statement.
    person = _let_in_at_once(request, portal, permission)
    if person is None:
        person = await run_in_threadpool(_let_in, request, portal, permission)
    request.state.person = person.name  # for the log
    return person


async def signed_in(person: Annotated[Person | None, Depends(guard)]) -> Person:
    """The person who asks."""
    if person is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "Sign in first.")
    return person


AskedBy = Annotated[Person, Depends(signed_in)]


def still_in(request: Request, portal: Portal) -> bool:
    """Whether whoever sent this request a while ago would be let in with it now.

    To ask does not count as using the session, or an open page would keep it from ever ending.
    """
    permission = PERMISSIONS[request.scope["route"].operation_id]
    try:
        if _has_key(request):
            _let_in(request, portal, permission)
            return True
        entered = portal.doors.sessions.find(request.cookies.get(COOKIE, ""), used=False)
        if entered is not None:
            _if_allowed(entered.person, permission)
    except Refused:
        return False
    return entered is not None


def is_known(request: Request, portal: Portal) -> bool:
    """Whether a request comes from a person or a program of ours, whatever they may do."""
    secret = _secret(request)
    if secret is not None:
        return portal.doors.keys.find(secret) is not None
    return session_of(request, portal) is not None


def session_of(request: Request, portal: Portal) -> SignedIn | None:
    """The session of the browser that asks, if it is signed in."""
    token = request.cookies.get(COOKIE)
    return portal.doors.sessions.find(token) if token else None


def _let_in_at_once(request: Request, portal: Portal, permission: Permission) -> Person | None:
    """Who asks, as they are remembered; None where the database has to be asked."""
    if _has_key(request):
        use = portal.doors.keys.find_at_once(_secret(request) or "")
        return None if use is None else _program(use, permission)
    entered = portal.doors.sessions.find_at_once(request.cookies.get(COOKIE, ""))
    return None if entered is None else _in_browser(entered, request, permission)


def _let_in(request: Request, portal: Portal, permission: Permission) -> Person:
    """Who asks; raises Refused."""
    if _has_key(request):
        use = portal.doors.keys.find(_secret(request) or "")
        if use is None:
            raise Refused(
                HTTPStatus.UNAUTHORIZED,
                "This API key is unknown, expired or revoked. Send `Authorization: Bearer pn_…` "
                "with one that `productnet people key add` has made.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return _program(use, permission)
    entered = session_of(request, portal)
    if entered is None:
        raise Refused(
            HTTPStatus.UNAUTHORIZED,
            "You are not signed in, or were signed out. Sign in; nothing you answered is lost.",
            sign_in=portal.ways_in,
        )
    return _in_browser(entered, request, permission)


def _has_key(request: Request) -> bool:
    """Whether it wants to be let in by a key, and not by a cookie."""
    return bool(request.headers.get("Authorization"))


def _secret(request: Request) -> str | None:
    """The API key that was sent."""
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if kind.lower() == "bearer" else None


def _in_browser(entered: SignedIn, request: Request, permission: Permission) -> Person:
    safe = request.method in _SAFE_METHODS
    if not safe and not entered.sent_csrf(request.headers.get(CSRF_HEADER)):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"The header {CSRF_HEADER} is missing or is another session's. Load the page again.",
            csrf=True,
        )
    return _if_allowed(entered.person, permission)


def _program(use: KeyUse, permission: Permission) -> Person:
    if permission.scope is None or permission.scope not in use.key.scopes:
        needed = permission.scope or "none: only people can, in a browser"
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"This operation needs an API key with scope {needed}; yours has "
            f"{', '.join(sorted(use.key.scopes)) or 'none'}.",
        )
    return _if_allowed(use.person, permission)


def _if_allowed(person: Person, permission: Permission) -> Person:
    needed = permission.roles or frozenset()
    if not needed & person.roles:
        raise Refused(
            HTTPStatus.FORBIDDEN,
            f"{person.name} is {', '.join(sorted(person.roles)) or 'nothing yet'}; this takes "
            f"{' or '.join(sorted(needed))}. Ask an admin for the role.",
        )
    return person
