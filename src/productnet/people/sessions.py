"""Sessions: who is signed in, in a browser, until when."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, insert, select, true, update

from productnet.database.database import Database
from productnet.errors import SignInError
from productnet.people.accounts import Person, PersonRow, person_from, sign_out_everywhere
from productnet.people.recent import Clock, Recent, tell_others, utc_now
from productnet.people.schema import people
from productnet.people.schema import sessions as table
from productnet.people.tokens import TOKEN_LENGTH, derived, digest, new_token, same

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=14)

# How often at most it is written that a session was seen.
_SEEN_EVERY = timedelta(minutes=1)

# Characters kept of what a browser says of itself.
_AGENT_LENGTH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser that is signed in.

    Attributes:
        id: Names the session to its owner; opens nothing.
        person: Name of the person.
        created_at: When the person signed in.
        seen_at: When the session was last used, to the minute.
        expires_at: When it ends, however much it is used.
        address: Where it was begun.
        agent: What the browser said it is.
    """

    id: str
    person: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Somebody who is signed in, as one request finds them.

    Attributes:
        token: What the browser's cookie holds; the database holds its hash only.
        person: Who it is, with the roles of now.
        session: Which session.
    """

    token: str = field(repr=False)
    person: Person
    session: Session

    @property
    def csrf(self) -> str:
        """What every unsafe request has to send along; it does not give the token away."""
        return derived(self.token, "csrf")

    def sent_csrf(self, sent: str | None) -> bool:
        """Whether this is the session's CSRF token; compared in constant time."""
        return sent is not None and same(sent, self.csrf)


class Sessions:
    """All sessions of a project, shared by the processes that serve it.

    A session found is remembered until one is ended or an account changes, so a request costs no
    query as a rule. What this process ends is over at once, what another one ends within
    ``recent.FRESH`` (5 s).
    """

    def __init__(
        self,
        database: Database,
        *,
        idle: timedelta = IDLE,
        longest: timedelta = LONGEST,
        now: Clock = utc_now,
    ) -> None:
        """Over the tables of this database.

        Args:
            database: Where sessions are kept.
            idle: A session that is not used for so long is over.
            longest: A session ends after so long, however much it is used.
            now: The clock.
        """
        self._database = database
        self._idle = idle
        self._longest = longest
        self._now = now
        self._recent: Recent[SignedIn] = Recent(database, now)

    def begin(
        self, person: Person, *, address: str, agent: str = "", replacing: str | None = None
    ) -> SignedIn:
        """Sign a person in, always under a new token.

        Args:
            person: As read when it was confirmed that it is them.
            address: Where they are.
            agent: What their browser says it is.
            replacing: The token that the browser had before; it opens nothing any more.

        Raises:
            SignInError: Meanwhile the person was deactivated, or signed out everywhere.
        """
        now = self._now()
        token = new_token()
        session = Session(
            id=new_token(16),
            person=person.name,
            created_at=now,
            seen_at=now,
            expires_at=now + self._longest,
            address=_storable(address),
            agent=_storable(agent),
        )
        with self._database.writing() as connection:
            row = connection.execute(select(people).where(people.c.name == person.name)).one()
            if not row.active or row.sign_outs != person.sign_outs:
                raise SignInError("This account was changed a moment ago. Sign in again.")
            connection.execute(delete(table).where(self._over(now)))
            if replacing is not None:
                connection.execute(delete(table).where(table.c.digest == digest(replacing)))
                tell_others(connection)
            values = {name: getattr(session, name) for name in Session.__slots__}
            connection.execute(insert(table).values(digest=digest(token), **values))
        self.forget()
        return SignedIn(token=token, person=person_from(row), session=session)

    def find(self, token: str, *, used: bool = True) -> SignedIn | None:
        """Who is signed in under this token; None if nobody is, or is any more.

        Args:
            token: What the browser's cookie holds.
            used: Whether the session is being used; what only looks does not keep it from ending.
        """
        if len(token) != TOKEN_LENGTH:
            return None
        key = digest(token)
        now = self._now()
        found = self._recent.get(key)
        # One that lay idle here may have been used at another process.
        if found is None or self._is_over(found.session, now):
            mark = self._recent.mark()
            found = self._read(token, key)
            if found is None or self._is_over(found.session, now):
                return None
            self._recent.keep(key, found, mark=mark)
        session = found.session
        if used and now - session.seen_at >= _SEEN_EVERY:
            session = replace(session, seen_at=now)
            found = replace(found, session=session)
            # Before it is written, so that a page's twenty requests write it once.
            self._recent.amend(key, found)
            self._write_seen(session)
        return found

    def find_at_once(self, token: str) -> SignedIn | None:
        """As ``find``; but None, too, where the database would have to be asked or told."""
        found, now = self._recent.at_once(digest(token)), self._now()
        if found is None or self._is_over(found.session, now):
            return None
        return found if now - found.session.seen_at < _SEEN_EVERY else None

    def end(self, token: str) -> None:
        """Sign out."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.digest == digest(token)))
            tell_others(connection)
        self.forget()

    def end_one(self, person: str, session_id: str) -> bool:
        """End a session of this person by its id; whether there was one."""
        mine = (table.c.person == person, table.c.id == _storable(session_id))
        with self._database.writing() as connection:
            ended = connection.execute(delete(table).where(*mine)).rowcount
            tell_others(connection)
        self.forget()
        return ended > 0

    def end_all(self, person: str) -> None:
        """Sign a person out everywhere."""
        with self._database.writing() as connection:
            sign_out_everywhere(connection, person)
            tell_others(connection)
        self.forget()

    def of(self, person: str) -> list[Session]:
        """The sessions of a person, the latest first."""
        return self._open(table.c.person == person)

    def all(self) -> list[Session]:
        """Everybody's sessions, the latest first."""
        return self._open(true())

    def _open(self, which: ColumnElement[bool]) -> list[Session]:
        query = select(table).where(which, ~self._over(self._now()))
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(table.c.created_at.desc())).all()
        return [_session_from(row) for row in rows]

    def forget(self) -> None:
        """Remember nobody: the next request of each session reads it anew."""
        self._recent.forget()

    def _read(self, token: str, key: str) -> SignedIn | None:
        query = select(table).where(table.c.digest == key)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            who = connection.execute(select(people).where(people.c.name == row.person)).one()
        if not who.active:
            return None
        return SignedIn(token=token, person=person_from(who), session=_session_from(row))

    def _write_seen(self, session: Session) -> None:
        at = session.seen_at
        seen = update(table).where(table.c.id == session.id, table.c.seen_at < at)
        with self._database.writing(in_turn=False) as connection:
            connection.execute(seen.values(seen_at=at))

    def _is_over(self, session: Session, now: datetime) -> bool:
        return now >= session.expires_at or now - session.seen_at >= self._idle

    def _over(self, now: datetime) -> ColumnElement[bool]:
        return (table.c.expires_at <= now) | (table.c.seen_at <= now - self._idle)


def _session_from(row: PersonRow) -> Session:
    return Session(**{name: getattr(row, name) for name in Session.__slots__})


def _storable(text: str) -> str:
    return "".join(char for char in text[:_AGENT_LENGTH] if char.isprintable())
