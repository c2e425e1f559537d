"""API keys: how programs come in, for a person and with no more than that person may do."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, select, update

from productnet.database.database import Database
from productnet.errors import PeopleError
from productnet.people.accounts import Person, PersonRow, person_from
from productnet.people.recent import Clock, Recent, tell_others, utc_now
from productnet.people.roles import PersonRole, Scope, scopes_from, written
from productnet.people.schema import api_keys as table
from productnet.people.schema import people
from productnet.people.tokens import digest, new_token, same

PREFIX = "pn"
LABEL_LENGTH = 100

# Keys in use of one person.
MOST = 50

_ID_LENGTH = 12
_USED_EVERY = timedelta(minutes=1)

# Compared where there is no key, so that an unknown id takes as long as a wrong secret.
_NO_KEY = digest("")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key; the key itself was shown once.

    Attributes:
        id: Names it; opens nothing.
        owner: Name of the person it acts for.
        label: What the owner calls it.
        scopes: What it opens, of what its owner's roles allow.
        created_at: When it was made.
        expires_at: When it ends, if ever.
        used_at: When it was last used, to the minute.
        revoked_at: When it was revoked.
    """

    id: str
    owner: str
    label: str
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """A program that came in with a key: the key, and its owner with the roles of now."""

    key: ApiKey
    person: Person


class ApiKeys:
    """All API keys of a project, shared by the processes that serve it.

    A key found is remembered as sessions are: revoked at one process, it is dead at every other
    within ``recent.FRESH`` (5 s).
    """

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now
        self._recent: Recent[KeyUse] = Recent(database, now)

    def add(
        self,
        owner: Person,
        *,
        label: str,
        scopes: list[str] | frozenset[Scope],
        expires_at: datetime | None = None,
    ) -> tuple[str, ApiKey]:
        """Make a key ``pn_<id>_<secret>``, which is given back here and never again.

        Raises:
            PeopleError: No label, no scope, an unknown one or ``admin`` for somebody who is no
                admin; an end that is past; or the owner has too many keys.
        """
        now = self._now()
        chosen = scopes_from(scopes)
        label = label[: LABEL_LENGTH + 1].strip()
        if not 1 <= len(label) <= LABEL_LENGTH or not label.isprintable():
            raise PeopleError(
                f"An API key needs a label of 1 to {LABEL_LENGTH} printable characters, such as "
                '"nightly export".'
            )
        if not chosen:
            raise PeopleError(f"An API key needs a scope: {', '.join(Scope)}.")
        if Scope.ADMIN in chosen and PersonRole.ADMIN not in owner.roles:
            raise PeopleError(
                f'"{owner.name}" is no admin, so the key cannot have scope admin. Leave it out.'
            )
        if expires_at is not None and expires_at.tzinfo is None:
            raise PeopleError(f"The end {expires_at} has no time zone. Give it in UTC.")
        try:
            expires_at = expires_at and expires_at.astimezone(UTC)
        except OverflowError:
            raise PeopleError(f"The end {expires_at} is no time in UTC. Leave it out.") from None
        if expires_at is not None and expires_at <= now:
            raise PeopleError(f"The end {expires_at} is past. Choose a later one, or none.")
        key = ApiKey(
            id=new_token(_ID_LENGTH),
            owner=owner.name,
            label=label,
            scopes=chosen,
            created_at=now,
            expires_at=expires_at,
            used_at=None,
            revoked_at=None,
        )
        secret = new_token()
        values = {name: getattr(key, name) for name in ApiKey.__slots__}
        values |= {"scopes": written(chosen), "digest": digest(secret)}
        with self._database.writing() as connection:
            live = select(table).where(table.c.owner == owner.name, table.c.revoked_at.is_(None))
            if len(connection.execute(live).all()) >= MOST:
                raise PeopleError(f'"{owner.name}" has {MOST} API keys. Revoke one first.')
            connection.execute(insert(table).values(values))
        return f"{PREFIX}_{key.id}_{secret}", key

    def find(self, sent: str) -> KeyUse | None:
        """Whose key this is; None if it is none, expired or revoked, or its owner inactive."""
        prefix, _, rest = sent.partition("_")
        key_id, _, secret = rest.partition("_")
        well_formed = prefix == PREFIX and len(key_id) == _ID_LENGTH and key_id.isalnum()
        if not (well_formed and key_id.isascii()):
            return None
        remembered_as = digest(sent)
        found = self._recent.get(remembered_as)
        if found is None:
            mark = self._recent.mark()
            found = self._read(key_id, secret)
            if found is None:
                return None
            self._recent.keep(remembered_as, found, mark=mark)
        now = self._now()
        if _is_over(found.key, now):
            return None
        if found.key.used_at is None or now - found.key.used_at >= _USED_EVERY:
            found = replace(found, key=replace(found.key, used_at=now))
            # Before it is written, so that many requests at once write it once.
            self._recent.amend(remembered_as, found)
            used = update(table).where(table.c.id == key_id).values(used_at=now)
            with self._database.writing(in_turn=False) as connection:
                connection.execute(used)
        return found

    def find_at_once(self, sent: str) -> KeyUse | None:
        """As ``find``; but None, too, where the database would have to be asked or told."""
        found, now = self._recent.at_once(digest(sent)), self._now()
        if found is None or _is_over(found.key, now) or found.key.used_at is None:
            return None
        return found if now - found.key.used_at < _USED_EVERY else None

    def of(self, owner: str) -> list[ApiKey]:
        """The keys of a person, the latest first, those revoked or expired included."""
        query = select(table).where(table.c.owner == owner).order_by(table.c.created_at.desc())
        with self._database.reading() as connection:
            return [_key_from(row) for row in connection.execute(query)]

    def revoke(self, key_id: str, *, owner: str) -> ApiKey:
        """End a key for good; raises PeopleError if this person has none of this id."""
        mine = [key for key in self.of(owner) if key.id == key_id]
        if not mine:
            raise PeopleError(
                f'"{owner}" has no API key {key_id[:50]!r}. See `productnet people key list`.'
            )
        ended = update(table).where(table.c.id == key_id, table.c.revoked_at.is_(None))
        with self._database.writing() as connection:
            connection.execute(ended.values(revoked_at=self._now()))
            tell_others(connection)
        self.forget()
        return next(key for key in self.of(owner) if key.id == key_id)

    def forget(self) -> None:
        """Remember no key: the next request with each reads it anew."""
        self._recent.forget()

    def _read(self, key_id: str, secret: str) -> KeyUse | None:
        with self._database.reading() as connection:
            row = connection.execute(select(table).where(table.c.id == key_id)).first()
            if not same(digest(secret), row.digest if row else _NO_KEY) or row is None:
                return None
            who = connection.execute(select(people).where(people.c.name == row.owner)).one()
        if row.revoked_at is not None or not who.active:
            return None
        return KeyUse(key=_key_from(row), person=person_from(who))


def _is_over(key: ApiKey, now: datetime) -> bool:
    return key.expires_at is not None and now >= key.expires_at


def _key_from(row: PersonRow) -> ApiKey:
    values = {name: getattr(row, name) for name in ApiKey.__slots__}
    return ApiKey(**(values | {"scopes": scopes_from(row.scopes.split())}))
