"""Accounts as admins see them, and what each person keeps of their own: sessions and API keys."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from productnet.events.kinds import Kind
from productnet.people.accounts import Person
from productnet.people.keys import ApiKey
from productnet.people.sessions import Session
from productnet.portal.security import AskedBy, PortalOf, session_of

router = APIRouter(tags=["people"])

_Name = Annotated[str, Query(max_length=200, description="Name of the person", examples=["ann"])]
_Password = Annotated[str | None, Field(max_length=1_024)]


class Account(BaseModel):
    """A person, as admins see them."""

    name: str = Field(description="What decisions are signed with; never changes")
    display_name: str
    roles: list[str]
    active: bool
    created_at: datetime
    seen_at: datetime | None = Field(description="When a session of theirs was last used")
    sessions: int = Field(description="Browsers they are signed in with")
    has_password: bool
    by_provider: bool = Field(description="Whether the organisation's sign-in knows them")


class Accounts(BaseModel):
    """Everybody, by name."""

    items: list[Account]


class NewAccount(BaseModel):
    """Somebody who shall take part."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "ann", "roles": ["labeler"], "password": "two words and more"}]
        },
    )

    name: str = Field(max_length=200)
    display_name: str | None = Field(None, max_length=400)
    roles: list[str] = Field([], max_length=10)
    password: _Password = None
    oidc_awaited: bool = Field(
        False, description="Give the account to the first to sign in by the organisation so named"
    )


class AccountChange(BaseModel):
    """What shall be otherwise; the rest stays."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"roles": ["labeler", "auditor"]}]}
    )

    display_name: str | None = Field(None, max_length=400)
    roles: list[str] | None = Field(None, max_length=10)
    active: bool | None = None
    password: _Password = None
    oidc_awaited: bool | None = None


class OpenSession(BaseModel):
    """A browser that is signed in."""

    id: str = Field(description="Names it; opens nothing")
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str = Field(description="What the browser said it is")
    here: bool = Field(description="Whether it is the one that asks")

    @classmethod
    def of(cls, session: Session, *, here: bool) -> "OpenSession":
        """A session as it is sent."""
        return cls(
            id=session.id,
            created_at=session.created_at,
            seen_at=session.seen_at,
            expires_at=session.expires_at,
            address=session.address,
            agent=session.agent,
            here=here,
        )


class OpenSessions(BaseModel):
    """Where somebody is signed in, the latest first."""

    items: list[OpenSession]


class Key(BaseModel):
    """What is known of an API key."""

    id: str = Field(description="Names it; opens nothing")
    label: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: ApiKey) -> "Key":
        """A key as it is sent."""
        return cls(
            id=key.id,
            label=key.label,
            scopes=sorted(key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
            used_at=key.used_at,
            revoked_at=key.revoked_at,
        )


class Keys(BaseModel):
    """One's own API keys, the latest first, those that are over included."""

    items: list[Key]


