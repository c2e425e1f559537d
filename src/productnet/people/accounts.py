"""Accounts: who people are, what is open to them, and whether a password is theirs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from productnet.database.database import Database
from productnet.errors import PeopleError, UnknownPerson, did_you_mean
from productnet.people.names import display_name_from, is_name, name_from, skeleton
from productnet.people.passwords import check_password, fits, hashed, is_outdated
from productnet.people.recent import Clock, tell_others, utc_now
from productnet.people.roles import PersonRole, roles_from, written
from productnet.people.schema import api_keys, sessions
from productnet.people.schema import people as table

PASSWORD_MIN_LENGTH = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who takes part.

    Attributes:
        name: What decisions are signed with; never changes.
        display_name: What others read.
        roles: The work open to the person.
        active: Whether the person may come in.
        created_at: When the account was made.
        has_password: Whether there is a password to sign in with.
        oidc_awaited: Whether the first OpenID Connect sign-in of this name gets this account.
        oidc_issuer: The provider of OpenID Connect that the account belongs to.
        oidc_subject: Who the person is to that provider.
        sign_outs: How often the person was signed out everywhere.
    """

    name: str
    display_name: str
    roles: frozenset[PersonRole]
    active: bool
    created_at: datetime
    has_password: bool
    oidc_awaited: bool
    oidc_issuer: str | None
    oidc_subject: str | None
    sign_outs: int


class People:
    """All accounts of a project, active or not; none is ever deleted, for decisions name them.

    Safe to share between threads, and between processes on one database.

    Example:
        >>> people = People(database)  # doctest: +SKIP
        >>> people.add("ann", roles=["labeler"], password="two words and more")  # doctest: +SKIP
    """

    def __init__(
        self,
        database: Database,
        *,
        password_min_length: int = PASSWORD_MIN_LENGTH,
        changed: Callable[[], None] = lambda: None,
        now: Clock = utc_now,
    ) -> None:
        """Over the tables of this database.

        Args:
            database: Where accounts are kept.
            password_min_length: Fewest characters of a new password.
            changed: Called when an account changed, so that whoever remembers it can forget.
            now: The clock.
        """
        self._database = database
        self._password_min_length = password_min_length
        self._changed = changed
        self._now = now

    def add(
        self,
        name: str,
        *,
        roles: list[str] | frozenset[PersonRole],
        display_name: str | None = None,
        password: str | None = None,
        oidc_awaited: bool = False,
        oidc: tuple[str, str] | None = None,
    ) -> Person:
        """Add a person.

        Args:
            name: 1 to 64 letters, digits, dots, hyphens and underscores; kept in lower case.
            roles: Names of roles; may be empty.
            display_name: What others read; the name as typed, if not given.
            password: To sign in with, if given.
            oidc_awaited: Whether the first OpenID Connect sign-in of this name gets the account.
            oidc: Issuer and subject, for a person whom the provider has just confirmed.

        Raises:
            PeopleError: The name is taken, looks like another, or is refused; or a role or the
                password is.
        """
        kept = name_from(name)
        values = {
            "name": kept,
            "skeleton": skeleton(kept),
            "display_name": display_name_from(name if display_name is None else display_name),
            "roles": written(roles_from(roles)),
            "active": True,
            "created_at": self._now(),
            "password_hash": self._hash(password, kept),
            "oidc_awaited": oidc_awaited,
            "oidc_issuer": oidc[0] if oidc else None,
            "oidc_subject": oidc[1] if oidc else None,
            "sign_outs": 0,
        }
        with self._database.writing() as connection:
            other = _looking_like(connection, kept)
            if other:
                like = "exists already" if other.name == kept else f'looks like "{other.name}"'
                raise PeopleError(f'The name "{kept}" {like}. Choose another.')
            if oidc and _of_subject(connection, *oidc):
                raise PeopleError(f"Another account belongs to {oidc[1]!r} of {oidc[0]}.")
            connection.execute(insert(table).values(values))
        return self.get(kept)

    def change(
        self,
        name: str,
        *,
        roles: list[str] | frozenset[PersonRole] | None = None,
        active: bool | None = None,
        display_name: str | None = None,
        password: str | None = None,
        oidc_awaited: bool | None = None,
    ) -> Person:
        """Change what is given; whatever is left out stays.

        A new password signs the person out everywhere; deactivation also revokes API keys.

        Raises:
            UnknownPerson: Nobody has this name.
            PeopleError: It would leave no active admin who can sign in; or a role, the display
                name or the password is refused.
        """
        kept = self.get(name).name
        values: dict[str, object] = {}
        if roles is not None:
            values["roles"] = written(roles_from(roles))
        if active is not None:
            values["active"] = active
        if display_name is not None:
            values["display_name"] = display_name_from(display_name)
        if oidc_awaited is not None:
            values["oidc_awaited"] = oidc_awaited
        if password is not None:
            values["password_hash"] = self._hash(password, kept)
        with self._database.writing() as connection:
            admins = _admins(connection)
            if values:
                connection.execute(update(table).where(table.c.name == kept).values(values))
            if admins and not _admins(connection):
                raise PeopleError(
                    f'"{kept}" is the last active admin who can sign in. Give somebody else the '
                    "role admin first."
                )
            if active is False:
                revoked = update(api_keys).where(api_keys.c.owner == kept)
                revoked = revoked.where(api_keys.c.revoked_at.is_(None))
                connection.execute(revoked.values(revoked_at=self._now()))
            if active is False or password is not None:
                sign_out_everywhere(connection, kept)
            tell_others(connection)
        self._changed()
        return self.get(kept)

    def link(self, name: str, *, issuer: str, subject: str) -> Person:
        """Bind an awaited account to who the person is to an OpenID Connect provider.

        Raises:
            UnknownPerson: Nobody has this name.
            PeopleError: The account awaits nobody, or somebody else has that identity.
        """
        person = self.get(name)
        with self._database.writing() as connection:
            if _of_subject(connection, issuer, subject):
                raise PeopleError(f"Another account belongs to {subject!r} of {issuer}.")
            bound = update(table).where(table.c.name == person.name, table.c.oidc_awaited)
            bound = bound.values(oidc_issuer=issuer, oidc_subject=subject, oidc_awaited=False)
            if connection.execute(bound).rowcount == 0:
                raise PeopleError(
                    f'The account "{person.name}" awaits no OpenID Connect sign-in. An admin can '
                    f"allow it with `productnet people change {person.name} --oidc`."
                )
            tell_others(connection)
        self._changed()
        return self.get(name)

    def find(self, name: str) -> Person | None:
        """The person of this name, however it is capitalised."""
        with self._database.reading() as connection:
            row = _named(connection, name)
        return None if row is None else person_from(row)

    def get(self, name: str) -> Person:
        """The person of this name; raises UnknownPerson."""
        person = self.find(name)
        if person is None:
            hint = did_you_mean(name[:100], [one.name for one in self.all()])
            raise UnknownPerson(f"Nobody is named {name[:100]!r}. {hint}".rstrip())
        return person

    def of_subject(self, issuer: str, subject: str) -> Person | None:
        """The person who is this subject of an OpenID Connect provider."""
        with self._database.reading() as connection:
            row = _of_subject(connection, issuer, subject)
        return None if row is None else person_from(row)

    def all(self) -> list[Person]:
        """Everyone, by name."""
        with self._database.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.name)).all()
        return [person_from(row) for row in rows]

    def any_password(self) -> bool:
        """Whether anybody has a password to sign in with."""
        query = select(table.c.name).where(table.c.password_hash.is_not(None)).limit(1)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def with_password(self, name: str, password: str) -> Person | None:
        """The active person of this name and password, if there is one.

        It takes as long for a name that nobody has, for one without a password, and for a wrong
        password. A hash made with old parameters is made anew.
        """
        with self._database.reading() as connection:
            row = _named(connection, name)
        known = row.password_hash if row else None
        if not fits(password, known) or row is None or not row.active:
            return None
        if is_outdated(row.password_hash):
            renewed = update(table).where(table.c.name == row.name)
            renewed = renewed.where(table.c.password_hash == row.password_hash)
            renewed = renewed.values(password_hash=hashed(password))
            with self._database.writing() as connection:
                connection.execute(renewed)
        return person_from(row)

    def _hash(self, password: str | None, name: str) -> str | None:
        if password is None:
            return None
        check_password(password, name=name, min_length=self._password_min_length)
        return hashed(password)


