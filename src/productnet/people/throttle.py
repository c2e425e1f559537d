"""How often signing in may fail: longer and longer waits, for a name and for an address.

Nobody can keep somebody else out: a wait is at most 15 minutes, and an address from which a
person signed in lately has a count of its own, which strangers elsewhere cannot fill.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Address, ip_address, ip_network

from sqlalchemy import Connection, delete, insert, select, update

from productnet.database.database import Database
from productnet.errors import TooManyAttempts
from productnet.people.names import skeleton
from productnet.people.recent import Clock, utc_now
from productnet.people.schema import sign_in_attempts as table

LONGEST_WAIT = timedelta(minutes=15)

# Failures without a wait: of a name, of a name where its owner signs in, and of an address,
# behind which a whole team may sit.
_FREE = {"name": 5, "place": 5, "address": 20}

# A count is forgotten when nothing was tried for so long.
_FORGOTTEN = timedelta(days=1)

# For how long an address from which somebody signed in is known as theirs.
_KNOWN = timedelta(days=30)

_PRUNE_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt, counted as failed until it is said to have succeeded.

    Attributes:
        name: As typed.
        address: Where it came from.
        subjects: What it was counted against.
    """

    name: str
    address: str
    subjects: tuple[str, ...]


class Throttle:
    """The counts of failures, shared by the processes that serve a project.

    What was typed as a name may be a password typed in the wrong place, so counts are kept under
    hashes.
    """

    def __init__(self, database: Database, *, now: Clock = utc_now) -> None:
        self._database = database
        self._now = now
        self._pruned_at: datetime | None = None

    def attempt(self, name: str, address: str) -> Attempt:
        """Count an attempt, before the password is looked at, so that many at once gain nothing.

        Raises:
            TooManyAttempts: It comes too soon; the text and ``wait`` say how long to wait. It is
                not counted then.
        """
        now = self._now()
        with self._database.reading() as connection:
            _refuse_early(connection, name, address, now)
        with self._database.writing() as connection:
            subjects = _refuse_early(connection, name, address, now)
            for subject in subjects:
                _count(connection, subject, now)
            self._prune(connection, now)
        return Attempt(name, address, subjects)

    def succeeded(self, attempt: Attempt) -> None:
        """The attempt was no failure: the name's count starts anew, and the address is known."""
        name, address = attempt.name, attempt.address
        place = _place(name, address)
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.subject.in_([_name(name), place])))
            values = {"subject": place, "failures": 0, "last_at": self._now()}
            connection.execute(insert(table).values(values))
            # Others fail from this address too, so only this attempt is taken back.
            here = _address(address)
            if here in attempt.subjects:
                counted = update(table).where(table.c.subject == here, table.c.failures > 0)
                connection.execute(counted.values(failures=table.c.failures - 1))

    def clear(self, name: str) -> None:
        """Let a name be tried again at once, from anywhere that is not itself throttled."""
        with self._database.writing() as connection:
            connection.execute(delete(table).where(table.c.subject == _name(name)))

    def _prune(self, connection: Connection, now: datetime) -> None:
        if self._pruned_at is not None and now - self._pruned_at < _PRUNE_EVERY:
            return
        self._pruned_at = now
        place = table.c.subject.startswith("place:")
        connection.execute(delete(table).where(table.c.last_at < now - _FORGOTTEN, ~place))
        connection.execute(delete(table).where(table.c.last_at < now - _KNOWN))


def _refuse_early(
    connection: Connection, name: str, address: str, now: datetime
) -> tuple[str, ...]:
    """The subjects this attempt counts against; raises TooManyAttempts."""
    subjects = _subjects(connection, name, address, now)
    wait = max(_waits(connection, subjects, now), default=timedelta())
    if wait > timedelta():
        seconds = max(1, round(wait.total_seconds()))
        raise TooManyAttempts(
            f"Signing in failed too often. Try again in {_in_words(seconds)}.", wait=seconds
        )
    return subjects


def _subjects(connection: Connection, name: str, address: str, now: datetime) -> tuple[str, ...]:
    place = _place(name, address)
    known = select(table).where(table.c.subject == place, table.c.last_at > now - _KNOWN)
    if connection.execute(known).first():
        return (place,)
    return (_name(name), _address(address))


def _waits(connection: Connection, subjects: tuple[str, ...], now: datetime) -> Iterator[timedelta]:
    for row in connection.execute(select(table).where(table.c.subject.in_(subjects))):
        beyond = _failures(row.failures, row.last_at, now) - _FREE[row.subject.split(":")[0]]
        if beyond >= 0:
            # 2 s, 4 s, 8 s …; the exponent is cut before it grows past any clock.
            wait = min(LONGEST_WAIT, timedelta(seconds=2 ** min(beyond + 1, 12)))
            yield row.last_at + wait - now


def _count(connection: Connection, subject: str, now: datetime) -> None:
    row = connection.execute(select(table).where(table.c.subject == subject)).first()
    if row is None:
        connection.execute(insert(table).values(subject=subject, failures=1, last_at=now))
        return
    failures = _failures(row.failures, row.last_at, now) + 1
    counted = update(table).where(table.c.subject == subject)
    connection.execute(counted.values(failures=failures, last_at=now))


def _failures(failures: int, last_at: datetime, now: datetime) -> int:
    return 0 if now - last_at > _FORGOTTEN else failures


def _name(name: str) -> str:
    return _subject("name", skeleton(name))


def _address(address: str) -> str:
    return _subject("address", _network(address))


def _place(name: str, address: str) -> str:
    return _subject("place", f"{skeleton(name)} {_network(address)}")


def _subject(kind: str, text: str) -> str:
    return f"{kind}:{sha256(text.encode(errors='surrogatepass')).hexdigest()}"


def _network(address: str) -> str:
    """An IPv6 user has a whole /64 to call from; anything but an address stands for itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    # A socket for both kinds writes IPv4 as IPv6, all of it within one /64.
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else str(ip_network((parsed, 64), strict=False))


def _in_words(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'s' * (seconds != 1)}"
    return f"{round(seconds / 60)} minutes"
