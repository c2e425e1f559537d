"""A decision: an appended fact about a product and a leaf, from which every state is computed."""

import math
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict, Unpack
from uuid import UUID, uuid4

from productnet.errors import WorkflowError

# The annotator of labels that came with a feed.
IMPORTED = "imported"


class Verdict(StrEnum):
    """What a person says of a product and a leaf. *Unsure* counts as neither of the others."""

    POSITIVE = "positive"
    NEGATIVE = "negative"
    UNSURE = "unsure"


class Role(StrEnum):
    """In which part of the workflow a decision was taken."""

    LABEL = "label"
    AUDIT = "audit"
    ADJUDICATE = "adjudicate"
    IMPORT = "import"
    CHALLENGE = "challenge"
    UNDO = "undo"


class Task(StrEnum):
    """What a person is at work on in a leaf."""

    LABEL = "label"
    AUDIT = "audit"
    ADJUDICATE = "adjudicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One appended fact.

    Attributes:
        id: Made by the client; sending a decision twice records it once.
        product: The product judged.
        category: The leaf it was judged for.
        verdict: What was said; None for an undo alone.
        role: The part of the workflow; ``IMPORT`` is a trusted label that came with the feed,
            ``CHALLENGE`` a doubt about what was confirmed, by a person or a model.
        annotator: Who said it.
        at: When, with a time zone; kept as UTC.
        seconds: How long it took, where known.
        source: The source that showed the candidate, where one did.
        model_version: The version of the model behind that source, where one was.
        score: The candidate's score, where it had one.
        note: The annotator's own words.
        undoes: For an undo, the decision taken back.
    """

    id: UUID
    product: str
    category: str
    verdict: Verdict | None
    role: Role
    annotator: str
    at: datetime
    seconds: float | None = None
    source: str | None = None
    model_version: str | None = None
    score: float | None = None
    note: str | None = None
    undoes: UUID | None = None

    def __post_init__(self) -> None:
        """Refuse what no database could give back as it was; raises WorkflowError."""
        if self.at.tzinfo is None:
            raise WorkflowError(f"Decision {self.id} has a time without a zone. Give it in UTC.")
        object.__setattr__(self, "at", self.at.astimezone(UTC))
        undo = self.role is Role.UNDO
        if undo != (self.undoes is not None) or undo != (self.verdict is None):
            raise WorkflowError(
                f"Decision {self.id} has role {self.role}, verdict {self.verdict} and undoes "
                f"{self.undoes}. An undo names a decision and has no verdict; others the reverse."
            )
        for name in ("product", "category", "annotator", "source", "model_version", "note"):
            text = getattr(self, name)
            if text is not None and not _storable(text):
                raise WorkflowError(
                    f"Decision {self.id}: its {name} {text!r} holds a NUL or half a character, "
                    "which cannot be stored. Send it without."
                )
        for name in ("seconds", "score"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise WorkflowError(
                    f"Decision {self.id}: its {name} is {number}. Send a finite number, or none."
                )
        if self.seconds is not None and self.seconds < 0:
            raise WorkflowError(f"Decision {self.id} took {self.seconds} seconds. Send 0 or more.")

    def says_the_same_as(self, other: "Decision") -> bool:
        """Whether both are one decision sent twice; the time may differ, and the first stands."""
        return all(
            getattr(self, field.name) == getattr(other, field.name)
            for field in fields(self)
            if field.name != "at"
        )


class Details(TypedDict, total=False):
    """What a decision may say beside its verdict; see ``Decision``."""

    id: UUID
    at: datetime
    seconds: float | None
    source: str | None
    model_version: str | None
    score: float | None
    note: str | None


def decide(
    role: Role,
    product: str,
    category: str,
    *,
    verdict: Verdict,
    annotator: str,
    **details: Unpack[Details],
) -> Decision:
    """A decision taken now, under a new id, unless the details name the time and the id."""
    details.setdefault("id", uuid4())
    details.setdefault("at", datetime.now(UTC))
    return Decision(
        role=role,
        product=product,
        category=category,
        verdict=verdict,
        annotator=annotator,
        **details,
    )


def _storable(text: str) -> bool:
    if text.isascii():
        return "\0" not in text
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
