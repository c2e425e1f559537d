"""Simulated people: a labeler, an auditor and an adjudicator who know the reference labels.

What a person answers depends on the question and the seed alone, never on the order of questions:
a simulation stopped and started again gets the same answers.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Self
from uuid import UUID, uuid5

from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.retrieval.candidates import Candidate
from productnet.settings import CostSettings

_PEOPLE = UUID("0b54f2a4-61c5-5b36-8a51-9a4b3b1f7c55")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPerson:
    """Somebody who answers by reference, sometimes wrongly, sometimes not at all.

    Attributes:
        name: As annotator.
        role: The part of the workflow played.
        truth: Product id to leaf.
        error_rate: Share of answers that are the wrong way round.
        unsure_rate: Share of questions not answered.
        seconds: Mean time of a decision.
        spread: Standard deviation of that time, which is log-normal.
        seed: Of everything above.
    """

    name: str
    role: Role
    truth: Mapping[str, str]
    error_rate: float = 0.0
    unsure_rate: float = 0.0
    seconds: float = 3.0
    spread: float = 1.5
    seed: int = 0

    def decide(
        self, product: str, category: str, *, at: datetime, shown: Candidate | None = None
    ) -> Decision:
        """This person's decision on a product for a leaf, begun at ``at``.

        Args:
            product: What is asked about.
            category: The leaf it may belong to.
            at: When; the answer's own time is given in its ``seconds``.
            shown: The candidate, where a source proposed it.
        """
        question = f"{self.seed}/{self.role}/{self.name}/{category}/{product}"
        random = Random(question)
        return Decision(
            id=uuid5(_PEOPLE, question),
            product=product,
            category=category,
            verdict=self._verdict(product, category, random),
            role=self.role,
            annotator=self.name,
            at=at,
            seconds=self._seconds(random),
            source=shown.source if shown else None,
            model_version=shown.model_version if shown else None,
            score=shown.score if shown else None,
        )

    def _verdict(self, product: str, category: str, random: Random) -> Verdict:
        unsure, wrong = random.random() < self.unsure_rate, random.random() < self.error_rate
        if unsure:
            return Verdict.UNSURE
        belongs = self.truth.get(product) == category
        return Verdict.POSITIVE if belongs != wrong else Verdict.NEGATIVE

    def _seconds(self, random: Random) -> float:
        variance = math.log1p((self.spread / self.seconds) ** 2)
        mean = math.log(self.seconds) - variance / 2
        return round(random.lognormvariate(mean, math.sqrt(variance)), 3)


@dataclass(frozen=True, slots=True)
class Team:
    """Three different people, as rules 1 and 2 want them."""

    labeler: SimulatedPerson
    auditor: SimulatedPerson
    adjudicator: SimulatedPerson

    @classmethod
    def of(
        cls,
        truth: Mapping[str, str],
        *,
        cost: CostSettings,
        labeler_error: float,
        auditor_error: float,
        unsure_rate: float,
        seed: int,
    ) -> Self:
        """A team of the usual kind, whose adjudicator takes twice the time and does not err."""
        labeler = SimulatedPerson(
            name="labeler",
            role=Role.LABEL,
            truth=truth,
            error_rate=labeler_error,
            unsure_rate=unsure_rate,
            seconds=cost.label_seconds,
            spread=cost.label_seconds / 2,
            seed=seed,
        )
        auditor = replace(
            labeler,
            name="auditor",
            role=Role.AUDIT,
            error_rate=auditor_error,
            seconds=cost.audit_seconds,
            spread=cost.audit_seconds / 2,
        )
        adjudicator = replace(
            labeler,
            name="adjudicator",
            role=Role.ADJUDICATE,
            error_rate=0.0,
            unsure_rate=0.0,
            seconds=2 * cost.label_seconds,
            spread=cost.label_seconds,
        )
        return cls(labeler, auditor, adjudicator)
