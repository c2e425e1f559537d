"""The verdict of a pair follows from the votes about its product."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count

import pytest

from productnet.annotation.decisions import Role, Verdict, decide
from productnet.annotation.verdicts import History, PairState, Reason, Stage, after, judge

NOW = datetime(2026, 1, 1, tzinfo=UTC)
YES, NO, UNSURE = Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.UNSURE
Said = tuple[Role, str, str, Verdict]


def label(by: str, verdict: Verdict, leaf: str = "mugs") -> Said:
    return Role.LABEL, by, leaf, verdict


def audit(by: str, verdict: Verdict, leaf: str = "mugs") -> Said:
    return Role.AUDIT, by, leaf, verdict


def adjudicate(by: str, verdict: Verdict, leaf: str = "mugs") -> Said:
    return Role.ADJUDICATE, by, leaf, verdict


def challenge(by: str, verdict: Verdict = NO, leaf: str = "mugs") -> Said:
    return Role.CHALLENGE, by, leaf, verdict


def imported(verdict: Verdict = YES, leaf: str = "mugs") -> Said:
    return Role.IMPORT, "imported", leaf, verdict


def judged(*said: Said) -> dict[str, PairState]:
    history: History = ()
    for seq, (role, by, leaf, verdict) in zip(count(1), said, strict=False):
        decision = decide(role, "p", leaf, verdict=verdict, annotator=by, at=NOW)
        history = after(history, seq, decision)
    return judge(history)


@pytest.mark.parametrize(
    ("said", "stage", "verdict", "reason"),
    [
        ([label("ann", YES)], Stage.LABELLED, YES, Reason.AWAITS_AUDIT),
        ([label("ann", UNSURE)], Stage.LABELLED, UNSURE, Reason.LABELER_UNSURE),
        ([label("ann", UNSURE), label("bob", NO)], Stage.LABELLED, NO, Reason.AWAITS_AUDIT),
        ([label("ann", YES), audit("bob", YES)], Stage.CONFIRMED, YES, Reason.AGREED),
        ([label("ann", NO), audit("bob", NO)], Stage.CONFIRMED, NO, Reason.AGREED),
        ([label("ann", YES), audit("bob", NO)], Stage.DISPUTED, None, Reason.DIFFER),
        ([label("ann", NO), audit("bob", UNSURE)], Stage.DISPUTED, None, Reason.DIFFER),
        ([label("ann", YES), audit("ann", YES)], Stage.LABELLED, YES, Reason.AWAITS_AUDIT),
        (
            [label("ann", YES), audit("bob", NO), adjudicate("cy", YES)],
            Stage.SETTLED,
            YES,
            Reason.ADJUDICATED,
        ),
        (
            [label("ann", YES), audit("bob", NO), adjudicate("bob", NO)],
            Stage.DISPUTED,
            None,
            Reason.DIFFER,
        ),
        ([imported()], Stage.CONFIRMED, YES, Reason.IMPORTED),
        ([label("imported", YES), imported()], Stage.CONFIRMED, YES, Reason.IMPORTED),
        ([label("ann", NO), imported()], Stage.DISPUTED, None, Reason.DIFFER),
        ([label("ann", UNSURE), imported()], Stage.CONFIRMED, YES, Reason.IMPORTED),
    ],
)
def test_one_leaf(
    said: Sequence[Said], stage: Stage, verdict: Verdict | None, reason: Reason
) -> None:
    pair = judged(*said)["mugs"]
    assert (pair.stage, pair.verdict, pair.reason) == (stage, verdict, reason)


AGREED = [label("ann", YES), audit("bob", YES)]
DIFFERED = [label("ann", YES), audit("bob", NO)]


@pytest.mark.parametrize(
    ("said", "stage", "verdict", "reason"),
    [
        ([*AGREED, challenge("model")], Stage.DISPUTED, None, Reason.CHALLENGED),
        ([imported(), challenge("model")], Stage.DISPUTED, None, Reason.CHALLENGED),
        (
            [*AGREED, challenge("model"), adjudicate("cy", NO)],
            Stage.SETTLED,
            NO,
            Reason.ADJUDICATED,
        ),
        (
            [*DIFFERED, adjudicate("cy", YES), challenge("model")],
            Stage.DISPUTED,
            None,
            Reason.CHALLENGED,
        ),
        (
            [*DIFFERED, adjudicate("cy", YES), challenge("model"), adjudicate("dee", YES)],
            Stage.SETTLED,
            YES,
            Reason.ADJUDICATED,
        ),
        # From another program: nothing was confirmed yet when it was challenged.
        ([challenge("model"), *AGREED], Stage.CONFIRMED, YES, Reason.AGREED),
        ([*DIFFERED, challenge("model")], Stage.DISPUTED, None, Reason.DIFFER),
        ([label("ann", YES), challenge("model")], Stage.LABELLED, YES, Reason.AWAITS_AUDIT),
    ],
)
def test_a_challenge_opens_what_was_settled_before_it(
    said: Sequence[Said], stage: Stage, verdict: Verdict | None, reason: Reason
) -> None:
    pair = judged(*said)["mugs"]
    assert (pair.stage, pair.verdict, pair.reason) == (stage, verdict, reason)


def test_a_challenge_alone_says_nothing() -> None:
    assert judged(challenge("model")) == {}


def test_the_earlier_gold_stands_and_the_second_is_disputed() -> None:
    pairs = judged(
        label("ann", YES, "mugs"),
        label("ann", YES, "cups"),
        audit("bob", YES, "cups"),
        audit("bob", YES, "mugs"),
    )
    assert pairs["cups"].gold
    assert (pairs["mugs"].stage, pairs["mugs"].reason) == (Stage.DISPUTED, Reason.GOLD_ELSEWHERE)


def test_an_adjudicated_positive_takes_gold_from_the_earlier_leaf() -> None:
    pairs = judged(imported(leaf="cups"), imported(leaf="mugs"), adjudicate("cy", YES, "mugs"))
    assert pairs["mugs"].gold
    assert (pairs["cups"].stage, pairs["cups"].verdict) == (Stage.SETTLED, NO)
    assert pairs["cups"].reason is Reason.OVERRULED


def test_a_conflict_adjudicated_negative_leaves_the_earlier_gold() -> None:
    pairs = judged(imported(leaf="cups"), imported(leaf="mugs"), adjudicate("cy", NO, "mugs"))
    assert pairs["cups"].gold
    assert (pairs["mugs"].stage, pairs["mugs"].verdict) == (Stage.SETTLED, NO)


def test_a_positive_after_the_settlement_is_disputed_again() -> None:
    settled = [imported(leaf="cups"), imported(leaf="mugs"), adjudicate("cy", YES, "mugs")]
    pairs = judged(*settled, label("ann", YES, "bowls"), audit("bob", YES, "bowls"))
    assert pairs["mugs"].gold
    assert pairs["bowls"].stage is Stage.DISPUTED


def test_the_latest_adjudicated_positive_decides() -> None:
    pairs = judged(
        imported(leaf="cups"),
        imported(leaf="mugs"),
        adjudicate("cy", YES, "mugs"),
        adjudicate("dee", YES, "cups"),
    )
    assert pairs["cups"].gold
    assert pairs["mugs"].verdict is NO


def test_a_rejected_recommendation_of_the_master_is_its_error() -> None:
    said = decide(Role.LABEL, "p", "mugs", verdict=NO, annotator="ann", source="master", at=NOW)
    assert judge(after((), 1, said))["mugs"].master_error