# A row of the table.
PersonRow = Row[tuple[object, ...]]


def person_from(row: PersonRow) -> Person:
    """A person from a row that has all columns of the table."""
    return Person(
        name=row.name,
        display_name=row.display_name,
        roles=roles_from(row.roles.split()),
        active=row.active,
        created_at=row.created_at,
        has_password=row.password_hash is not None,
        oidc_awaited=row.oidc_awaited,
        oidc_issuer=row.oidc_issuer,
        oidc_subject=row.oidc_subject,
        sign_outs=row.sign_outs,
    )


def sign_out_everywhere(connection: Connection, name: str) -> None:
    """End every session, and bar those that are being started from what was true before."""
    connection.execute(delete(sessions).where(sessions.c.person == name))
    counted = update(table).where(table.c.name == name)
    connection.execute(counted.values(sign_outs=table.c.sign_outs + 1))


def _named(connection: Connection, name: str) -> PersonRow | None:
    row = _looking_like(connection, name)
    return row if row and is_name(name, row.name) else None


def _looking_like(connection: Connection, name: str) -> PersonRow | None:
    seen = skeleton(name)
    # No database could keep these, and PostgreSQL will not even be asked.
    if not seen.isprintable():
        return None
    return connection.execute(select(table).where(table.c.skeleton == seen)).first()


def _of_subject(connection: Connection, issuer: str, subject: str) -> PersonRow | None:
    same = (table.c.oidc_issuer == issuer, table.c.oidc_subject == subject)
    return connection.execute(select(table).where(*same)).first()


def _admins(connection: Connection) -> int:
    """How many active admins can sign in; a link on loopback is not counted as a door."""
    rows = connection.execute(select(table).where(table.c.active)).all()
    people = [person_from(row) for row in rows]
    return sum(
        PersonRole.ADMIN in person.roles
        and (person.has_password or person.oidc_subject is not None)
        for person in people
    )
