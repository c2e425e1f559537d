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
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from sqlalchemy import event

from benchmarks.portal.load import spread
from productnet.annotation.audits import audit_sheet
from productnet.annotation.beside import Beside
from productnet.annotation.decisions import Role, Task, Verdict, decide
from productnet.annotation.leases import Leases
from productnet.annotation.log import DecisionLog
from productnet.annotation.quality.checks import Checks
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.queue import Board
from productnet.annotation.read_models.checkpoint import make_anew
from productnet.annotation.read_models.sources_of_sums import KeptSums
from productnet.database.database import Database
from productnet.retrieval.candidates import Leaf
from productnet.settings import TargetSettings
from productnet.taxonomy.tree import Category, Taxonomy

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
    raw: Any = database.engine.raw_connection()
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
    make_anew(database)
    took["counted"] = time.perf_counter() - began
    _scatter(database)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return {name: round(seconds, 1) for name, seconds in took.items()}


def _scatter(database: Database) -> None:
    """Have pairs lie where they would, had each been written when it was decided."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (
            "CREATE INDEX scattered ON pairs (since)",
            "CLUSTER pairs USING scattered",
            "DROP INDEX scattered",
        ):
            connection.exec_driver_sql(statement)


class Watched:
    """What is asked of a database: how long it took, and how it was worded."""

    def __init__(self, database: Database) -> None:
        self.seconds = 0.0
        self.asked: dict[str, tuple[str, Any]] = {}
        self._began = 0.0
        for engine in {database.engine, database.readers}:
            event.listen(engine, "before_cursor_execute", self._before)
            event.listen(engine, "after_cursor_execute", self._after)

    def _before(self, *_: Any) -> None:
        self._began = time.perf_counter()

    def _after(self, _: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        self.seconds += time.perf_counter() - self._began
        if statement.lstrip().upper().startswith("SELECT"):
            # However many values a list holds, it is one question.
            worded = re.sub(r"IN \(%.*?\)(?= |$|\n)", "IN (...)", statement, flags=re.DOTALL)
            self.asked.setdefault(worded, (statement, parameters))


@dataclass
class Asker:
    """What a portal's pages ask, by the code that they ask it with."""

    database: Database
    log: DecisionLog
    quality: Quality
    taxonomy: Taxonomy
    rng: np.random.Generator

    def page(self) -> None:
        """The next page of a leaf, of which a person may get check items."""
        state, leaf = self.log.state(), self._leaf()
        seen = Leaf.of(leaf, state=state, taxonomy=self.taxonomy)
        siblings = [sibling.id for sibling in self.taxonomy.siblings(leaf)]
        Checks(self.database).choose(
            leaf,
            self._person(),
            page=20,
            share=0.02,
            state=state,
            siblings=siblings,
            exclude=list(seen.hidden)[:20],
            rng=self.rng,
        )

    def audit(self) -> None:
        """A page to audit."""
        audit_sheet(self.log.state(), self._leaf(), auditor=self._person(), count=20)

    def tree(self) -> None:
        """Counts of every leaf, as a person may be told them, and who is at work."""
        state = self.log.state()
        state.all_told(self._person(), state.categories())
        leases = Leases(self.database, lifetime=timedelta(minutes=5))
        leases.current()
        Beside(self.database, leases).of(self._person())

    def queue(self) -> None:
        """The next leaves of a person."""
        leases = Leases(self.database, lifetime=timedelta(minutes=5)).current()
        board = Board(self.log.state(), self.taxonomy, TargetSettings(), leases)
        board.queue(self._person(), Task.LABEL, count=10)

    def dashboard(self) -> None:
        """The numbers of leaves, people, pairs of people and days."""
        quality, state = self.quality, self.log.state()
        quality.refresh()
        quality.overall()
        quality.leaves()
        quality.people()
        quality.pairs()
        quality.days()
        quality.confused(self.taxonomy, most=12)
        sum(state.progress(leaf).gold for leaf in state.categories())
        Checks(self.database).results(state)

    def drift(self) -> None:
        """What is worked out beside requests: how eight people drift."""
        self.quality.look_again()

    def _leaf(self) -> str:
        return self.taxonomy.leaves[self.rng.integers(len(self.taxonomy.leaves))].id

    def _person(self) -> str:
        return f"person-{self.rng.integers(_TEAM):03d}"


