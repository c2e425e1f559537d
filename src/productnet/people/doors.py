"""The doors of a project: every way in, over the same accounts."""

import getpass
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from productnet.database.database import Database
from productnet.errors import PeopleError, SignInError
from productnet.people.accounts import People, Person
from productnet.people.keys import ApiKeys
from productnet.people.names import name_from
from productnet.people.one_time import OneTimeTokens, Purpose
from productnet.people.recent import Clock, utc_now
from productnet.people.roles import ALL_ROLES
from productnet.people.sessions import Sessions, SignedIn
from productnet.people.throttle import Throttle
from productnet.settings import SignInSettings

# Who works alone where the operating system gives no usable name.
_ME = "me"


@dataclass(frozen=True)
class Doors:
    """Accounts, sessions, API keys, one-time tokens and the throttle, working together.

    Safe to share between threads; several processes may each open the doors of one database.

    Example:
        >>> doors = Doors.open(database)  # doctest: +SKIP
        >>> entered = doors.sign_in("ann", "two words and more", address="::1")  # doctest: +SKIP
        >>> doors.sessions.find(entered.token).person.name  # doctest: +SKIP
        'ann'
    """

    people: People
    sessions: Sessions
    keys: ApiKeys
    tokens: OneTimeTokens
    throttle: Throttle

    @classmethod
    def open(
        cls, database: Database, settings: SignInSettings | None = None, *, now: Clock = utc_now
    ) -> Self:
        """The doors of this database."""
        settings = settings or SignInSettings()
        sessions = Sessions(
            database,
            idle=timedelta(hours=settings.session_idle_hours),
            longest=timedelta(days=settings.session_days),
            now=now,
        )
        keys = ApiKeys(database, now=now)

        def changed() -> None:
            sessions.forget()
            keys.forget()

        return cls(
            people=People(
                database,
                password_min_length=settings.password_min_length,
                changed=changed,
                now=now,
            ),
            sessions=sessions,
            keys=keys,
            tokens=OneTimeTokens(database, now=now),
            throttle=Throttle(database, now=now),
        )

    def sign_in(
        self,
        name: str,
        password: str,
        *,
        address: str,
        agent: str = "",
        replacing: str | None = None,
    ) -> SignedIn:
        """Sign in with name and password.

        Args:
            name: As typed.
            password: As typed.
            address: Where the browser is, for the throttle and the list of sessions.
            agent: What the browser says it is.
            replacing: The session token the browser had before; it ends.

        Raises:
            TooManyAttempts: Too many failed, of this name or from this address; it says how long
                to wait.
            SignInError: No such name, another password, or a deactivated account: all the same.
        """
        attempt = self.throttle.attempt(name, address)
        person = self.people.with_password(name, password)
        if person is None:
            raise SignInError(
                "This name and password do not belong together. Check both; an admin can set a "
                "new password."
            )
        self.throttle.succeeded(attempt)
        return self.sessions.begin(person, address=address, agent=agent, replacing=replacing)

    def change_password(self, signed_in: SignedIn, *, old: str, new: str, address: str) -> SignedIn:
        """Change one's own password, which signs out everywhere; the browser gets a new session.

        Raises:
            TooManyAttempts: The old password was wrong too often.
            SignInError: The old password is wrong.
            PeopleError: The new one is refused.
        """
        name = signed_in.person.name
        attempt = self.throttle.attempt(name, address)
        if self.people.with_password(name, old) is None:
            raise SignInError("The old password is not this one. Nothing was changed.")
        self.throttle.succeeded(attempt)
        changed = self.people.change(name, password=new)
        return self.sessions.begin(changed, address=address, agent=signed_in.session.agent)

    def link_token(self) -> str:
        """A one-time token for the link that is printed for whoever works alone here."""
        return self.tokens.issue(Purpose.LINK, person=self.local_person().name)

    def open_link(
        self, token: str, *, address: str, agent: str = "", replacing: str | None = None
    ) -> SignedIn:
        """Sign in with a token of ``link_token``; raises SignInError if it opens nothing."""
        name = self.tokens.use(token, Purpose.LINK)
        if name is None:
            raise SignInError(
                "This link was used already, or is too old. Start `productnet serve` again for a "
                "new one."
            )
        person = self.people.get(name)
        return self.sessions.begin(person, address=address, agent=agent, replacing=replacing)

    def local_person(self) -> Person:
        """Who works alone on this machine: the user's name, made with all roles when new.

        An account of that name that is there already stays as it is.

        Raises:
            PeopleError: That account was deactivated.
        """
        try:
            name = name_from(getpass.getuser())
        except (PeopleError, OSError, KeyError):  # no user of this number has a usable name
            name = _ME
        person = self.people.find(name)
        if person is None:
            return self.people.add(name, roles=ALL_ROLES)
        if not person.active:
            raise PeopleError(
                f'The account "{name}" is deactivated. Activate it with '
                f"`productnet people change {name} --activate`."
            )
        return person
