"""Whom an answer may be told to; and that nothing told moves with an audit of one's own."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.annotation.decisions import Role, Verdict
from productnet.annotation.state import LeafProgress, State
from productnet.annotation.told import Told, told
from productnet.annotation.verdicts import Stage
from tests.unit.annotation.test_audits import decision

YES, NO = Verdict.POSITIVE, Verdict.NEGATIVE
LABEL, AUDIT, SETTLE = Role.LABEL, Role.AUDIT, Role.ADJUDICATE

Said = tuple[Role, str, Verdict]

LABELLED: list[Said] = [(LABEL, "lab", YES)]
AGREED: list[Said] = [*LABELLED, (AUDIT, "aud", YES)]
DIFFER: list[Said] = [*LABELLED, (AUDIT, "aud", NO)]
SETTLED: list[Said] = [*DIFFER, (SETTLE, "adj", YES)]


def state_of(*said: Said) -> State:
    state = State()
    state.apply(
        decision(number, "p", verdict, role, by)
        for number, (role, by, verdict) in enumerate(said, start=1)
    )
    return state


@pytest.mark.parametrize(
    ("said", "person", "settles", "known"),
    [
        (LABELLED, "lab", False, Told(YES, Stage.LABELLED, True)),
        (LABELLED, "aud", False, None),
        (LABELLED, "adj", True, None),
        (AGREED, "lab", False, Told(YES, Stage.CONFIRMED, True)),
        (AGREED, "aud", False, Told(YES, Stage.LABELLED, True)),
        (AGREED, "aud", True, Told(YES, Stage.LABELLED, True)),
        (AGREED, "other", False, Told(YES, Stage.CONFIRMED, False)),
        (DIFFER, "lab", False, Told(None, Stage.DISPUTED, True)),
        (DIFFER, "aud", False, Told(NO, Stage.LABELLED, True)),
        (DIFFER, "aud", True, Told(NO, Stage.LABELLED, True)),
        (DIFFER, "other", False, None),
        (DIFFER, "adj", True, Told(None, Stage.DISPUTED, False)),
        (SETTLED, "aud", False, Told(YES, Stage.SETTLED, True)),
        (SETTLED, "other", False, Told(YES, Stage.SETTLED, False)),
    ],
)
def test_what_is_settled_or_ones_own_is_told(
    said: list[Said], person: str, settles: bool, known: Told | None
) -> None:
    state = state_of(*said)
    found = told(state.pair("p", "mugs"), state.history("p"), "mugs", person, settles=settles)
    assert found == known


def test_an_audit_elsewhere_tells_nothing_of_ones_own_label() -> None:
    state = State()
    both = [(1, "cups", LABEL, "otto"), (2, "mugs", LABEL, "lab"), (3, "mugs", AUDIT, "otto")]
    for number, leaf, role, by in [*both, (4, "cups", AUDIT, "other")]:
        [(seq, one)] = [decision(number, "p", YES, role, by)]
        state.apply([(seq, replace(one, category=leaf))])
    # In truth the product is gold for mugs, since otto's audit met a yes.
    assert state.pair("p", "cups").stage is Stage.DISPUTED
    found = told(state.pair("p", "cups"), state.history("p"), "cups", "otto")
    assert found == Told(YES, Stage.CONFIRMED, True)
    assert state.progress_told("cups", "otto").gold == 1
    assert state.progress("cups").gold == 0


verdicts = st.sampled_from([YES, NO])


@given(st.lists(verdicts, min_size=1, max_size=8), st.data())
def test_counts_told_to_an_auditor_stand_still(labels: list[Verdict], data: st.DataObject) -> None:
    state = State()
    state.apply(
        decision(number, f"p{number}", verdict, LABEL, "lab", source="nearest", score=number / 10)
        for number, verdict in enumerate(labels, start=1)
    )
    before = counts(state.progress_told("mugs", "aud"))
    assert before == counts(state.progress("mugs"))
    for number in range(1, len(labels) + 1):
        said = data.draw(verdicts)
        state.apply([decision(100 + number, f"p{number}", said, AUDIT, "aud")])
        assert counts(state.progress_told("mugs", "aud")) == before
        assert state.progress_told("mugs", "lab") == state.progress("mugs")
    # What is settled may be told.
    for number, label in enumerate(labels, start=1):
        if state.pair(f"p{number}", "mugs").stage is Stage.DISPUTED:
            state.apply([decision(200 + number, f"p{number}", label, SETTLE, "adj")])
            was = state.progress_told("mugs", "aud")
            assert was.gold == sum(
                one is YES and state.pair(f"p{at}", "mugs").stage is Stage.SETTLED
                for at, one in enumerate(labels, start=1)
            )


def counts(progress: LeafProgress) -> tuple[int, ...]:
    """Those that say something of verdicts."""
    return (
        progress.labelled_positive,
        progress.labelled_negative,
        progress.unsure,
        progress.gold,
        progress.hard_negatives,
        progress.disputed,
        progress.to_audit,
    )
