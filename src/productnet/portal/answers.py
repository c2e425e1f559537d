"""Answers as browsers and programs send them: checked one by one, recorded, and acknowledged."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from productnet.annotation.commits import Status
from productnet.annotation.decisions import Decision, Role, Verdict
from productnet.errors import ProductNetError, WorkflowError
from productnet.people.accounts import Person
from productnet.people.roles import PersonRole

if TYPE_CHECKING:
    from productnet.portal.portal import Portal

# What a person has to be for a decision of each role; an undo is of one's own and takes nothing.
_NEEDED = {
    Role.LABEL: PersonRole.LABELER,
    Role.AUDIT: PersonRole.AUDITOR,
    Role.ADJUDICATE: PersonRole.ADJUDICATOR,
    Role.CHALLENGE: PersonRole.ADJUDICATOR,
}


# Characters of an id; what is longer is none, and would only be repeated in an error.
_LONGEST_ID = 2_000


def _as_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC, it is not a time between the years 1 and 9999") from None


class AnswerRole(StrEnum):
    """The roles that people's answers have."""

    LABEL = "label"
    AUDIT = "audit"
    ADJUDICATE = "adjudicate"
    CHALLENGE = "challenge"
    UNDO = "undo"


class Answer(BaseModel):
    """One answer, under an id that whoever sends it has made."""

    model_config = ConfigDict(extra="forbid")

    id: UUID = Field(description="Made once by the sender; sending it twice records it once")
    product: str = Field(max_length=_LONGEST_ID)
    leaf: str = Field(max_length=_LONGEST_ID)
    role: AnswerRole
    verdict: Verdict | None = Field(None, description="None for an undo alone")
    undoes: UUID | None = Field(None, description="For an undo, the answer taken back")
    at: Annotated[AwareDatetime, AfterValidator(_as_utc)] | None = Field(
        None, description="When it was given; now, if absent or still to come"
    )
    seconds: float | None = Field(None, ge=0, le=86_400, description="How long it took")
    source: str | None = Field(None, max_length=100)
    model_version: str | None = Field(None, max_length=200)
    score: float | None = None
    note: str | None = Field(None, max_length=2_000)


class Receipt(BaseModel):
    """What became of one answer."""

    id: UUID
    status: Status = Field(description="known: it was recorded before, and sent again")
    detail: str | None = Field(None, description="Why it was refused, and what to do")


def record_answers(portal: "Portal", person: Person, answers: Sequence[Answer]) -> list[Receipt]:
    """Record answers in their order; one that is refused keeps no other from being recorded.

    When this returns, all that are not refused are on disk, and the local models of their leaves
    are being refitted.
    """
    began = time.perf_counter()
    # By their places, since nothing keeps a program from giving two answers one id.
    receipts: dict[int, Receipt] = {}
    allowed: dict[int, Decision] = {}
    for place, answer in enumerate(answers):
        try:
            allowed[place] = _decision(person, answer)
        except ProductNetError as error:
            receipts[place] = Receipt(id=answer.id, status=Status.REFUSED, detail=str(error))
    outcomes = portal.workflow.record_each(list(allowed.values()))
    for place, outcome in zip(allowed, outcomes, strict=True):
        detail = None if outcome.error is None else str(outcome.error)
        receipts[place] = Receipt(id=outcome.id, status=outcome.status, detail=detail)
    for leaf in dict.fromkeys(decision.category for decision in allowed.values()):
        if leaf in portal.taxonomy:
            portal.live.decided(leaf)
    told = [receipts[place] for place in range(len(answers))]
    for answer, receipt in zip(answers, told, strict=True):
        portal.metrics.decisions.labels(answer.role, receipt.status).inc()
    portal.metrics.acknowledgement_seconds.observe(time.perf_counter() - began)
    return told


def _decision(person: Person, answer: Answer) -> Decision:
    """What is to be recorded; raises WorkflowError if this person may not say it."""
    role = Role(answer.role)
    needed = _NEEDED.get(role)
    if needed is not None and needed not in person.roles and PersonRole.ADMIN not in person.roles:
        raise WorkflowError(
            f"{person.name} is no {needed}, and cannot {role} products. Ask an admin for the role."
        )
    now = datetime.now(UTC)
    return Decision(
        id=answer.id,
        product=answer.product,
        category=answer.leaf,
        verdict=answer.verdict,
        role=role,
        annotator=person.name,
        # A computer whose clock goes ahead must not put the dashboard into another year.
        at=min(answer.at or now, now),
        seconds=answer.seconds,
        source=answer.source,
        model_version=answer.model_version,
        score=answer.score,
        note=answer.note or None,
        undoes=answer.undoes,
    )
