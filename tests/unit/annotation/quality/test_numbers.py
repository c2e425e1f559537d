"""Quality numbers follow from the log, however it arrives."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.annotation.decisions import Decision, Role, Task, Verdict, decide
from productnet.annotation.quality.agreement import Agreement
from productnet.annotation.quality.drift import Drift
from productnet.annotation.quality.findings import Confused, Day
from productnet.annotation.quality.numbers import Quality
from productnet.annotation.read_models.sources_of_sums import CountedSums
from productnet.annotation.state import State
from productnet.annotation.verdicts import Answers
from productnet.taxonomy.tree import Category, Taxonomy
from tests.unit.annotation.test_state import LEAVES, PRODUCTS, logs, numbered, undo_of

YES, NO, UNSURE = Verdict.POSITIVE, Verdict.NEGATIVE, Verdict.UNSURE
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class InMemory:
    """A log of decisions in a list."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self._state = State()

    def add(self, *decisions: Decision) -> "InMemory":
        self.decisions += decisions
        return self

    def since(self, seq: int = 0) -> Iterator[tuple[int, Decision]]:
        yield from numbered(self.decisions)[seq:]

    def state(self) -> State:
        self._state.apply(numbered(self.decisions)[self._state.seq :])
        return self._state


def quality_of(log: InMemory) -> Quality:
    return Quality(CountedSums(log), pause=60.0)


def refreshed(*decisions: Decision) -> Quality:
    made = quality_of(InMemory().add(*decisions))
    made.refresh()
    return made


def said(
    role: Role,
    product: str,
    by: str,
    verdict: Verdict = YES,
    *,
    leaf: str = "mugs",
    seconds: float | None = 2.0,
    at: datetime = NOON,
) -> Decision:
    return decide(role, product, leaf, verdict=verdict, annotator=by, seconds=seconds, at=at)


def found(quality: Quality) -> object:
    taxonomy = Taxonomy([Category(leaf, (leaf.title(),)) for leaf in LEAVES], name="t")
    return (
        sorted(quality.leaves(), key=lambda leaf: leaf.leaf),
        quality.people(),
        sorted(quality.pairs(), key=lambda pair: (pair.first, pair.second)),
        quality.days(),
        sorted(quality.confused(taxonomy), key=lambda one: (one.said, one.gold)),
    )


@given(logs(max_size=40), st.lists(st.integers(0, 40), max_size=4))
def test_by_and_by_gives_what_all_at_once_gives(log: list[Decision], cuts: list[int]) -> None:
    arriving = InMemory()
    by_and_by = quality_of(arriving)
    for cut in sorted(cuts):
        arriving.add(*log[len(arriving.decisions) : cut])
        by_and_by.refresh()
    arriving.add(*log[len(arriving.decisions) :])
    by_and_by.refresh()
    assert found(by_and_by) == found(refreshed(*log))


class Racing(InMemory):
    """A log whose state is always one decision ahead of what was read."""

    def since(self, seq: int = 0) -> Iterator[tuple[int, Decision]]:
        yield from numbered(self.decisions)[seq:-1]


@given(logs(max_size=25))
def test_a_state_that_is_ahead_does_no_harm(log: list[Decision]) -> None:
    racing = Racing()
    quality = quality_of(racing)
    for decision in log:
        racing.add(decision)
        quality.refresh()
    racing.__class__ = InMemory  # type: ignore[assignment]
    quality.refresh()
    assert found(quality) == found(refreshed(*log))


@given(logs(max_size=40))
def test_tables_are_those_of_the_standing_answers(log: list[Decision]) -> None:
    quality = refreshed(*log)
    state = State()
    state.apply(numbered(log))
    of_leaf: dict[str, Counter[tuple[Verdict, Verdict]]] = {leaf: Counter() for leaf in LEAVES}
    for leaf in LEAVES:
        for product in PRODUCTS:
            answers = Answers.of(state.history(product), leaf)
            if answers.label and answers.audit:
                of_leaf[leaf][answers.label.verdict, answers.audit.verdict] += 1
    for one in quality.leaves():
        assert one.agreement == Agreement.of(of_leaf[one.leaf])
        assert one.precision.hits == of_leaf[one.leaf][YES, YES]
        assert one.decisions == state.progress(one.leaf).decisions
    everything = sum(of_leaf.values(), Counter())
    assert sum(pair.agreement.agreed.of for pair in quality.pairs()) == everything.total()
    gold = sum(day.gold for day in quality.days())
    assert gold == len(state.gold_labels())


