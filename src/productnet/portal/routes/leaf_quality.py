"""The quality numbers of leaves: of each that was begun, and which of them need attention."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.annotation.quality.agreement import Agreement, Proportion
from productnet.annotation.quality.findings import LeafQuality
from productnet.annotation.quality.times import Speed
from productnet.annotation.state import LeafProgress
from productnet.portal.portal import Portal
from productnet.portal.security import PortalOf

router = APIRouter(tags=["dashboard"])

# When a leaf is told of: fewer answers than these say nothing about it.
_MANY_DISPUTES = 3
_ENOUGH_TIMED = 20
_ENOUGH_ANSWERS = 60
# So many times the usual seconds are slow; so few positives among answers are thin.
_SLOW = 1.8
_THIN = 0.1
# Audits ought to confirm at least this share of positives.
_PRECISE = 0.9


class LeafRow(BaseModel):
    """A leaf in numbers, and why it needs attention, if it does."""

    leaf: str
    name: str
    path: list[str]
    why: dict[str, str] = Field(description="disputed, imprecise, slow or thin, each in words")
    progress: LeafProgress
    agreement: Agreement
    precision: Proportion = Field(description="Of labelled positives, those audits confirmed")
    speed: Speed


class LeafRows(BaseModel):
    """Some leaves."""

    items: list[LeafRow]
    next_cursor: str | None


Sort = Literal["precision", "agreement", "speed", "disputed", "decisions", "name"]

# What comes first by each; what is not known comes last.
_SORTS: Mapping[Sort, Callable[[LeafRow], tuple[object, ...]]] = {
    "precision": lambda row: (row.precision.share is None, row.precision.share or 0.0),
    "agreement": lambda row: (
        row.agreement.agreed.share is None,
        row.agreement.agreed.share or 0.0,
    ),
    "speed": lambda row: (row.speed.median is None, -(row.speed.median or 0.0)),
    "disputed": lambda row: (-row.progress.disputed,),
    "decisions": lambda row: (-row.progress.decisions,),
    "name": lambda row: (row.name.casefold(),),
}


@router.get("/dashboard/leaves", operation_id="list_leaf_quality")
def list_leaf_quality(
    portal: PortalOf,
    sort: Annotated[Sort, Query(description="The worst, slowest or most first")] = "precision",
    cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,9}$")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> LeafRows:
    """Agreement, precision and speed of every leaf that was begun."""
    portal.quality.refresh()
    rows = sorted(
        (_row(portal, *one) for one in _seen(portal, portal.quality.leaves())),
        key=lambda row: (_SORTS[sort](row), row.leaf),
    )
    begin = int(cursor or 0)
    end = begin + limit
    return LeafRows(items=rows[begin:end], next_cursor=str(end) if end < len(rows) else None)


def concerns_of(
    portal: Portal, leaves: Sequence[LeafQuality], *, most: int
) -> tuple[list[LeafRow], int]:
    """Leaves that need attention, those with most against them first, and how many there are."""
    found = [(seen, why) for seen, why in _seen(portal, leaves) if why]

    def worst_first(one: tuple[_Seen, dict[str, str]]) -> tuple[int, int, str]:
        seen, why = one
        return -len(why), -seen.progress.disputed, portal.taxonomy[seen.quality.leaf].name

    found.sort(key=worst_first)
    return [_row(portal, seen, why) for seen, why in found[:most]], len(found)


def usual_seconds(leaves: Sequence[LeafQuality]) -> float | None:
    """The median of leaves' medians, each as often as it was timed."""
    speeds = [leaf.speed for leaf in leaves]
    known = sorted((speed.median, speed.timed) for speed in speeds if speed.median is not None)
    left = sum(timed for _, timed in known) / 2
    for median, timed in known:
        left -= timed
        if left <= 0:
            return median
    return None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a leaf's concerns are judged by."""

    quality: LeafQuality
    progress: LeafProgress
    target: int
    usual: float | None


def _disputed(seen: _Seen) -> str | None:
    count = seen.progress.disputed
    return f"{count} disputes are open" if count >= _MANY_DISPUTES else None


def _imprecise(seen: _Seen) -> str | None:
    found = seen.quality.precision
    # The whole interval has to lie below, so that three audits alone accuse nobody.
    if found.share is None or found.high >= _PRECISE:
        return None
    return f"audits confirm {found.share:.0%} of {found.of} positives"


def _slow(seen: _Seen) -> str | None:
    speed = seen.quality.speed
    if speed.median is None or seen.usual is None or speed.timed < _ENOUGH_TIMED:
        return None
    if speed.median < _SLOW * seen.usual:
        return None
    return f"an answer takes {speed.median:.1f} s, elsewhere {seen.usual:.1f} s"


def _thin(seen: _Seen) -> str | None:
    positives, answers = seen.progress.labelled_positive, seen.progress.decisions
    if positives >= seen.target or answers < _ENOUGH_ANSWERS or positives > _THIN * answers:
        return None
    return f"{positives} positives in {answers} answers"


_WHY: Mapping[str, Callable[[_Seen], str | None]] = {
    "disputed": _disputed,
    "imprecise": _imprecise,
    "slow": _slow,
    "thin": _thin,
}


def _seen(portal: Portal, leaves: Sequence[LeafQuality]) -> Iterator[tuple[_Seen, dict[str, str]]]:
    """Leaves of the taxonomy, in the order they were begun, and why they need attention."""
    state, usual = portal.log.state(), usual_seconds(leaves)
    target = portal.project.settings.targets.positives
    for leaf in leaves:
        if leaf.leaf in portal.taxonomy:
            seen = _Seen(leaf, state.progress(leaf.leaf), target, usual)
            yield seen, {name: words for name, tell in _WHY.items() if (words := tell(seen))}


def _row(portal: Portal, seen: _Seen, why: dict[str, str]) -> LeafRow:
    leaf, category = seen.quality, portal.taxonomy[seen.quality.leaf]
    return LeafRow(
        leaf=category.id,
        name=category.name,
        path=list(category.path),
        why=why,
        progress=seen.progress,
        agreement=leaf.agreement,
        precision=leaf.precision,
        speed=leaf.speed,
    )
