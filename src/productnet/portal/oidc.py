"""Signing in by OpenID Connect: who the person that a provider vouches for is here.

Between the two halves of a sign-in nothing is kept but a secret in the browser's own cookie, from
which state, nonce and verifier follow; a sign-in that succeeded is noted, so that it is not
played again.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from productnet.errors import PeopleError, SettingsError
from productnet.people.accounts import Person
from productnet.people.doors import Doors
from productnet.people.names import display_name_from
from productnet.people.one_time import LIFETIME, Purpose
from productnet.people.recent import Clock, utc_now
from productnet.people.roles import PersonRole, roles_from
from productnet.people.sessions import SignedIn
from productnet.people.tokens import derived, new_token, same
from productnet.portal.oidc_provider import (
    Claims,
    Flow,
    Provider,
    ProviderRefused,
    Refusal,
    is_safe_url,
)
from productnet.settings import SignInSettings

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A sign-in that was begun.

    Attributes:
        url: Where to send the browser.
        cookie: What the browser has to bring back with it.
    """

    url: str
    cookie: str = field(repr=False)


class OpenIdConnect:
    """The door that a provider opens; safe to share between threads."""

    def __init__(
        self, settings: SignInSettings, doors: Doors, *, provider: Provider, now: Clock = utc_now
    ) -> None:
        self._settings = settings
        self._doors = doors
        self._provider = provider
        self._now = now
        self._roles = {group: roles_from([role]) for group, role in settings.oidc_roles.items()}
        self._new_roles = roles_from(settings.oidc_new_roles)

    @classmethod
    def configured(
        cls, settings: SignInSettings, doors: Doors, *, now: Clock = utc_now
    ) -> Self | None:
        """The door, if the settings name a provider; it is not asked anything yet.

        Raises:
            SettingsError: They name one, and cannot be right.
        """
        issuer = settings.oidc_issuer
        if issuer is None:
            return None
        if not is_safe_url(issuer):
            raise SettingsError(
                f'Setting sign_in.oidc_issuer is "{issuer}". Write an https:// URL.'
            )
        if not settings.oidc_client_id:
            raise SettingsError(
                "Setting sign_in.oidc_client_id is missing. It is what the provider calls this "
                "portal; register it there first."
            )
        provider = Provider(
            issuer,
            client_id=settings.oidc_client_id,
            client_secret=os.environ.get(settings.oidc_client_secret_env) or None,
            scopes=settings.oidc_scopes,
            now=now,
        )
        try:
            return cls(settings, doors, provider=provider, now=now)
        except PeopleError as error:
            raise SettingsError(
                f"Settings sign_in.oidc_roles and oidc_new_roles: {error}"
            ) from error

    def begin(self, *, redirect_uri: str) -> Begun:
        """Begin a sign-in; raises ProviderRefused if the provider cannot be reached."""
        cookie = f"{self._now().timestamp():.0f}.{new_token()}"
        return Begun(
            url=self._provider.authorization_url(_flow(cookie, redirect_uri)), cookie=cookie
        )

    def finish(
        self,
        query: Mapping[str, str],
        *,
        cookie: str | None,
        redirect_uri: str,
        address: str,
        agent: str = "",
        replacing: str | None = None,
    ) -> SignedIn:
        """Sign in who comes back from the provider.

        Args:
            query: What the provider sent along with the browser.
            cookie: What the browser was given at the beginning.
            redirect_uri: As at the beginning.
            address: Where the browser is.
            agent: What it says it is.
            replacing: The session token it had before; it ends.

        Raises:
            ProviderRefused: For a reason that the sign-in page can tell; what exactly was wrong is
                in its text and in the log.
        """
        try:
            flow = self._flow_of(query, cookie, redirect_uri)
            claims = self._claims(query, flow)
            if not self._doors.tokens.spend(flow.state, Purpose.OIDC):
                raise ProviderRefused(Refusal.STALE, "This sign-in was used already. Begin again.")
            person = self._person(claims)
        except ProviderRefused as refused:
            _logger.warning("OpenID Connect sign-in refused (%s): %s", refused.reason, refused)
            raise
        return self._doors.sessions.begin(person, address=address, agent=agent, replacing=replacing)

    def close(self) -> None:
        """Let go of connections."""
        self._provider.close()

    def _flow_of(self, query: Mapping[str, str], cookie: str | None, redirect_uri: str) -> Flow:
        """The sign-in that this browser began, if this is its answer."""
        flow = _flow(cookie or "", redirect_uri)
        if not (cookie and self._is_recent(cookie) and same(query.get("state", ""), flow.state)):
            raise ProviderRefused(
                Refusal.STALE,
                "This sign-in was begun in another browser, or too long ago. Begin again.",
            )
        return flow

    def _is_recent(self, cookie: str) -> bool:
        begun, _, _ = cookie.partition(".")
        if not (begun.isascii() and begun.isdigit() and len(begun) < 12):
            return False
        age = self._now() - datetime.fromtimestamp(int(begun), UTC)
        # The time was cut to a second.
        return timedelta(seconds=-1) <= age < LIFETIME

    def _claims(self, query: Mapping[str, str], flow: Flow) -> Claims:
        if error := query.get("error"):
            kind = Refusal.CANCELLED if error == "access_denied" else Refusal.PROVIDER
            raise ProviderRefused(kind, f"The provider answered {error[:100]!r}.")
        # RFC 9207: another provider's answer must not be taken for this one's.
        if query.get("iss", self._provider.issuer) != self._provider.issuer:
            raise ProviderRefused(Refusal.PROVIDER, "The answer is of another provider.")
        wanted = [self._settings.oidc_name_claim, self._settings.oidc_roles_claim]
        wanted += ["email", "email_verified"] if self._settings.oidc_domains else []
        return self._provider.claims(
            query.get("code", ""),
            flow,
            wanted=tuple(name.split(".")[0] for name in wanted if name),
        )

    def _person(self, claims: Claims) -> Person:
        self._check_domain(claims)
        roles = self._roles_of(claims)
        people = self._doors.people
        person = people.of_subject(self._provider.issuer, str(claims["sub"]))
        if person is None:
            person = self._who_comes_first(claims, roles)
        if not person.active:
            raise ProviderRefused(Refusal.INACTIVE, f'The account "{person.name}" is deactivated.')
        if roles is None or roles == person.roles:
            return person
        try:
            return people.change(person.name, roles=roles)
        except PeopleError as error:
            raise ProviderRefused(Refusal.LAST_ADMIN, str(error)) from error

    def _who_comes_first(self, claims: Claims, roles: frozenset[PersonRole] | None) -> Person:
        """The account of somebody who was never here: one that awaits them, or a new one."""
        name = self._name_of(claims)
        identity = (self._provider.issuer, str(claims["sub"]))
        people = self._doors.people
        known = people.find(name)
        try:
            if known is not None:
                return people.link(known.name, issuer=identity[0], subject=identity[1])
            if not self._settings.oidc_new_people:
                raise PeopleError(
                    f"There is no account {name!r}. Add it with `productnet people add NAME "
                    "--oidc`, or set sign_in.oidc_new_people."
                )
            return people.add(
                name,
                roles=self._new_roles if roles is None else roles,
                display_name=_shown(claims.get("name"), name),
                oidc=identity,
            )
        except PeopleError as error:
            raise ProviderRefused(Refusal.UNKNOWN, str(error)) from error

    def _name_of(self, claims: Claims) -> str:
        claim = self._settings.oidc_name_claim
        told = _claim(claims, claim)
        if not isinstance(told, str) or not told:
            raise ProviderRefused(
                Refusal.UNKNOWN,
                f"The provider sent no claim {claim!r}. Set sign_in.oidc_name_claim.",
            )
        if claim == "email" and not _is_true(claims.get("email_verified")):
            raise ProviderRefused(
                Refusal.UNKNOWN, "The provider did not verify the e-mail address."
            )
        return told.partition("@")[0]

    def _check_domain(self, claims: Claims) -> None:
        domains = [domain.lower() for domain in self._settings.oidc_domains]
        if not domains:
            return
        email = claims.get("email")
        domain = email.rpartition("@")[2].lower() if isinstance(email, str) else ""
        if domain not in domains or not _is_true(claims.get("email_verified")):
            raise ProviderRefused(
                Refusal.DOMAIN,
                f"The address {str(email)[:100]!r} is of no domain in sign_in.oidc_domains, or the "
                "provider did not verify it.",
            )

    def _roles_of(self, claims: Claims) -> frozenset[PersonRole] | None:
        """The roles that the provider gives; None where roles are kept here."""
        if self._settings.oidc_roles_claim is None:
            return None
        told = _claim(claims, self._settings.oidc_roles_claim)
        groups = [told] if isinstance(told, str) else told if isinstance(told, list) else []
        given: frozenset[PersonRole] = frozenset()
        for group in groups:
            given |= self._roles.get(str(group), frozenset())
        return given


def _flow(cookie: str, redirect_uri: str) -> Flow:
    return Flow(
        state=derived(cookie, "state"),
        nonce=derived(cookie, "nonce"),
        verifier=derived(cookie, "verifier"),
        redirect_uri=redirect_uri,
    )


def _claim(claims: Claims, path: str) -> object:
    """A claim by its name, or by names with dots between for one inside another."""
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _is_true(told: object) -> bool:
    # Some providers write it as a text.
    return told is True or told == "true"


def _shown(told: object, name: str) -> str:
    try:
        return display_name_from(told) if isinstance(told, str) else name
    except PeopleError:
        return name
