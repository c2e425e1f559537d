"""The read models kept: what a transaction changes of them, and all of them counted anew.

``follow`` runs in the transaction that writes decisions, so that the tables and the log are never
apart. ``count_anew`` makes them from the log; ``compare`` counts it too and tells what differs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
    update,
)

from productnet.annotation import read_models as models
from productnet.annotation.decisions import Decision, Role, Task, Verdict
from productnet.annotation.histories import (
    CHUNK,
    VoteRow,
    all_rows,
    decisions_since,
    in_parts,
    read_histories,
    standing,
)
from productnet.annotation.schema import decisions as log_table
from productnet.annotation.sums import Added, AnswerSum, Counts, Meeting, Said, Sums
from productnet.annotation.times import Times
from productnet.annotation.verdicts import SUGGESTED, History, PairState, Reason, Stage, after
from productnet.database.columns import insert_into
from productnet.progress import SILENT, Progress

# Rows written at a time, and keys looked up.
_CHUNK = 2_000

# Decisions that lie behind are taken in by the transaction that finds them up to so many; more
# are counted anew in the order of their products, which takes a third of the time a decision.
_FEW = 50_000

_SEEN = select(
    select(func.max(log_table.c.seq)).scalar_subquery(),
    select(models.counted.c.seq).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far the log and the read models reach.

    Attributes:
        log: Number of the last decision; 0 before the first.
        counted: The last decision that is in the read models.
    """

    log: int
    counted: int

    @classmethod
    def of(cls, connection: Connection) -> "Place":
        """As of now."""
        log, counted = connection.execute(_SEEN).one()
        return cls(log or 0, counted or 0)


def catch_up(connection: Connection, *, progress: Progress = SILENT) -> Place:
    """Take in decisions that are in the log alone, as of an older version; in a writer's turn."""
    place = Place.of(connection)
    if place.log == place.counted:
        return place
    if place.log - place.counted > _FEW or place.log < place.counted:
        count_anew(connection, progress=progress)
        return Place(place.log, place.log)
    for chunk in decisions_since(connection, place.counted):
        products = {decision.product for _, decision in chunk}
        follow(connection, chunk, read_histories(connection, products, before=chunk[0][0]))
    return Place(place.log, place.log)


def follow(
    connection: Connection,
    written: Sequence[tuple[int, Decision]],
    histories: Mapping[str, History],
) -> None:
    """Take decisions that were just written into the read models.

    Args:
        connection: The transaction that wrote them.
        written: With their sequence numbers, rising.
        histories: The votes of their products before them.
    """
    last = written[-1][0]
    sums = Sums()
    now: dict[str, History] = {}
    for seq, decision in written:
        sums.count(seq, Said.of(decision))
        product = decision.product
        now[product] = after(now.get(product, histories[product]), seq, decision)
    rows: list[dict[str, object]] = []
    for product, history in now.items():
        before, added = Added.by(histories[product]), Added.by(history)
        sums.put(before, -1, seq=last)
        sums.put(added, 1, seq=last)
        rows += _changed_rows(product, before, added, last)
    _replace(connection, models.pairs, rows)
    _add(connection, sums, last)
    connection.execute(update(models.counted).values(seq=last))


def _changed_rows(
    product: str, before: Added, now: Added, last: int
) -> Iterator[dict[str, object]]:
    for category in before.pairs.keys() | now.pairs.keys():
        pair, meeting = now.pairs.get(category), now.meetings.get(category)
        was = before.pairs.get(category), before.meetings.get(category)
        if (pair, meeting) != was:
            yield _pair_row(product, category, pair or SUGGESTED, meeting, last)


def _pair_row(
    product: str, category: str, pair: PairState, meeting: Meeting | None, changed: int
) -> dict[str, object]:
    return {
        "product": product,
        "category": category,
        "stage": pair.stage,
        "verdict": pair.verdict,
        "reason": pair.reason,
        "source": pair.source,
        "score": pair.score,
        "since": pair.since,
        "labeler": meeting and meeting.labeler,
        "label": meeting and meeting.label,
        "label_seq": meeting and meeting.label_seq,
        "auditor": meeting and meeting.auditor,
        "audit": meeting and meeting.audit,
        "audit_seq": meeting and meeting.audit_seq,
        "changed": changed,
    }


PAIR_COLUMNS = tuple(
    models.pairs.c[name]
    for name in ["product", "stage", "verdict", "reason", "source", "score", "since"]
)

_STAGES = {str(stage): stage for stage in Stage}
_VERDICTS: dict[str | None, Verdict | None] = {None: None, **{str(one): one for one in Verdict}}
_REASONS = {str(reason): reason for reason in Reason}
_ROLES = {str(role): role for role in Role}


