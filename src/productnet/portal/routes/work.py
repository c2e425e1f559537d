"""What people do all day: take candidates, answer, audit, settle what is disputed."""

import base64
import time
from dataclasses import replace
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from productnet.annotation.audits import audit_sheet, audited_by
from productnet.annotation.quality.aside import known_answer
from productnet.annotation.state import LeafProgress
from productnet.errors import UsageError
from productnet.local.ask import Ask
from productnet.local.registry import LOCAL_MODELS
from productnet.portal.answers import Answer, Receipt, record_answers
from productnet.portal.cards import Card
from productnet.portal.counts import counts_of
from productnet.portal.planting import with_checks
from productnet.portal.routes.taxonomy import LeafId
from productnet.portal.security import AskedBy, PortalOf
from productnet.retrieval.adhoc import AdHoc
from productnet.retrieval.asking import Asked, source_for
from productnet.retrieval.candidates import Leaf
from productnet.retrieval.keyword import Keyword
from productnet.retrieval.page import next_page
from productnet.retrieval.registry import DEFAULT, SOURCES

router = APIRouter(tags=["work"])

# Characters of base64 that the largest image may take; its bytes are checked when it is decoded.
_MOST_BASE64 = 30_000_000


# Registries are open, so the schema names what they hold and their own errors refuse the rest.
SourceName = Annotated[str, Field(json_schema_extra={"enum": list(SOURCES)})]
ModelName = Annotated[str, Field(json_schema_extra={"enum": list(LOCAL_MODELS)})]