class NewKey(BaseModel):
    """A key that shall be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"label": "nightly export", "scopes": ["read"]}]},
    )

    label: str = Field(max_length=200)
    scopes: list[str] = Field(max_length=10)
    expires_at: datetime | None = Field(None, description="With a time zone; never when absent")


class MadeKey(Key):
    """A key that was made."""

    key: str = Field(description="The key itself, which is shown this once")


@router.get("/people", operation_id="list_people")
def list_people(portal: PortalOf) -> Accounts:
    """Everybody who has an account, active or not."""
    browsers: defaultdict[str, list[Session]] = defaultdict(list)
    for session in portal.doors.sessions.all():
        browsers[session.person].append(session)
    everybody = portal.doors.people.all()
    return Accounts(items=[_account(person, browsers[person.name]) for person in everybody])


@router.post("/people", operation_id="add_person", status_code=201)
def add_person(portal: PortalOf, admin: AskedBy, new: NewAccount) -> Account:
    """Make an account."""
    person = portal.doors.people.add(
        new.name,
        roles=new.roles,
        display_name=new.display_name,
        password=new.password,
        oidc_awaited=new.oidc_awaited,
    )
    portal.activity.record(
        Kind.PERSON_ADDED, person=admin.name, subject=person.name, roles=sorted(person.roles)
    )
    return _account(person, portal.doors.sessions.of(person.name))


@router.patch("/people", operation_id="change_person")
def change_person(portal: PortalOf, admin: AskedBy, name: _Name, change: AccountChange) -> Account:
    """Change an account; a new password signs its person out everywhere."""
    given = change.model_dump(exclude_none=True)
    person = portal.doors.people.change(name, **given)
    told = {key: value for key, value in given.items() if key != "password"}
    if told:
        portal.activity.record(Kind.PERSON_CHANGED, person=admin.name, subject=person.name, **told)
    if "password" in given:
        portal.activity.record(Kind.PASSWORD_CHANGED, person=admin.name, subject=person.name)
    if change.active is False:
        portal.leases.release_all(person.name)
    return _account(person, portal.doors.sessions.of(person.name))


@router.get("/people/sessions", operation_id="list_sessions_of")
def list_sessions_of(portal: PortalOf, name: _Name) -> OpenSessions:
    """Where a person is signed in."""
    person = portal.doors.people.get(name)
    return OpenSessions(
        items=[
            OpenSession.of(session, here=False) for session in portal.doors.sessions.of(person.name)
        ]
    )


@router.delete("/people/sessions", operation_id="end_sessions_of", status_code=204)
def end_sessions_of(portal: PortalOf, admin: AskedBy, name: _Name) -> None:
    """Sign a person out everywhere, and free the leaves they hold."""
    person = portal.doors.people.get(name)
    portal.leases.release_all(person.name)
    portal.doors.sessions.end_all(person.name)
    portal.activity.record(
        Kind.PERSON_CHANGED, person=admin.name, subject=person.name, signed_out=True
    )


@router.get("/sessions", operation_id="list_sessions")
def list_sessions(portal: PortalOf, person: AskedBy, request: Request) -> OpenSessions:
    """Where one is signed in oneself."""
    entered = session_of(request, portal)
    here = entered.session.id if entered else None
    return OpenSessions(
        items=[
            OpenSession.of(session, here=session.id == here)
            for session in portal.doors.sessions.of(person.name)
        ]
    )


@router.delete("/sessions", operation_id="end_session", status_code=204)
def end_session(
    portal: PortalOf, person: AskedBy, id: Annotated[str, Query(max_length=200)]
) -> None:
    """Sign out another browser of one's own; one that is signed out already stays so."""
    portal.doors.sessions.end_one(person.name, id)


@router.get("/keys", operation_id="list_keys")
def list_keys(portal: PortalOf, person: AskedBy) -> Keys:
    """One's own API keys."""
    return Keys(items=[Key.of(key) for key in portal.doors.keys.of(person.name)])


@router.post("/keys", operation_id="add_key", status_code=201)
def add_key(portal: PortalOf, person: AskedBy, new: NewKey) -> MadeKey:
    """Make an API key for a program; keep what is answered, since it is shown this once."""
    secret, key = portal.doors.keys.add(
        person, label=new.label, scopes=new.scopes, expires_at=new.expires_at
    )
    portal.activity.record(
        Kind.KEY_ADDED, person=person.name, subject=key.id, scopes=sorted(key.scopes)
    )
    return MadeKey(**Key.of(key).model_dump(), key=secret)


@router.delete("/keys", operation_id="revoke_key")
def revoke_key(portal: PortalOf, person: AskedBy, id: Annotated[str, Query(max_length=200)]) -> Key:
    """End a key of one's own for good."""
    key = portal.doors.keys.revoke(id, owner=person.name)
    portal.activity.record(Kind.KEY_REVOKED, person=person.name, subject=key.id)
    return Key.of(key)


def _account(person: Person, sessions: Sequence[Session]) -> Account:
    return Account(
        name=person.name,
        display_name=person.display_name,
        roles=sorted(person.roles),
        active=person.active,
        created_at=person.created_at,
        seen_at=max((session.seen_at for session in sessions), default=None),
        sessions=len(sessions),
        has_password=person.has_password,
        by_provider=person.oidc_subject is not None or person.oidc_awaited,
    )
