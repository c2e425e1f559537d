"""What people may not do, and what they are told instead."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from productnet.annotation.decisions import Decision, Role, Verdict, decide
from productnet.annotation.rules import check
from productnet.annotation.verdicts import History, after
from productnet.errors import WorkflowError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def said(role: Role, by: str, verdict: Verdict = Verdict.POSITIVE, *, number: int) -> Decision:
    return decide(role, "p", "mugs", verdict=verdict, annotator=by, id=UUID(int=number), at=NOW)


LABELLED = said(Role.LABEL, "ann", number=1)
UNSURE = said(Role.LABEL, "ann", Verdict.UNSURE, number=1)
AUDITED = said(Role.AUDIT, "bob", number=2)
REFUTED = said(Role.AUDIT, "bob", Verdict.NEGATIVE, number=2)
SETTLED = said(Role.ADJUDICATE, "cy", number=3)
DOUBT = said(Role.CHALLENGE, "dee", Verdict.NEGATIVE, number=4)


def history(*decisions: Decision) -> History:
    votes: History = ()
    for seq, decision in enumerate(decisions, start=1):
        votes = after(votes, seq, decision)
    return votes


def undo(of: Decision, by: str) -> Decision:
    return Decision(
        id=UUID(int=99),
        product="p",
        category="mugs",
        verdict=None,
        role=Role.UNDO,
        annotator=by,
        at=NOW,
        undoes=of.id,
    )


@pytest.mark.parametrize(
    ("before", "decision", "text"),
    [
        ([LABELLED], said(Role.LABEL, "bob", number=9), "has a label already, by ann"),
        ([LABELLED, AUDITED], said(Role.LABEL, "cy", number=9), "has a label already"),
        ([], said(Role.AUDIT, "bob", number=9), "no sure label to audit"),
        ([UNSURE], said(Role.AUDIT, "bob", number=9), "Label it instead"),
        ([LABELLED], said(Role.AUDIT, "ann", number=9), "ann labelled .* Leave it to somebody"),
        ([LABELLED, AUDITED], said(Role.AUDIT, "cy", number=9), "audited already"),
        ([LABELLED], said(Role.ADJUDICATE, "cy", number=9), "is labelled, not disputed"),
        ([LABELLED, REFUTED], said(Role.ADJUDICATE, "ann", number=9), "cannot adjudicate"),
        ([LABELLED, REFUTED], said(Role.ADJUDICATE, "bob", number=9), "neither labelled nor"),
        ([LABELLED], DOUBT, "is labelled: only what was confirmed"),
        ([LABELLED, REFUTED], DOUBT, "is disputed: only what was confirmed"),
        ([LABELLED, AUDITED, DOUBT], said(Role.CHALLENGE, "eve", number=9), "is disputed"),
        ([LABELLED, AUDITED], said(Role.CHALLENGE, "dee", number=9), "stands as positive already"),
        ([LABELLED, AUDITED, DOUBT], said(Role.ADJUDICATE, "bob", number=9), "neither labelled"),
        ([LABELLED, REFUTED, SETTLED, DOUBT], said(Role.ADJUDICATE, "cy", number=9), "another"),
        ([LABELLED, AUDITED, DOUBT], undo(AUDITED, "bob"), "has been challenged since"),
        ([LABELLED, REFUTED, SETTLED, DOUBT], undo(SETTLED, "cy"), "has been challenged since"),
        ([LABELLED, AUDITED, DOUBT, SETTLED], undo(DOUBT, "dee"), "has been adjudicated since"),
        ([], said(Role.IMPORT, "ann", number=9), "only an import can"),
        ([], said(Role.IMPORT, "imported", Verdict.UNSURE, number=9), "neither yes nor no"),
        ([LABELLED], undo(LABELLED, "bob"), "by ann, and bob can undo only their own"),
        ([], undo(LABELLED, "ann"), "was undone already"),
        ([LABELLED, AUDITED], undo(LABELLED, "ann"), "has been audited since"),
    ],
)
def test_refused_with_advice(before: list[Decision], decision: Decision, text: str) -> None:
    with pytest.raises(WorkflowError, match=text):
        check(decision, history(*before))


@pytest.mark.parametrize(
    ("before", "decision"),
    [
        ([], said(Role.LABEL, "ann", number=9)),
        ([UNSURE], said(Role.LABEL, "bob", number=9)),
        ([LABELLED], said(Role.AUDIT, "bob", number=9)),
        ([LABELLED, REFUTED], said(Role.ADJUDICATE, "cy", number=9)),
        ([], said(Role.IMPORT, "imported", number=9)),
        ([LABELLED, AUDITED], undo(AUDITED, "bob")),
        ([LABELLED, AUDITED], DOUBT),
        ([LABELLED, REFUTED, SETTLED], DOUBT),
        ([LABELLED, AUDITED, DOUBT], undo(DOUBT, "dee")),
        ([LABELLED, REFUTED, SETTLED, DOUBT], undo(DOUBT, "dee")),
        ([LABELLED, AUDITED, DOUBT], said(Role.ADJUDICATE, "cy", number=9)),
        ([LABELLED, AUDITED, DOUBT], said(Role.ADJUDICATE, "dee", number=9)),
        ([LABELLED, REFUTED, SETTLED, DOUBT], said(Role.ADJUDICATE, "eve", number=9)),
    ],
)
def test_allowed(before: list[Decision], decision: Decision) -> None:
    check(decision, history(*before))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: changed(at=datetime(2026, 1, 1)), "without a zone"),
        (lambda: changed(verdict=None), "An undo names a decision"),
        (lambda: changed(undoes=UUID(int=3)), "An undo names a decision"),
        (lambda: changed(note="a\0b"), "note .* holds a NUL"),
        (lambda: changed(product="\ud800"), "product .* half a character"),
        (lambda: changed(score=float("nan")), "score is nan"),
        (lambda: changed(seconds=-1.0), "Send 0 or more"),
    ],
)
def test_a_decision_that_could_not_be_kept_is_refused(
    make: Callable[[], Decision], text: str
) -> None:
    with pytest.raises(WorkflowError, match=text):
        make()


def changed(**fields: object) -> Decision:
    return replace(LABELLED, **fields)  # type: ignore[arg-type]
