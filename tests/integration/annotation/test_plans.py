"""How PostgreSQL answers what pages ask: by indexes, never by reading all decisions.

What is asked is caught while the pages' own code asks it. Small tables are read whole by any
planner, so it is told to do that only where it has no other way: a question that an index cannot
answer is answered by a sequential scan here, too.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event

from productnet.annotation.audits import audit_sheet
from productnet.annotation.beside import Beside
from productnet.annotation.decisions import Decision, Role, Task, Verdict, decide
from productnet.annotation.leases import Leases
from productnet.annotation.log import DecisionLog
from productnet.annotation.quality.checks import Checks
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.queue import Board
from productnet.annotation.read_models.sources_of_sums import KeptSums
from productnet.retrieval.candidates import Leaf
from productnet.settings import TargetSettings
from productnet.taxonomy.tree import Category, Taxonomy

PLANS = Path(__file__).parents[3] / "docs" / "postgresql-plans.txt"

LEAVES = tuple(f"leaf-{number}" for number in range(8))


def filled(log: DecisionLog) -> None:
    said: list[Decision] = []
    for number in range(400):
        leaf, product = LEAVES[number % 8], f"p{number}"
        verdict = Verdict.POSITIVE if number % 16 < 8 else Verdict.NEGATIVE
        for role, by in ((Role.LABEL, f"ann-{number % 5}"), (Role.AUDIT, f"bob-{number % 3}")):
            said.append(decide(role, product, leaf, verdict=verdict, annotator=by, seconds=2.0))
    log.append(*said)
    with log.database.writing() as connection:
        connection.exec_driver_sql("ANALYZE")


def caught(log: DecisionLog, ask: Callable[[], object]) -> dict[str, tuple[str, Any]]:
    """What was asked, by its wording."""
    asked: dict[str, tuple[str, Any]] = {}

    def note(_: Any, __: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.lstrip().startswith("SELECT"):
            listed = r"\((%\(\w+\)s(::\w+)?(, )?)+\)"
            worded = re.sub(listed, "(...)", " ".join(statement.split()))
            worded = re.sub(r"%\(\w+\)s(::\w+)?", "?", worded)
            asked.setdefault(worded, (statement, parameters))

    engines = {log.database.engine, log.database.readers}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        ask()
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)
    return asked


def pages(log: DecisionLog) -> None:
    """The next page with check items, a page to audit, the tree, the queue, the dashboard."""
    nodes = [Category("all", ("All",)), *(Category(leaf, ("All", leaf)) for leaf in LEAVES)]
    taxonomy = Taxonomy(nodes, name="t", version="1")
    checks, rng = Checks(log.database), np.random.default_rng(0)
    leases = Leases(log.database, lifetime=timedelta(minutes=5))
    log.append(
        decide(Role.LABEL, "p", LEAVES[0], verdict=Verdict.POSITIVE, annotator="cy"),
        check=lambda decision, history: None,
    )
    state = log.state()
    Leaf.of(LEAVES[0], state=state, taxonomy=taxonomy)
    siblings = list(LEAVES[1:])
    checks.choose(LEAVES[0], "cy", page=20, share=0.9, state=state, siblings=siblings, rng=rng)
    audit_sheet(state, LEAVES[1], auditor="cy", count=20)
    state.all_told("bob-1", state.categories())
    Beside(log.database, leases).of("bob-1")
    leases.take_first(list(LEAVES), Task.LABEL, "cy")
    Board(state, taxonomy, TargetSettings(), leases.current()).queue("cy", Task.LABEL, count=5)
    log.append(decide(Role.LABEL, "q", LEAVES[0], verdict=Verdict.POSITIVE, annotator="cy"))
    quality = Quality(KeptSums(log.database), pause=60.0)
    quality.refresh()
    quality.leaves()
    quality.people()
    checks.results(log.state())


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_no_page_reads_all_decisions(log: DecisionLog) -> None:
    filled(log)
    log.state()
    asked = caught(log, lambda: pages(log))
    plans = {}
    with log.database.reading() as connection:
        connection.exec_driver_sql("SET enable_seqscan = off")
        for worded, (statement, parameters) in asked.items():
            rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {statement}", parameters)
            plans[worded] = "\n".join(rows.scalars())
        connection.exec_driver_sql("RESET enable_seqscan")
    assert any(" FROM decisions" in worded for worded in plans)
    # What is asked of a leaf's pairs is all in the index.
    assert any("Index Only Scan using pairs_category on pairs" in plan for plan in plans.values())
    for worded, plan in plans.items():
        assert not re.search(r"Seq Scan on (decisions|pairs)\b", plan), f"{worded}\n{plan}"


def test_neither_did_any_of_ten_million() -> None:
    """The plans that the benchmark was given, as they are checked in."""
    plans = PLANS.read_text()
    assert "Index Scan using decisions_product on decisions" in plans
    assert "Index Only Scan using pairs_category on pairs" in plans
    assert not re.search(r"Seq Scan on (decisions|pairs)\b", plans)
