"""The log read from its table: decisions in order, and votes of products as they stand."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from sys import intern
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Connection, bindparam, or_, select

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
    )
)

# product, seq, id, category, verdict, role, annotator, at, source, score, undoes, seconds
VoteRow = Any

_as_vote = itemgetter(*(list(table.columns).index(column) for column in _COLUMNS))

_NEVER = 2**62

_VOTES = (
    select(*_COLUMNS)
    .where(
        table.c.product.in_(bindparam("products", expanding=True)),
        table.c.seq < bindparam("before"),
    )
    .order_by(table.c.product, table.c.seq)
)

# Asked with every answer: one errand for what is known of its id and of its product.
_SAID = (
    select(table)
    .where(
        or_(
            table.c.product.in_(bindparam("products", expanding=True)),
            table.c.id.in_(bindparam("ids", expanding=True)),
        )
    )
    .order_by(table.c.product, table.c.seq)
)


def in_parts(items: Iterable[_Item], size: int = CHUNK) -> Iterator[list[_Item]]:
    """So many at a time, in order."""
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


_SINCE = (
    select(table)
    .where(table.c.seq > bindparam("after"))
    .order_by(table.c.seq)
    .limit(bindparam("at_once"))
)


def decisions_since(
    connection: Connection, seq: int, *, at_once: int = CHUNK
) -> Iterator[list[tuple[int, Decision]]]:
    """Everything after ``seq``, so many in memory at a time."""
    while rows := connection.execute(_SINCE, {"after": seq, "at_once": at_once}).all():
        seq = rows[-1].seq
        yield [from_row(row) for row in rows]
        if len(rows) < at_once:
            return


def read_histories(
    connection: Connection, products: Collection[str], *, before: int | None = None
) -> dict[str, History]:
    """The standing votes of each of these products, in order, or as they stood before one."""
    found: dict[str, History] = dict.fromkeys(products, ())
    for part in in_parts(products):
        rows = connection.execute(_VOTES, {"products": part, "before": before or _NEVER})
        for product, said in groupby(rows.all(), itemgetter(0)):
            found[product] = standing(said)
    return found


def what_is_said(
    connection: Connection, sent: Sequence[Decision]
) -> tuple[dict[UUID, Decision], dict[str, History]]:
    """Which of these are in the log already, and the standing votes of their products."""
    known: dict[UUID, Decision] = {}
    histories: dict[str, History] = dict.fromkeys((one.product for one in sent), ())
    for part in in_parts(sent):
        ids = {one.id for one in part}
        asked = {"products": list({one.product for one in part}), "ids": list(ids)}
        rows = connection.execute(_SAID, asked).all()
        known |= {row.id: from_row(row)[1] for row in rows if row.id in ids}
        votes = (_as_vote(row) for row in rows if row.product in histories)
        for product, said in groupby(votes, itemgetter(0)):
            histories[product] = standing(said)
    return known, histories


def all_rows(connection: Connection, *, until: int) -> Iterator[VoteRow]:
    """The log up to a number by product, a part of it in memory at a time."""
    query = select(*_COLUMNS).where(table.c.seq <= until).order_by(table.c.product, table.c.seq)
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
