"""An answer to be sent: made once, under an id of its own, and sent until it is acknowledged."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["label", "audit", "adjudicate", "challenge", "undo"]
Verdict = Literal["positive", "negative", "unsure"]


class Answer(BaseModel):
    """What somebody says of a product and a leaf.

    Sending one twice records it once, so keep it until it is acknowledged.

    Attributes:
        id: Made here; names the answer for ever.
        product: The product's id.
        leaf: The leaf's id.
        role: The part of the workflow.
        verdict: None for an undo.
        undoes: For an undo, the id of the answer taken back.
        at: When it was given, UTC.
        seconds: How long it took.
        source: The source that showed the candidate.
        model_version: The model behind that source.
        score: The candidate's score.
        note: The person's own words.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: UUID = Field(default_factory=uuid4)
    product: str
    leaf: str
    role: Role
    verdict: Verdict | None = None
    undoes: UUID | None = None
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    seconds: float | None = None
    source: str | None = None
    model_version: str | None = None
    score: float | None = None
    note: str | None = None

    def undo(self) -> "Answer":
        """The answer that takes this one back."""
        return Answer(product=self.product, leaf=self.leaf, role="undo", undoes=self.id)
