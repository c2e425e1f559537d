"""Tokens that open something once and soon: printed links, and sign-ins begun elsewhere."""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, insert, select

from productnet.database.database import Database
from productnet.people.recent import Clock, utc_now
from productnet.people.schema import one_time_tokens as table
from productnet.people.tokens import digest, new_token


class Purpose(StrEnum):
    """What a token is for; it opens nothing else."""

    LINK = "link"
    OIDC = "oidc"


# A printed link is opened at once; a sign-in elsewhere may ask for a second factor.
LIFETIME = timedelta(minutes=10)


class OneTimeTokens:
    """The tokens of a project that wait to be used, or that were, as hashes."""

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now

    def issue(self, purpose: Purpose, *, person: str) -> str:
        """A new token for this person, to be used once, within ``LIFETIME``."""
        token = new_token()
        with self._database.writing() as connection:
            self._keep(connection, token, purpose, person)
        return token

    def use(self, token: str, purpose: Purpose) -> str | None:
        """The name the token was issued for; None if it was used, is too old, or never was."""
        mine = (table.c.digest == digest(token), table.c.purpose == purpose)
        # Strangers guess for ever; only who has a token gets to write.
        with self._database.reading() as connection:
            if connection.execute(select(table).where(*mine)).first() is None:
                return None
        with self._database.writing() as connection:
            row = connection.execute(select(table).where(*mine)).first()
            connection.execute(delete(table).where(*mine))
        return None if row is None or row.expires_at <= self._now() else row.person

    def spend(self, token: str, purpose: Purpose) -> bool:
        """Whether this is the first time that a token made elsewhere is spent.

        Whoever made it sees to it that it is worth nothing after ``LIFETIME``.
        """
        known = select(table).where(table.c.digest == digest(token))
        with self._database.writing() as connection:
            if connection.execute(known).first() is not None:
                return False
            self._keep(connection, token, purpose, "")
        return True

    def _keep(self, connection: Connection, token: str, purpose: Purpose, person: str) -> None:
        now = self._now()
        connection.execute(delete(table).where(table.c.expires_at <= now))
        values = {"digest": digest(token), "purpose": purpose, "person": person}
        connection.execute(insert(table).values(expires_at=now + LIFETIME, **values))