def pair_of(row: Any) -> tuple[str, PairState]:
    """Product and pair of a row of ``PAIR_COLUMNS``."""
    product, stage, verdict, reason, source, score, since = row
    return product, PairState(
        _STAGES[stage], _VERDICTS[verdict], _REASONS[reason], source, score, since
    )


def _answer_row(answers: AnswerSum) -> dict[str, object]:
    return {
        "answers": answers.count,
        "hesitations": answers.unsure,
        "untimed": answers.untimed,
        "times": answers.times.packed(),
    }


def answers_of(row: Any) -> AnswerSum:
    """The answers that a row of sums tells of."""
    return AnswerSum(row.answers, row.hesitations, row.untimed, Times(row.times))


_ANSWERS = ("answers", "hesitations", "untimed", "times")


def _rows_of(sums: Sums, last: int) -> dict[str, list[dict[str, object]]]:
    """Sums as rows, by table."""
    rows: dict[str, list[dict[str, object]]] = {
        "leaf_sums": [
            {"category": category, "begun": leaf.begun, "seconds": leaf.seconds}
            | leaf.counts._asdict()
            | _answer_row(leaf.answers)
            for category, leaf in sums.leaves.items()
        ],
        "person_sums": [
            {"person": person, "task": task} | _answer_row(answers)
            for (person, task), answers in sums.people.items()
        ],
        "person_leaves": [
            {"person": person, "category": category, "last": place.last} | place.told._asdict()
            for (person, category), place in sums.in_leaves.items()
            if place.last or any(place.told)
        ],
        "meeting_sums": [
            met._asdict() | {"count": count} for met, count in sums.met.items() if count
        ],
        "day_sums": [
            {"day": day, "gold": one.gold} | _answer_row(one.answers)
            for day, one in sums.days.items()
            if one.gold or one.answers.count
        ],
        "confused_sums": [
            {"said": said, "gold": gold, "count": count}
            for (said, gold), count in sums.confused.items()
            if count
        ],
    }
    for row in rows["meeting_sums"]:
        row["category"] = row.pop("leaf")
    for of_table in rows.values():
        for row in of_table:
            row["changed"] = last
    return rows


def _add(connection: Connection, sums: Sums, last: int) -> None:
    """Add sums to those of the tables."""
    _take_in_answers(connection, sums)
    for name, rows in _rows_of(sums, last).items():
        table = models.pairs.metadata.tables[name]
        _replace(connection, table, rows, added=True)


def _take_in_answers(connection: Connection, sums: Sums) -> None:
    """Put the answers that tables hold already into sums of new ones, which replace them.

    Times are counted in bins, which only this program can add to.
    """
    leaves = models.leaf_sums
    answered = [category for category, leaf in sums.leaves.items()]
    for row in _named(connection, leaves, leaves.c.category, answered):
        sums.leaves[row.category].answers.merge(answers_of(row))
    people = models.person_sums
    for row in _named(connection, people, tuple_(people.c.person, people.c.task), sums.people):
        sums.people[row.person, Task(row.task)].merge(answers_of(row))
    days = models.day_sums
    for row in _named(connection, days, days.c.day, sums.days):
        sums.days[row.day].answers.merge(answers_of(row))


def _named(
    connection: Connection, table: Table, key: ColumnElement[Any], names: Iterable[Any]
) -> Iterator[Any]:
    for chunk in in_parts(names, _CHUNK):
        yield from connection.execute(select(table).where(key.in_(chunk))).all()


# What a row of sums adds up, where it does not replace what was there.
_ADDED = {*Counts._fields, "seconds", "count"}
_KEPT = {"begun"}


def _replace(
    connection: Connection, table: Table, rows: Sequence[dict[str, object]], *, added: bool = False
) -> None:
    """Write rows over those of the same key; with ``added``, counts add up."""
    if not rows:
        return
    statement = insert_into(connection, table)
    values: dict[str, Any] = {}
    for column in table.columns:
        new = statement.excluded[column.name]
        if column.primary_key or (added and column.name in _KEPT):
            continue
        if added and column.name in _ADDED:
            values[column.name] = column + new
        elif added and column.name == "last":
            values[column.name] = case((new > column, new), else_=column)
        else:
            values[column.name] = new
    upsert = statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
    for chunk in in_parts(rows, _CHUNK):
        connection.execute(upsert, chunk)


def count_anew(connection: Connection, *, progress: Progress = SILENT) -> None:
    """Make the read models from the log, in a writer's turn."""
    last = Place.of(connection).log
    for table in (models.pairs, *models.SUMS):
        connection.execute(delete(table))
    total = Sums()
    with progress.task("Counting decisions", total=None) as advance:
        for chunk in in_parts(_counted(connection, total), _CHUNK):
            rows = [
                _pair_row(product, category, pair, added.meetings.get(category), last)
                for product, added in chunk
                for category, pair in added.pairs.items()
            ]
            _write_new(connection, models.pairs, rows)
            advance(len(chunk))
    for name, rows in _rows_of(total, last).items():
        _write_new(connection, models.pairs.metadata.tables[name], rows)
    connection.execute(update(models.counted).values(seq=last))


