"""What decisions change of the read models, and the rows of these as objects."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, case, select, update

from productnet.annotation.decisions import Task, Verdict
from productnet.annotation.histories import in_parts
from productnet.annotation.quality.times import Times
from productnet.annotation.read_models import tables
from productnet.annotation.read_models.effects import Effect
from productnet.annotation.read_models.sums import Added, AnswerSum, Counts, Meeting, Said, Sums
from productnet.annotation.verdicts import SUGGESTED, PairState, Reason, Stage
from productnet.database.columns import insert_into

# Rows written at a time, and keys looked up.
_CHUNK = 2_000


def follow(connection: Connection, effects: Sequence[Effect]) -> None:
    """Move the read models on by decisions that follow the last one they hold.

    Args:
        connection: A transaction in which nobody else does so.
        effects: In order, at least one.
    """
    last = effects[-1].seq
    sums = Sums()
    moved: dict[str, tuple[Added, Added]] = {}
    for effect in effects:
        product = effect.decision.product
        sums.count(effect.seq, Said.of(effect.decision))
        moved[product] = moved.get(product, (effect.was,))[0], effect.now
    rows: list[dict[str, object]] = []
    for product, (was, now) in moved.items():
        sums.put(was, -1, seq=last)
        sums.put(now, 1, seq=last)
        rows += _changed_rows(product, was, now, last)
    _replace(connection, tables.pairs, rows)
    _add(connection, sums, last)
    connection.execute(_REACHED, {"last": last})


_REACHED = update(tables.counted).values(seq=bindparam("last"))


def _changed_rows(
    product: str, before: Added, now: Added, last: int
) -> Iterator[dict[str, object]]:
    for category in before.pairs.keys() | now.pairs.keys():
        pair, meeting = now.pairs.get(category), now.meetings.get(category)
        was = before.pairs.get(category), before.meetings.get(category)
        if (pair, meeting) != was:
            yield pair_row(product, category, pair or SUGGESTED, meeting, last)


def pair_row(
    product: str, category: str, pair: PairState, meeting: Meeting | None, changed: int
) -> dict[str, object]:
    """A pair as it is written."""
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


PAIR_COLUMNS = tuple(tables.pairs.c[name] for name in tables.PAIR_NAMES)

_STAGES = {str(stage): stage for stage in Stage}
_VERDICTS: dict[str | None, Verdict | None] = {None: None, **{str(one): one for one in Verdict}}
_REASONS = {str(reason): reason for reason in Reason}


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


def rows_of(sums: Sums, last: int) -> dict[str, list[dict[str, object]]]:
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
    for name, rows in rows_of(sums, last).items():
        table = tables.pairs.metadata.tables[name]
        _replace(connection, table, rows, added=True)


_ANSWERS = ("answers", "hesitations", "untimed", "times")


def _take_in_answers(connection: Connection, sums: Sums) -> None:
    """Put the answers that tables hold already into sums of new ones, which replace them.

    Times are counted in bins, which only this program can add to.
    """
    for row in _named(connection, _LEAF_ANSWERS, sums.leaves):
        sums.leaves[row.category].answers.merge(answers_of(row))
    for row in _named(connection, _PERSON_ANSWERS, {person for person, _ in sums.people}):
        key = row.person, Task(row.task)
        if key in sums.people:
            sums.people[key].merge(answers_of(row))
    for row in _named(connection, _DAY_ANSWERS, sums.days):
        sums.days[row.day].answers.merge(answers_of(row))


def _answers_by(table: Table, keys: Sequence[str]) -> Select[Any]:
    columns = [table.c[name] for name in (*keys, *_ANSWERS)]
    return select(*columns).where(columns[0].in_(bindparam("names", expanding=True)))


_LEAF_ANSWERS = _answers_by(tables.leaf_sums, ["category"])
_PERSON_ANSWERS = _answers_by(tables.person_sums, ["person", "task"])
_DAY_ANSWERS = _answers_by(tables.day_sums, ["day"])


def _named(connection: Connection, query: Select[Any], names: Iterable[Any]) -> Iterator[Any]:
    for chunk in in_parts(names, _CHUNK):
        yield from connection.execute(query, {"names": chunk}).all()


# What a row of sums adds up, where it does not replace what was there.
_ADDED = {*Counts._fields, "seconds", "count"}
_KEPT = {"begun"}


def _replace(
    connection: Connection, table: Table, rows: Sequence[dict[str, object]], *, added: bool = False
) -> None:
    """Write rows over those of the same key; with ``added``, counts add up."""
    if not rows:
        return
    upsert = _upsert(connection.dialect.name, table, added=added)
    for chunk in in_parts(rows, _CHUNK):
        connection.execute(upsert, chunk)


@cache
def _upsert(dialect: str, table: Table, *, added: bool) -> Any:
    """Made once: to put it together takes longer than to have it done."""
    statement = insert_into(dialect, table)
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
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)
