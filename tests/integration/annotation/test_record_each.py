"""Many senders at once, each answered by itself, in few transactions."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Event
from uuid import UUID, uuid4

import pytest

from productnet.annotation.commits import Outcome, Sent, Status
from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.annotation.verdicts import History
from productnet.annotation.workflow import Workflow
from productnet.errors import WorkflowError

YES, NO = Verdict.POSITIVE, Verdict.NEGATIVE


def label(product: str, by: str = "ann", leaf: str = "mugs") -> Decision:
    return decide(Role.LABEL, product, leaf, verdict=YES, annotator=by)


def statuses(outcomes: Sequence[Outcome]) -> list[Status]:
    return [outcome.status for outcome in outcomes]


def test_each_by_itself_in_order(workflow: Workflow) -> None:
    first = label("p1")
    audit = decide(Role.AUDIT, "p1", "mugs", verdict=YES, annotator="bob")
    sent = [
        first,
        label("p1", "cy"),
        audit,
        first,
        label("px"),
        label("p2", leaf="mug"),
        replace(first, verdict=NO),
        label("p3"),
    ]
    outcomes = workflow.record_each(sent)
    assert [outcome.id for outcome in outcomes] == [decision.id for decision in sent]
    recorded, known, refused = Status.RECORDED, Status.KNOWN, Status.REFUSED
    assert statuses(outcomes) == [
        *(recorded, refused, recorded, known, refused, refused, refused, recorded)
    ]
    told = [str(outcome.error) for outcome in outcomes if outcome.error]
    assert [text.split(".")[0] for text in told] == [
        'Product "p1" in leaf "mugs" has a label already, by ann',
        'The pool has no product "px"',
        'Category "mug" is not in taxonomy t-1',
        f'Decision {first.id} is recorded with other content: positive of "p1" in "mugs" by ann',
    ]
    assert [decision for _, decision in workflow.log.since()] == [first, audit, sent[-1]]
    assert statuses(workflow.record_each(sent)) == [
        *(known, refused, known, known, refused, refused, refused, known)
    ]
    assert workflow.record_each([]) == []


def test_senders_at_once_get_their_own_answers(workflow: Workflow) -> None:
    barrier = Barrier(8)

    def send(number: int) -> list[Outcome]:
        barrier.wait()
        mine = [label(f"p{product}", f"person{number}") for product in range(10)]
        return [outcome for decision in mine for outcome in workflow.record_each([decision])]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    labelled = [decision for _, decision in workflow.log.since()]
    assert sorted(decision.product for decision in labelled) == sorted(f"p{n}" for n in range(10))
    recorded = {one.id for mine in answers for one in mine if one.status is Status.RECORDED}
    assert recorded == {decision.id for decision in labelled}
    for mine in answers:
        assert all(one.error for one in mine if one.status is Status.REFUSED)


class Held(DecisionLog):
    """A log whose first transaction waits, so that others queue behind it."""

    def hold(self) -> None:
        self.batches: list[int] = []
        self.entered, self.go_on = Event(), Event()

    def go_on_after(self, senders: int) -> None:
        """Let it write once so many wait behind it."""
        until = time.monotonic() + 10
        while len(self._commits._waiting) < senders:
            assert time.monotonic() < until, "the senders did not come"
            time.sleep(0.001)
        self.go_on.set()

    def _write(self, batch: Sequence[Sent]) -> None:
        self.batches.append(len(batch))
        if len(self.batches) == 1:
            self.entered.set()
            assert self.go_on.wait(10)
        super()._write(batch)


def test_who_waits_together_is_written_together(database_url: str) -> None:
    with Held.open(database_url) as log, ThreadPoolExecutor(8) as pool:
        log.hold()

        def refuse_p3(decision: Decision, history: History) -> None:
            if decision.product == "p3":
                raise WorkflowError("not p3")

        first = pool.submit(log.append, label("p0"))
        assert log.entered.wait(10)
        others = [
            pool.submit(log.append, label(f"p{number}"), check=refuse_p3) for number in range(1, 6)
        ]
        log.go_on_after(5)
        assert first.result() == 1
        with pytest.raises(WorkflowError, match="not p3"):
            others[2].result()
        assert [other.result() for other in others[:2] + others[3:]] == [1, 1, 1, 1]
        assert log.batches == [1, 5]
        assert {one.product for _, one in log.since()} == {"p0", "p1", "p2", "p4", "p5"}


def test_one_senders_fault_is_not_anothers(database_url: str) -> None:
    target = label("p9")
    undo = replace(target, id=uuid4(), role=Role.UNDO, verdict=None, undoes=target.id)
    with DecisionLog.open(database_url) as before:
        before.append(target, undo)
    with Held.open(database_url) as log, ThreadPoolExecutor(8) as pool:
        log.hold()

        def broken(decision: Decision, history: History) -> None:
            raise ZeroDivisionError

        first = pool.submit(log.append, label("p0"))
        assert log.entered.wait(10)
        # The database itself refuses a second undo where no check did.
        again = pool.submit(log.append, replace(undo, id=uuid4()))
        fault = pool.submit(log.append, label("p2"), check=broken)
        fine = [pool.submit(log.append, label(f"p{number}")) for number in (3, 4)]
        log.go_on_after(4)
        assert first.result() == 1
        assert [one.result() for one in fine] == [1, 1]
        with pytest.raises(WorkflowError, match="did not confirm"):
            again.result()
        with pytest.raises(ZeroDivisionError):
            fault.result()
        assert {one.product for _, one in log.since(2)} == {"p0", "p3", "p4"}


class Interrupted(Held):
    """A log whose second transaction is interrupted, as by Ctrl-C in the thread that writes."""

    def _write(self, batch: Sequence[Sent]) -> None:
        super()._write(batch)
        if len(self.batches) == 2:
            raise KeyboardInterrupt


def test_an_interrupted_writer_leaves_nobody_without_an_answer(database_url: str) -> None:
    with Interrupted.open(database_url) as log, ThreadPoolExecutor(8) as pool:
        log.hold()
        first = pool.submit(log.append_each, [label("p0")])
        assert log.entered.wait(10)
        others = [pool.submit(log.append_each, [label(f"p{number}")]) for number in range(1, 6)]
        log.go_on_after(5)
        assert statuses(first.result()) == [Status.RECORDED]
        faults = [other.exception() for other in others]
        assert sum(isinstance(fault, KeyboardInterrupt) for fault in faults) == 1
        heard = [other.result() for other, fault in zip(others, faults, strict=True) if not fault]
        # The interrupted transaction was committed, so what is sent again is known.
        assert [statuses(one) for one in heard] == [[Status.KNOWN]] * 4
        assert len(list(log.since())) == 6


def test_a_page_refused_in_its_middle_leaves_nothing(workflow: Workflow) -> None:
    page = [label("p1"), label("p2"), label("p2", "bob")]
    with pytest.raises(WorkflowError, match="has a label already, by ann"):
        workflow.record(*page)
    assert statuses(workflow.record_each(page)) == [
        Status.RECORDED,
        Status.RECORDED,
        Status.REFUSED,
    ]


WRITERS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.log import DecisionLog
from productnet.annotation.rules import check

def write(writer):
    for number in range(10**6):
        product = f"{sys.argv[2]}-{writer}-{number}"
        decision = decide(Role.LABEL, product, "mugs", verdict=Verdict.POSITIVE,
                          annotator=f"person{writer}")
        (outcome,) = log.append_each([decision], check=check)
        # One write, so that lines of several threads never mix.
        sys.stdout.write(f"{decision.id} {outcome.status}\\n")
        sys.stdout.flush()

log = DecisionLog.open(sys.argv[1])
with ThreadPoolExecutor(8) as pool:
    list(pool.map(write, range(8)))
"""


def test_a_kill_loses_nothing_acknowledged_to_anyone(database_url: str) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    acknowledged: set[UUID] = set()
    DecisionLog.open(database_url).close()
    for lines in (1, 20, 60):
        with subprocess.Popen(
            [sys.executable, "-c", WRITERS, database_url, f"run{lines}"],
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        ) as writer:
            assert writer.stdout is not None
            heard = [writer.stdout.readline() for _ in range(lines)]
            writer.send_signal(signal.SIGKILL)
            heard += writer.stdout.readlines()
        # The last line may have been cut off by the kill.
        whole = [line.split() for line in heard if line.endswith("\n")]
        acknowledged |= {UUID(one) for one, status in whole if status == "recorded"}
        with DecisionLog.open(database_url) as log:
            kept = [decision.id for _, decision in log.since()]
        assert len(kept) == len(set(kept))
        assert acknowledged <= set(kept)
    assert len(acknowledged) >= 70