def _write_new(connection: Connection, table: Table, rows: Sequence[dict[str, object]]) -> None:
    """Write rows of keys that are not there yet; PostgreSQL takes a stream of them at once."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), rows)
        return
    names = [column.name for column in table.columns]
    target = f"{table.name} ({', '.join(names)})"
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY {target} FROM STDIN") as copying,
    ):
        for row in rows:
            copying.write_row([row[name] for name in names])


def _counted(connection: Connection, total: Sums) -> Iterator[tuple[str, Added]]:
    """What each product of the log adds, all of it counted into ``total`` on the way."""
    for product, said in groupby(all_rows(connection), itemgetter(0)):
        rows = list(said)
        for row in rows:
            total.count(row[1], _said(row))
        added = Added.by(standing(rows))
        total.put(added, 1, seq=rows[-1][1])
        yield product, added


def _said(row: VoteRow) -> Said:
    _, _, _, category, verdict, role, annotator, at, _, _, _, seconds = row
    return Said(category, _VERDICTS[verdict], _ROLES[role], annotator, at, seconds)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is kept otherwise than the log has it.

    Attributes:
        what: The table and the key of the row.
        kept: What the row says; empty where it is missing.
        counted: What the log comes to; empty where there should be no such row.
    """

    what: str
    kept: str
    counted: str


def compare(connection: Connection, *, progress: Progress = SILENT) -> Iterator[Difference]:
    """Count the log and tell every row of the read models that says something else.

    The connection has to see one state of the database all the while.
    """
    place = Place.of(connection)
    if place.log != place.counted:
        yield Difference("counted", str(place.counted), str(place.log))
    total = Sums()
    pairs = 0
    with progress.task("Counting decisions", total=None) as advance:
        for part in in_parts(_counted(connection, total), CHUNK):
            pairs += sum(len(added.pairs) for _, added in part)
            yield from _compare_pairs(connection, dict(part))
            advance(len(part))
    kept = connection.scalar(
        select(func.count()).select_from(models.pairs).where(models.pairs.c.stage != "suggested")
    )
    if kept != pairs:
        yield Difference("pairs", f"{kept} rows", f"{pairs} pairs")
    for name, rows in _rows_of(total, place.log).items():
        yield from _compare_rows(connection, models.pairs.metadata.tables[name], rows)


def _compare_pairs(connection: Connection, added: Mapping[str, Added]) -> Iterator[Difference]:
    table = models.pairs
    query = select(table).where(table.c.product.in_(added), table.c.stage != "suggested")
    kept = {(row.product, row.category): row._asdict() for row in connection.execute(query)}
    counted = {
        (product, category): _pair_row(product, category, pair, one.meetings.get(category), 0)
        for product, one in added.items()
        for category, pair in one.pairs.items()
    }
    yield from _differences("pairs", kept, counted)


def _compare_rows(
    connection: Connection, table: Table, rows: Sequence[dict[str, object]]
) -> Iterator[Difference]:
    keys = [column.name for column in table.primary_key]
    saying = {column.name for column in table.columns if not column.primary_key}
    saying -= {"changed", "times"}
    found = (row._asdict() for row in connection.execute(select(table)))
    # A row of nothing but zeros says what no row says.
    kept, counted = (
        {tuple(row[key] for key in keys): row for row in some if any(row[one] for one in saying)}
        for some in (found, rows)
    )
    yield from _differences(table.name, kept, counted)


def _differences(
    table: str,
    kept: Mapping[Any, Mapping[str, object]],
    counted: Mapping[Any, Mapping[str, object]],
) -> Iterator[Difference]:
    for key in sorted(kept.keys() | counted.keys()):
        one, other = kept.get(key), counted.get(key)
        if one is None or other is None or _comparable(one) != _comparable(other):
            yield Difference(f"{table} {key}", _told(one), _told(other))


def _comparable(row: Mapping[str, object]) -> dict[str, object]:
    """A row without what depends on the order in which it was counted."""
    said = {name: value for name, value in row.items() if name != "changed"}
    if isinstance(times := said.get("times"), bytes):
        said["times"] = Times(times).counts()
    if isinstance(seconds := said.get("seconds"), float):
        said["seconds"] = float(f"{seconds:.9g}")
    return said


def _told(row: Mapping[str, object] | None) -> str:
    return "" if row is None else str(_comparable(row))