def ask(url: str, *, times: int, seed: int, plans: Path | None) -> dict[str, Any]:
    """Open the log as a portal does, and ask what its pages ask."""
    report: dict[str, Any] = {}
    began = time.perf_counter()
    with DecisionLog.open(url) as log:
        state = log.state()
        report["state_seconds"] = round(time.perf_counter() - began, 2)
        quality = Quality(KeptSums(log.database), pause=120.0)
        quality.refresh()
        quality.leaves()
        report["ready_seconds"] = round(time.perf_counter() - began, 2)
        quality.look_again(most=10_000)
        report["drift_of_all_seconds"] = round(time.perf_counter() - began, 2)
        taxonomy = tree_of(state.categories())
        asker = Asker(log.database, log, quality, taxonomy, np.random.default_rng(seed))
        watched = Watched(log.database)
        with database_size(log.database) as size:
            report |= size
        for name in ("page", "audit", "tree", "queue", "dashboard", "drift"):
            took, asked = [], []
            for _ in range(times):
                watched.seconds, begins = 0.0, time.perf_counter()
                getattr(asker, name)()
                took.append(time.perf_counter() - begins)
                asked.append(watched.seconds)
            report[f"{name}_ms"] = spread(took)
            report[f"{name}_queries_ms"] = spread(asked)
        report["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000)
        explained = list(explain(log.database, watched.asked.values()))
        report["queries"] = len(explained)
        report["sequential_scans_over_decisions"] = sum(
            "Seq Scan on decisions" in plan for _, plan in explained
        )
        if plans is not None:
            plans.write_text("\n\n".join(f"{query}\n\n{plan}" for query, plan in explained) + "\n")
    return report


def tree_of(leaves: Sequence[str]) -> Taxonomy:
    """Twenty leaves under each parent."""
    names = sorted(leaves)
    parents = [f"parent-{number:03d}" for number in range(-(-len(names) // 20))]
    nodes = [Category(parent, (parent,)) for parent in parents]
    nodes += [Category(leaf, (parents[n // 20], leaf)) for n, leaf in enumerate(names)]
    return Taxonomy(nodes, name="scale", version="1")


@contextmanager
def database_size(database: Database) -> Iterator[dict[str, Any]]:
    """Decisions, and megabytes of the tables that grow with them."""
    with database.reading() as connection:
        count = connection.exec_driver_sql("SELECT max(seq) FROM decisions").scalar_one()
        megabytes = {
            f"{table}_mb": round(
                connection.exec_driver_sql(f"SELECT pg_total_relation_size('{table}')").scalar_one()
                / 1e6
            )
            for table in ("decisions", "pairs", "leaf_sums")
        }
        yield {"decisions": count, **megabytes}


def explain(database: Database, asked: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each question in short, and how PostgreSQL answers it."""
    with database.reading() as connection:
        for statement, parameters in asked:
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars().all()
            short = re.sub(r"(%\(\w+\)s(::\w+)?(, )?){4,}", "...", statement)
            yield " ".join(short.split()), "\n".join(line[:160] for line in rows)


def write(url: str, *, every: float, seconds: float) -> None:
    """Decide again and again, as others do meanwhile; prints how long each waited."""
    with DecisionLog.open(url) as log:
        rng = np.random.default_rng()
        leaves, took = log.state().categories(), []
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            begins = time.perf_counter()
            product, leaf = f"late-{uuid4().hex[:12]}", str(rng.choice(leaves))
            by = f"person-{rng.integers(_TEAM):03d}"
            log.append(
                decide(Role.LABEL, product, leaf, verdict=Verdict.NEGATIVE, annotator=by),
                check=lambda decision, history: None,
            )
            took.append(time.perf_counter() - begins)
            time.sleep(max(0.0, every - took[-1]))
    print(json.dumps(spread(took)))


def main() -> None:
    arguments = _arguments()
    url = arguments.database
    if arguments.write:
        write(url, every=arguments.write, seconds=arguments.seconds)
        return
    report: dict[str, Any] = {"benchmark": "postgres_scale"}
    if arguments.build:
        with Database.open(url) as database:
            report["build_seconds"] = build(
                database, arguments.decisions, arguments.leaves, seed=arguments.seed
            )
    else:
        others = [sys.executable, "-m", "benchmarks.postgres_scale", "--database", url]
        others += ["--write", "0.02", "--seconds", str(arguments.seconds)]
        with subprocess.Popen(others, stdout=subprocess.PIPE, text=True) as writer:
            time.sleep(3)
            report |= ask(url, times=arguments.times, seed=arguments.seed, plans=arguments.plans)
            told, _ = writer.communicate()
        report["acknowledged_meanwhile_ms"] = json.loads(told)
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
    parser.add_argument("--times", type=int, default=100, help="so often each is asked")
    parser.add_argument("--plans", type=Path, help="write there how each query is answered")
    parser.add_argument("--seconds", type=float, default=60, help="so long others decide")
    parser.add_argument("--write", type=float, metavar="EVERY", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
