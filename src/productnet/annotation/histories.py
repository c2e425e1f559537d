"""The log read from its table: decisions in order, and votes of products as they stand."""

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby, islice
from operator import itemgetter
from sys import intern
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, select

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.annotation.schema import decisions as table
from productnet.annotation.schema import from_row
from productnet.annotation.verdicts import History, Vote

# Rows read, and looked up, at a time: what bounds memory while a long log is read.
CHUNK = 5_000

_Item = TypeVar("_Item")

_VERDICTS = {str(verdict): verdict for verdict in Verdict}
_ROLES = {str(role): role for role in Role}

_COLUMNS = tuple(
    table.c[name]
    for name in (
        [
            "product",
            "seq",
            "id",
            "category",
            "verdict",
            "role",
            "annotator",
            "at",
            "source",
            "score",
            "undoes",
            "seconds",
        ]
    )
)

# product, seq, id, category, verdict, role, annotator, at, source, score, undoes, seconds
VoteRow = Any


def in_parts(items: Iterable[_Item], size: int = CHUNK) -> Iterator[list[_Item]]:
    """So many at a time, in order."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def decisions_since(connection: Connection, seq: int) -> Iterator[list[tuple[int, Decision]]]:
    """Everything after ``seq``, a chunk in memory at a time."""
    query = select(table).order_by(table.c.seq).limit(CHUNK)
    while rows := connection.execute(query.where(table.c.seq > seq)).all():
        seq = rows[-1].seq
        yield [from_row(row) for row in rows]


def read_histories(
    connection: Connection, products: Collection[str], *, before: int | None = None
) -> dict[str, History]:
    """The standing votes of each of these products, in order, or as they stood before one."""
    found: dict[str, History] = dict.fromkeys(products, ())
    for part in in_parts(products):
        query = vote_rows(part)
        rows = connection.execute(query if before is None else query.where(table.c.seq < before))
        for product, said in groupby(rows.all(), itemgetter(0)):
            found[product] = standing(said)
    return found


def vote_rows(products: Collection[str]) -> Select[VoteRow]:
    """What has to be read of these products."""
    query = select(*_COLUMNS).where(table.c.product.in_(products))
    return query.order_by(table.c.product, table.c.seq)


def all_rows(connection: Connection) -> Iterator[VoteRow]:
    """The whole log by product, a part of it in memory at a time."""
    query = select(*_COLUMNS).order_by(table.c.product, table.c.seq)
    # Of the statement alone: a connection would keep it for those that give no rows.
    yield from connection.execute(query, execution_options={"yield_per": CHUNK})


def standing(rows: Iterable[VoteRow]) -> History:
    """The votes of one product, less those taken back; as ``verdicts.after`` does one by one."""
    votes: list[Vote] = []
    for _, seq, id, category, verdict, role, annotator, at, source, score, undoes, _ in rows:
        if verdict is None:
            votes = [one for one in votes if one.id != undoes or one.annotator != annotator]
            continue
        votes.append(
            Vote(
                seq,
                id,
                intern(category),
                _VERDICTS[verdict],
                _ROLES[role],
                intern(annotator),
                None if source is None else intern(source),
                score,
                at.toordinal(),
            )
        )
    return tuple(votes)
