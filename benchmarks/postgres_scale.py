"""PostgreSQL with millions of decisions: what a page, the tree and the dashboard cost.

    python -m benchmarks.postgres_scale --database postgresql://me@localhost/scale --build
    python -m benchmarks.postgres_scale --database postgresql://me@localhost/scale

``--build`` fills an empty database as a team of 200 would: each labels leaf after leaf, another
audits, a third settles, and some take back what they said; so the rows of a leaf lie among those
of 200 others. The decisions are copied in and the read models counted from them, as after an
upgrade. Without it, a process opens the log as a portal does and asks what its pages ask, of
leaves it has not seen yet and while others decide. The last line printed is one JSON object; with
``--plans FILE`` the plan of every query that was asked is written there.
"""

import argparse
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import numpy as np

from productnet.annotation.counting import count_anew
from productnet.database.database import Database

_TEAM = 200
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_SECONDS = 1.5

# Shares of a leaf's decisions that are labels, audits, settlements and undos.
_LABELS, _AUDITS = 0.78, 0.19
_SOURCES = ("active", "nearest", "keyword", "master", "random")
_COLUMNS = (
    "seq id product category verdict role annotator at seconds source model_version score undoes"
)


def leaf_name(number: int) -> str:
    return f"leaf-{number:05d}"


def rows(decisions: int, leaves: int, *, seed: int) -> Iterator[tuple[object, ...]]:
    """Decisions in the order in which the team gave them."""
    rng = np.random.default_rng(seed)
    each = decisions // leaves
    labels = int(each * _LABELS)
    turns = -(-leaves // _TEAM)
    pool = leaves * labels
    number = 0
    for turn in range(turns):
        events: list[tuple[float, tuple[object, ...]]] = []
        for place in range(min(_TEAM, leaves - turn * _TEAM)):
            leaf = turn * _TEAM + place
            events += _leaf(leaf, place, each, labels, turn, pool, rng)
        events.sort(key=lambda event: event[0])
        for at, row in events:
            number += 1
            when = datetime.fromtimestamp(_BEGUN + at, UTC)
            id, product, category, verdict, role, who, source, score, undoes = row
            seconds = round(float(1 + (number * 7919 % 400) / 100), 2)
            version = "local-3" if source == "active" else None
            yield (
                number,
                id,
                product,
                category,
                verdict,
                role,
                who,
                when,
                None if role == "undo" else seconds,
                source,
                version,
                score,
                undoes,
            )


def _leaf(
    leaf: int,
    place: int,
    each: int,
    labels: int,
    turn: int,
    pool: int,
    rng: np.random.Generator,
) -> list[tuple[float, tuple[object, ...]]]:
    """Everything said of one leaf, with when, in seconds."""
    category = leaf_name(leaf)
    by, auditor, third = (f"person-{(place + step) % _TEAM:03d}" for step in (0, 7, 13))
    begin = turn * each * _SECONDS + rng.random()
    verdicts = rng.choice(["positive", "negative", "unsure"], labels, p=[0.15, 0.81, 0.04])
    sources = rng.choice(_SOURCES, labels)
    scores = rng.random(labels).round(4)
    own = np.arange(leaf * labels, (leaf + 1) * labels)
    # One of twenty was shown for another leaf, too.
    products = np.where(rng.random(labels) < 0.05, rng.integers(0, pool, labels), own)
    events: list[tuple[float, tuple[object, ...]]] = []
    ids = [uuid4().hex for _ in range(labels)]
    at = begin
    for place_of, product in enumerate(dict.fromkeys(products.tolist())):
        at += _SECONDS
        name = f"product-{product:09d}"
        verdict, source = str(verdicts[place_of]), str(sources[place_of])
        row = (
            ids[place_of],
            name,
            category,
            verdict,
            "label",
            by,
            source,
            float(scores[place_of]),
            None,
        )
        events.append((at, row))
        if rng.random() < 0.01:
            undo = (uuid4().hex, name, category, None, "undo", by, None, None, ids[place_of])
            events.append((at + 0.2, undo))
            verdicts[place_of] = "undone"
    audited = int(each * _AUDITS)
    waiting = [
        (f"product-{product:09d}", str(verdicts[number]))
        for number, product in enumerate(dict.fromkeys(products.tolist()))
        if verdicts[number] in ("positive", "negative")
    ]
    waiting.sort(key=lambda one: one[1] != "positive")
    for name, said in waiting[:audited]:
        at += _SECONDS
        agrees = rng.random() < 0.94
        answer = said if agrees else {"positive": "negative", "negative": "positive"}[said]
        events.append(
            (at, (uuid4().hex, name, category, answer, "audit", auditor, None, None, None))
        )
        if not agrees and rng.random() < 0.6:
            settled = (uuid4().hex, name, category, said, "adjudicate", third, None, None, None)
            events.append((at + 30, settled))
    return events


def build(database: Database, decisions: int, leaves: int, *, seed: int) -> dict[str, float]:
    """Fill an empty database; the seconds that its parts took."""
    took: dict[str, float] = {}
    raw = database.engine.raw_connection()
    with raw.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = 'decisions'::regclass AND contype = 'u'"
        )
        constraints = cursor.fetchall()
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'decisions' "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint "
            "WHERE conrelid = 'decisions'::regclass)"
        )
        indexes = cursor.fetchall()
        for name, _ in constraints:
            cursor.execute(f"ALTER TABLE decisions DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        began = time.perf_counter()
        columns = ", ".join(_COLUMNS.split())
        with cursor.copy(f"COPY decisions ({columns}) FROM STDIN") as copying:
            for row in rows(decisions, leaves, seed=seed):
                copying.write_row(row)
        took["copy"] = time.perf_counter() - began
        began = time.perf_counter()
        for name, definition in constraints:
            cursor.execute(f"ALTER TABLE decisions ADD CONSTRAINT {name} {definition}")
        for _, definition in indexes:
            cursor.execute(definition)
        cursor.execute(
            "SELECT setval(pg_get_serial_sequence('decisions', 'seq'), "
            "(SELECT max(seq) FROM decisions))"
        )
        took["indexes"] = time.perf_counter() - began
    raw.commit()
    raw.close()
    began = time.perf_counter()
    with database.writing() as connection:
        count_anew(connection)
    took["counted"] = time.perf_counter() - began
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return {name: round(seconds, 1) for name, seconds in took.items()}


def main() -> None:
    arguments = _arguments()
    report: dict[str, Any] = {"benchmark": "postgres_scale"}
    with Database.open(arguments.database) as database:
        if arguments.build:
            report["build_seconds"] = build(
                database, arguments.decisions, arguments.leaves, seed=arguments.seed
            )
    print(json.dumps(report))


def _arguments() -> Any:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.postgres_scale",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--database", metavar="URL", required=True)
    parser.add_argument("--build", action="store_true", help="fill an empty database")
    parser.add_argument("--decisions", type=int, default=10_000_000)
    parser.add_argument("--leaves", type=int, default=5_600)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