def test_a_leaf_a_person_and_a_pair() -> None:
    decisions = []
    for number, (label, audit) in enumerate([(YES, YES)] * 6 + [(YES, NO)] * 2 + [(NO, NO)] * 2):
        decisions += [
            said(Role.LABEL, f"p{number}", "ann", label, seconds=float(number + 1)),
            said(Role.AUDIT, f"p{number}", "bob", audit, seconds=None),
        ]
    decisions += [
        said(Role.LABEL, "q", "ann", UNSURE, seconds=400.0),
        said(Role.LABEL, "r", "bob", NO, leaf="cups"),
        said(Role.AUDIT, "r", "ann", NO, leaf="cups"),
    ]
    quality = refreshed(*decisions)
    mugs, cups = quality.leaves()
    assert (mugs.leaf, mugs.decisions, mugs.unsure.hits, mugs.unsure.of) == ("mugs", 21, 1, 21)
    assert (mugs.precision.hits, mugs.precision.of, mugs.precision.share) == (6, 8, 0.75)
    assert (mugs.agreement.agreed.hits, mugs.agreement.agreed.of) == (8, 10)
    # Of ten, 8 labelled and 6 audited positive: chance agrees on 0.8 * 0.6 + 0.2 * 0.4 = 0.56.
    assert mugs.agreement.kappa == pytest.approx((0.8 - 0.56) / (1 - 0.56))
    assert (mugs.speed.median, mugs.speed.p90) == (5.0, 9.0)
    assert (mugs.speed.timed, mugs.speed.pauses, mugs.speed.untimed) == (10, 1, 10)
    assert cups.agreement.kappa is None
    assert [(one.person, one.task, one.decisions) for one in quality.people()] == [
        ("ann", Task.AUDIT, 1),
        ("ann", Task.LABEL, 11),
        ("bob", Task.AUDIT, 10),
        ("bob", Task.LABEL, 1),
    ]
    (pair,) = quality.pairs()
    assert (pair.first, pair.second, pair.agreement.agreed.of) == ("ann", "bob", 11)
    (only_mugs,) = quality.leaves(["mugs", "bowls"])
    assert only_mugs == mugs


def test_an_audit_taken_back_meets_nothing() -> None:
    audit = said(Role.AUDIT, "p", "bob", NO)
    undo = undo_of(audit, id=UUID(int=7), at=NOON)
    quality = refreshed(said(Role.LABEL, "p", "ann"), audit, undo)
    (mugs,) = quality.leaves()
    assert mugs.agreement.agreed.of == 0
    assert mugs.decisions == 2
    assert not quality.pairs()


def test_gold_counts_on_the_day_it_became_so() -> None:
    morrow = NOON + timedelta(days=1)
    label, audit = said(Role.LABEL, "p", "ann"), said(Role.AUDIT, "p", "bob", at=morrow)
    log = InMemory().add(label, audit, said(Role.IMPORT, "q", "imported", seconds=None))
    quality = quality_of(log)
    quality.refresh()
    assert quality.days() == [
        Day(date(2026, 3, 1), 1, 2.0, 1),
        Day(date(2026, 3, 2), 1, 2.0, 1),
    ]
    later = NOON + timedelta(days=5)
    log.add(said(Role.CHALLENGE, "p", "model", NO, seconds=None, at=later))
    quality.refresh()
    assert [day.gold for day in quality.days()] == [1, 0]
    log.add(said(Role.ADJUDICATE, "p", "cy", at=later))
    quality.refresh()
    assert [(day.day.day, day.gold) for day in quality.days()] == [(1, 1), (2, 0), (6, 1)]


def test_confused_leaves() -> None:
    paths = [("Kitchen",), ("Kitchen", "Mugs"), ("Kitchen", "Cups"), ("Hats",)]
    taxonomy = Taxonomy([Category(path[-1].lower(), path) for path in paths], name="t")
    decisions = []
    for product, wrong in (("a", "cups"), ("b", "cups"), ("c", "hats")):
        decisions += [
            said(Role.LABEL, product, "ann", leaf=wrong),
            said(Role.LABEL, product, "ann", NO, leaf="bowls"),
            said(Role.LABEL, product, "ann"),
            said(Role.AUDIT, product, "bob"),
        ]
    decisions.append(said(Role.LABEL, "d", "ann", leaf="cups"))
    assert refreshed(*decisions).confused(taxonomy) == [
        Confused("cups", "mugs", 2, siblings=True),
        Confused("hats", "mugs", 1, siblings=False),
    ]


def working(
    agreement: Sequence[float], seconds: Sequence[float], *, seed: int
) -> tuple[list[bool], list[float]]:
    """Answers of a person of this agreement and these mean seconds, a part after the other."""
    random = np.random.default_rng(seed)
    agreed = [bool(one) for share in agreement for one in random.random(100) < share]
    times = [float(one) for mean in seconds for one in random.gamma(4, mean / 4, 100)]
    return agreed[:-50], times[:-50]


def test_a_steady_person_is_not_flagged_and_one_who_drifts_is() -> None:
    steady = [Drift.of(*working([0.9] * 6, [3.0] * 6, seed=seed)).flags for seed in range(200)]
    assert sum(map(bool, steady)) <= 2
    worse = [Drift.of(*working([0.95] * 5 + [0.6], [3.0] * 6, seed=seed)) for seed in range(50)]
    assert sum(any("agreement falls" in flag for flag in one.flags) for one in worse) >= 48
    hasty = [Drift.of(*working([0.9] * 6, [3.0] * 5 + [1.5], seed=seed)) for seed in range(50)]
    assert all(any("faster: 1." in flag for flag in one.flags) for one in hasty)
    assert not any("agreement" in flag for one in hasty for flag in one.flags)


def test_with_few_answers_nothing_is_said() -> None:
    drift = Drift.of([True] * 60, [2.0] * 60)
    assert (drift.before.of, drift.lately.of) == (10, 50)
    assert drift.agreement_chance is None
    assert drift.seconds_chance is None
    assert Drift.of([], []).flags == ()


def test_the_pause_is_a_setting_of_the_caller() -> None:
    slow = replace(said(Role.LABEL, "p", "ann"), seconds=100.0)
    patient = Quality(CountedSums(InMemory().add(slow)), pause=120.0)
    patient.refresh()
    assert patient.leaves()[0].speed.median == 100.0
    assert refreshed(slow).leaves()[0].speed.pauses == 1
