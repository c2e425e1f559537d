"""The doors: signing in and out, and what a browser needs to know once somebody is in."""

from http import HTTPStatus
from typing import Annotated, TypedDict

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field

from productnet.errors import SignInError
from productnet.events.kinds import Kind
from productnet.local.registry import LOCAL_MODELS
from productnet.people.accounts import Person
from productnet.portal.portal import Portal
from productnet.portal.security import COOKIE, AskedBy, PortalOf, session_of
from productnet.registry import Registry
from productnet.retrieval.registry import SOURCES
from productnet.web.problems import Refused

router = APIRouter(tags=["session"])

# Pages of the browser's own, beside the API.
pages = APIRouter(include_in_schema=False)


class Credentials(BaseModel):
    """Who somebody says they are."""

    name: str = Field(max_length=200)
    password: str = Field(max_length=1_024)


class PasswordChange(BaseModel):
    """One's own password, before and after."""

    old: str = Field(max_length=1_024)
    new: str = Field(max_length=1_024)


class Someone(BaseModel):
    """A person, as others see them."""

    name: str
    display_name: str
    roles: list[str]


class Named(BaseModel):
    """A choice, and what it is."""

    name: str
    help: str


class ProjectGlance(BaseModel):
    """The project that is served."""

    name: str
    products: int
    taxonomy: str
    leaves: int
    embedding_set: str | None
    round: int | None


class Targets(BaseModel):
    """When a leaf is done."""

    positives: int
    hard_negatives: int


class SessionDetail(BaseModel):
    """Everything a browser needs to begin."""

    person: Someone
    mode: str = Field(description="single: nobody but the one who started it; team: accounts")
    csrf: str | None = Field(description="To be sent as X-CSRF-Token with everything that changes")
    project: ProjectGlance
    targets: Targets
    sources: list[Named]
    local_models: list[Named]
    text_fields: list[str]


@router.get("/session", operation_id="get_session")
def get_session(portal: PortalOf, person: AskedBy, request: Request) -> SessionDetail:
    """Who is signed in, to which project, and what there is to choose from."""
    entered = session_of(request, portal)
    return _detail(portal, person, entered.csrf if entered else None)


@router.post("/session", operation_id="sign_in")
def sign_in(
    portal: PortalOf, credentials: Credentials, request: Request, response: Response
) -> SessionDetail:
    """Sign in with a name and a password."""
    try:
        entered = portal.doors.sign_in(credentials.name, credentials.password, **came_from(request))
    except SignInError:
        tried = "".join(char for char in credentials.name[:64] if char.isprintable())
        portal.activity.record(Kind.SIGN_IN_REFUSED, subject=tried)
        raise
    name = entered.person.name
    portal.activity.record(Kind.SIGNED_IN, person=name, subject=name)
    set_cookie(response, entered.token, request)
    return _detail(portal, entered.person, entered.csrf)


@router.delete("/session", operation_id="sign_out", status_code=204)
def sign_out(portal: PortalOf, person: AskedBy, request: Request, response: Response) -> None:
    """Sign out, and free the leaves one holds."""
    portal.leases.release_all(person.name)
    portal.doors.sessions.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE)


@router.post("/password", operation_id="change_password")
def change_password(
    portal: PortalOf, change: PasswordChange, request: Request, response: Response
) -> SessionDetail:
    """Change one's own password; every other session of one's own ends."""
    entered = session_of(request, portal)
    if entered is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "Sign in first.", sign_in=portal.ways_in)
    fresh = portal.doors.change_password(
        entered, old=change.old, new=change.new, address=came_from(request)["address"]
    )
    name = fresh.person.name
    portal.activity.record(Kind.PASSWORD_CHANGED, person=name, subject=name)
    set_cookie(response, fresh.token, request)
    return _detail(portal, fresh.person, fresh.csrf)


@pages.get("/start")
def start(
    portal: PortalOf, request: Request, token: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """The printed link of single-user mode: used once, it signs its opener in."""
    try:
        entered = portal.doors.open_link(token, **came_from(request))
    except SignInError:
        return RedirectResponse("/sign-in?used", HTTPStatus.SEE_OTHER)
    response = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    set_cookie(response, entered.token, request)
    return response


def set_cookie(response: Response, token: str, request: Request) -> None:
    """Have the browser keep a session's token, out of reach of scripts and other sites."""
    portal: Portal = request.app.state.portal
    settings = portal.project.settings
    # A proxy that speaks TLS may not say so; the address that browsers use does.
    address = settings.portal.public_url or str(request.url)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(settings.sign_in.session_days * 86_400),
        httponly=True,
        samesite="strict",
        secure=address.startswith("https:"),
    )


class From(TypedDict):
    """Where a request came from."""

    address: str
    agent: str
    replacing: str | None


def came_from(request: Request) -> From:
    """Where a request came from, as the doors want to know it."""
    return {
        "address": request.client.host if request.client else "",
        "agent": request.headers.get("User-Agent", ""),
        "replacing": request.cookies.get(COOKIE),
    }


def _detail(portal: Portal, person: Person, csrf: str | None) -> SessionDetail:
    settings, active = portal.project.settings, portal.active
    return SessionDetail(
        person=Someone(
            name=person.name, display_name=person.display_name, roles=sorted(person.roles)
        ),
        mode="team" if portal.team else "single",
        csrf=csrf,
        project=ProjectGlance(
            name=settings.name,
            products=len(portal.resources.ids),
            taxonomy=str(portal.taxonomy),
            leaves=len(portal.taxonomy.leaves),
            embedding_set=active.embedding_set if active else None,
            round=active.round if active else None,
        ),
        targets=Targets(
            positives=settings.targets.positives, hard_negatives=settings.targets.hard_negatives
        ),
        sources=_choices(SOURCES),
        local_models=_choices(LOCAL_MODELS),
        text_fields=list(settings.catalog.fields),
    )


def _choices(registry: Registry[object]) -> list[Named]:
    return [Named(name=name, help=registry.help(name)) for name in registry]
