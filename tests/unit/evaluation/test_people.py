"""Simulated people answer by reference, at the rates and the speed they are given."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.evaluation.people import SimulatedPerson, Team
from productnet.retrieval.candidates import Candidate
from productnet.settings import CostSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRUTH = {f"p{number}": "mugs" if number % 2 else "cups" for number in range(2_000)}
ANN = SimulatedPerson(name="ann", role=Role.LABEL, truth=TRUTH)


def answers(person: SimulatedPerson) -> list[Decision]:
    return [person.decide(product, "mugs", at=NOW) for product in TRUTH]


def share(decisions: list[Decision], verdict: Verdict) -> float:
    return sum(decision.verdict is verdict for decision in decisions) / len(decisions)


def test_without_errors_the_reference_is_answered() -> None:
    for decision in answers(ANN):
        belongs = TRUTH[decision.product] == "mugs"
        assert decision.verdict is (Verdict.POSITIVE if belongs else Verdict.NEGATIVE)
    assert ANN.decide("never heard of", "mugs", at=NOW).verdict is Verdict.NEGATIVE


def test_errors_and_doubts_come_at_their_rates() -> None:
    said = answers(replace(ANN, error_rate=0.1, unsure_rate=0.2))
    sure = [decision for decision in said if decision.verdict is not Verdict.UNSURE]
    wrong = [d for d in sure if (d.verdict is Verdict.POSITIVE) != (TRUTH[d.product] == "mugs")]
    assert share(said, Verdict.UNSURE) == pytest.approx(0.2, abs=0.03)
    assert len(wrong) / len(sure) == pytest.approx(0.1, abs=0.03)


def test_time_has_the_mean_and_the_spread_asked_for() -> None:
    times = [d.seconds or 0.0 for d in answers(replace(ANN, seconds=4.0, spread=2.0))]
    assert np.mean(times) == pytest.approx(4.0, rel=0.05)
    assert np.std(times) == pytest.approx(2.0, rel=0.15)
    assert min(times) > 0


def test_the_same_question_gets_the_same_answer_whatever_came_before() -> None:
    person = replace(ANN, error_rate=0.3, seed=4)
    in_order = {decision.id: decision for decision in answers(person)}
    for product in reversed(TRUTH):
        again = person.decide(product, "mugs", at=NOW)
        assert in_order[again.id] == again
    assert answers(replace(person, seed=5)) != answers(person)


def test_what_was_shown_is_recorded() -> None:
    shown = Candidate("p1", "active", 0.75, "because", model_version="v1")
    said = ANN.decide("p1", "mugs", at=NOW, shown=shown)
    assert (said.source, said.score, said.model_version) == ("active", 0.75, "v1")


def test_a_team_is_three_people() -> None:
    team = Team.of(
        TRUTH,
        cost=CostSettings(label_seconds=5.0, audit_seconds=2.0),
        labeler_error=0.1,
        auditor_error=0.05,
        unsure_rate=0.0,
        seed=0,
    )
    people = (team.labeler, team.auditor, team.adjudicator)
    assert len({person.name for person in people}) == 3
    assert [person.role for person in people] == [Role.LABEL, Role.AUDIT, Role.ADJUDICATE]
    assert [person.error_rate for person in people] == [0.1, 0.05, 0.0]
    assert [person.seconds for person in people] == [5.0, 2.0, 10.0]