class CandidatesAsked(BaseModel):
    """Which candidates are wanted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"leaf": "kitchen/mugs", "source": "mixed", "count": 20}]},
    )

    leaf: str
    source: SourceName | None = Field(None, description="mixed by default")
    count: int = Field(20, ge=1, le=200)
    exclude: list[str] = Field([], max_length=5_000, description="Products not to show again")
    ask: Ask | None = Field(None, description="active: what the local model is asked for")
    model: ModelName | None = Field(None, description="active: kind of local model")
    query: str | None = Field(None, max_length=2_000, description="keyword: words to search")
    fields: list[str] | None = Field(None, max_length=50, description="keyword: where to search")
    ids: str | None = Field(None, max_length=1_000_000, description="adhoc: product ids")
    text: str | None = Field(None, max_length=100_000, description="adhoc: a text to be like")
    image_url: str | None = Field(None, max_length=4_000, description="adhoc: a picture's URL")
    image_base64: str | None = Field(
        None, max_length=_MOST_BASE64, description="adhoc: a picture itself"
    )


class CandidateCard(Card):
    """A product proposed for a leaf, and why."""

    source: str
    score: float = Field(description="Closeness to the leaf, 0 to 1; comparable within a source")
    reason: str
    model_version: str | None
    behind: int = Field(description="Decisions of the leaf that the model had not seen")
    copies: list[str] = Field(description="Near-duplicates that the card stands for as well")
    copy_count: int


class Candidates(BaseModel):
    """A page of candidates."""

    candidates: list[CandidateCard]
    unknown_ids: list[str] = Field(description="Ids given that are not in the pool")
    model_version: str | None = Field(description="Of the local model, where one stands behind")
    behind: int


class Decisions(BaseModel):
    """Answers to be recorded, each by itself, in this order."""

    decisions: list[Answer] = Field(min_length=1, max_length=200)


class Recorded(BaseModel):
    """What became of each answer; what is not refused is on disk."""

    results: list[Receipt]
    progress: dict[str, LeafProgress] = Field(
        description="Of the leaves that were decided on, less those that one audits now: gold or "
        "disputed would tell what the labeler had said"
    )


class AuditPage(BaseModel):
    """Products to audit, and nothing that tells what was said of them."""

    items: list[Card]
    left: int = Field(description="Products of the leaf that wait for the one who asks")
    answered: int = Field(description="Products of the leaf that they have audited")
    next_cursor: str | None = Field(description="Give it as `cursor` for what follows")


@router.post("/candidates", operation_id="get_candidates")
def get_candidates(portal: PortalOf, person: AskedBy, asked: CandidatesAsked) -> Candidates:
    """The next page of a leaf: the products most worth a look, and why each is there."""
    began = time.perf_counter()
    source = source_for(asked.source, _options(asked))
    resources, cards = portal.resources, portal.cards
    state = portal.log.state()
    leaf = Leaf.of(asked.leaf, state=state, taxonomy=portal.taxonomy).without(asked.exclude)
    if isinstance(source, AdHoc | Keyword):
        # Whoever looks for a product by its id or its words would find all but check items.
        leaf = _with_checks_to_find(portal, person, leaf, asked.exclude)
    rng = np.random.default_rng()
    page = next_page(source, leaf, resources, count=asked.count, rng=rng)
    if not isinstance(source, AdHoc):  # what somebody names is shown, and nothing else
        page = with_checks(
            page,
            leaf,
            person.name,
            checks=portal.checks,
            share=portal.project.settings.workflow.check_share,
            state=state,
            taxonomy=portal.taxonomy,
            exclude=asked.exclude,
            rng=rng,
        )
    shown = [
        CandidateCard(
            **card.model_dump(),
            source=one.source,
            score=one.score,
            reason=one.reason,
            model_version=one.model_version,
            behind=one.behind,
            copies=list(one.copies),
            copy_count=one.copy_count,
        )
        for one, card in zip(page, cards.of([one.product for one in page]), strict=True)
    ]
    portal.metrics.candidates_seconds.labels(asked.source or DEFAULT).observe(
        time.perf_counter() - began
    )
    modelled = [one for one in page if one.model_version is not None]
    unknown = getattr(source, "unknown", None)
    return Candidates(
        candidates=shown,
        unknown_ids=unknown(resources)[:100] if unknown else [],
        model_version=modelled[0].model_version if modelled else None,
        behind=max((one.behind for one in modelled), default=0),
    )


@router.post("/decisions", operation_id="record_decisions")
def record_decisions(portal: PortalOf, person: AskedBy, sent: Decisions) -> Recorded:
    """Record answers. Send them again, under the same ids, until they are acknowledged."""
    receipts = record_answers(portal, person, sent.decisions)
    leaves = {answer.leaf for answer in sent.decisions if answer.leaf in portal.taxonomy}
    return Recorded(
        results=receipts, progress=counts_of(portal, portal.log.recent(), person, leaves)
    )


@router.get("/audit", operation_id="get_audit")
def get_audit(
    portal: PortalOf,
    person: AskedBy,
    leaf: LeafId,
    count: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Annotated[str, Query(pattern=r"^[0-9a-f]{0,64}$")] = "",
) -> AuditPage:
    """Products of a leaf for this person to audit, in no order that tells anything."""
    leaf, state = portal.taxonomy[leaf].id, portal.log.state()
    sheet = audit_sheet(state, leaf, auditor=person.name, count=count, after=cursor)
    return AuditPage(
        items=portal.cards.of(sheet.products),
        left=sheet.left,
        answered=len(audited_by(state, leaf, person.name)),
        next_cursor=sheet.cursor,
    )


def _with_checks_to_find(portal: PortalOf, person: AskedBy, leaf: Leaf, exclude: list[str]) -> Leaf:
    """The leaf, the check items that wait for this person not hidden."""
    category, state = leaf.category.id, portal.log.state()
    waiting = {
        product
        for product, history in state.histories(
            portal.checks.waiting(category, person.name)
        ).items()
        if known_answer(history, category) is not None
    }
    return replace(leaf, hidden=leaf.hidden - waiting.difference(exclude))


def _options(asked: CandidatesAsked) -> Asked:
    image: bytes | str | None = asked.image_url
    if asked.image_base64 is not None:
        if image is not None:
            raise UsageError("Give one image: image_url or image_base64.")
        try:
            image = base64.b64decode(asked.image_base64, validate=True)
        except ValueError as error:  # which binascii.Error is; letters outside ASCII are no more
            raise UsageError(f"image_base64 is not base64: {error}.") from error
    return Asked(
        ask=asked.ask,
        model=asked.model,
        query=asked.query,
        fields=asked.fields or None,
        ids=asked.ids,
        text=asked.text,
        image=image,
    )
