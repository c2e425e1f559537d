"""The dashboard: how much is done, how well people agree, how fast they are, what needs a look."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from productnet.annotation.decisions import IMPORTED, Task
from productnet.annotation.quality.agreement import Agreement, Proportion
from productnet.annotation.quality.checks import CheckResult
from productnet.annotation.quality.findings import Day, PairQuality, PersonQuality
from productnet.annotation.quality.times import Speed
from productnet.errors import ModelError
from productnet.evaluation.table import TableRow
from productnet.portal.portal import Portal
from productnet.portal.routes.leaf_quality import LeafRow, concerns_of, usual_seconds
from productnet.portal.routes.rounds import learnt_of
from productnet.portal.security import PortalOf
from productnet.rounds.record import read_rounds

router = APIRouter(tags=["dashboard"])

_MOST_LEAVES = 30
_MOST_CONFUSED = 12
_MOST_PAIRS = 60


class Worker(BaseModel):
    """One person at one task."""

    person: str
    display_name: str
    task: Task
    decisions: int
    unsure: Proportion
    speed: Speed
    agreement: Agreement
    precision: Proportion = Field(description="Of a labeler's positives, those audits confirmed")
    lately: Proportion = Field(description="Agreement over the last answers that met another's")
    flags: list[str] = Field(description="What changed lately, in words")
    checks: CheckResult | None = Field(description="How they answered check items")


class Together(BaseModel):
    """Two people who answered for the same products."""

    first: str
    second: str
    agreement: Agreement


class Mixed(BaseModel):
    """A leaf for which somebody said yes to another leaf's gold."""

    said: str
    said_name: str
    gold: str
    gold_name: str
    products: int
    siblings: bool


class RoundRows(BaseModel):
    """Table 1 of a round."""

    number: int
    table: list[TableRow]


class Dashboard(BaseModel):
    """Everything the lead looks at."""

    seq: int
    days: list[Day] = Field(
        description="Every day asked for, the latest last: today, or, where all would be empty, "
        "the last day on which somebody answered"
    )
    gold: int
    decisions: int
    agreement: Agreement = Field(description="Labels beside their audits, of everybody")
    precision: Proportion = Field(description="Of labelled positives, those audits confirmed")
    seconds: float | None = Field(description="Median seconds of an answer")
    people: list[Worker]
    pairs: list[Together]
    concerns: list[LeafRow] = Field(description="Those with most against them first")
    more_concerns: int
    confused: list[Mixed] = Field(description="What people take for each other")
    rounds: list[RoundRows]


@router.get("/dashboard", operation_id="get_dashboard")
def get_dashboard(
    portal: PortalOf, days: Annotated[int, Query(ge=7, le=366, description="To look back")] = 30
) -> Dashboard:
    """The project at a glance; days are days of UTC."""
    quality = portal.quality
    quality.refresh()
    state, overall, leaves = portal.log.state(), quality.overall(), quality.leaves()
    progress = {leaf: state.progress(leaf) for leaf in state.categories()}
    concerns, all_concerns = concerns_of(portal, leaves, most=_MOST_LEAVES)
    checks = {result.person: result for result in portal.checks.lately(state)}
    names = {person.name: person.display_name for person in portal.doors.people.all()}
    return Dashboard(
        seq=state.seq,
        days=_filled(quality.days(), days),
        gold=sum(one.gold for one in progress.values()),
        decisions=sum(one.decisions for one in progress.values()),
        agreement=overall.agreement,
        precision=overall.precision,
        seconds=usual_seconds(leaves),
        people=[
            _worker(person, names, checks)
            for person in quality.people()
            if person.person != IMPORTED
        ],
        pairs=[_together(pair) for pair in quality.pairs()[:_MOST_PAIRS]],
        concerns=concerns,
        more_concerns=all_concerns - len(concerns),
        confused=[
            Mixed(
                said=pair.said,
                said_name=portal.taxonomy.name_of(pair.said),
                gold=pair.gold,
                gold_name=portal.taxonomy.name_of(pair.gold),
                products=pair.products,
                siblings=pair.siblings,
            )
            for pair in quality.confused(portal.taxonomy, most=_MOST_CONFUSED)
        ],
        rounds=_rounds(portal),
    )


def _filled(known: Sequence[Day], days: int) -> list[Day]:
    """The last days, those on which nothing was done included.

    They end today, or, where nobody answered in all of them, with the last day on which somebody
    did: a project that was taken up again shows what was done before.
    """
    by_day = {day.day: day for day in known}
    today = datetime.now(UTC).date()
    latest = max(by_day, default=today)
    # Clocks that go ahead must not hide what they stamped.
    last = latest if latest > today or latest <= today - timedelta(days=days) else today
    wanted: list[date] = [last - timedelta(days=back) for back in reversed(range(days))]
    return [by_day.get(day, Day(day, 0, 0.0, 0)) for day in wanted]


def _worker(
    person: PersonQuality, names: Mapping[str, str], checks: Mapping[str, CheckResult]
) -> Worker:
    return Worker(
        person=person.person,
        display_name=names.get(person.person, person.person),
        task=person.task,
        decisions=person.decisions,
        unsure=person.unsure,
        speed=person.speed,
        agreement=person.agreement,
        precision=person.precision,
        lately=person.drift.lately,
        flags=list(person.drift.flags),
        checks=checks.get(person.person) if person.task is Task.LABEL else None,
    )


def _rounds(portal: Portal) -> list[RoundRows]:
    found: list[RoundRows] = []
    for record in read_rounds(portal.project):
        # The page of rounds tells of one that cannot be read.
        with suppress(ModelError):
            if learnt := learnt_of(portal, record):
                found.append(RoundRows(number=record.number, table=learnt.table))
    return found


def _together(pair: PairQuality) -> Together:
    return Together(first=pair.first, second=pair.second, agreement=pair.agreement)
