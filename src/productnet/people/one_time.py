"""Tokens that open something once and soon: printed links, and sign-ins begun elsewhere."""

from datetime import timedelta
from enum import StrEnum

from sqlalchemy import delete, insert, select

from productnet.database.database import Database
from productnet.people.recent import Clock, utc_now
from productnet.people.schema import one_time_tokens as table
from productnet.people.tokens import digest, new_token


class Purpose(StrEnum):
    """What a token is for; it opens nothing else."""

    LINK = "link"
    OIDC = "oidc"


# A printed link is opened at once; a sign-in elsewhere may ask for a second factor.
LIFETIME = {Purpose.LINK: timedelta(minutes=10), Purpose.OIDC: timedelta(minutes=10)}


class OneTimeTokens:
    """The tokens of a project that wait to be used, as hashes."""

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now

    def issue(self, purpose: Purpose, *, person: str = "", token: str = "") -> str:
        """A token to be used once, soon.

        Args:
            purpose: What it opens.
            person: Name of whom it is for, where that is known.
            token: One that was made elsewhere, unguessable; a new one, if not given.
        """
        now = self._now()
        token = token or new_token()
        values = {
            "digest": digest(token),
            "purpose": purpose,
            "person": person,
            "expires_at": now + LIFETIME[purpose],
        }
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.expires_at <= now))
            connection.execute(insert(table).values(values))
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
