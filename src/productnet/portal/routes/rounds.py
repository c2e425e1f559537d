"""Rounds: what each has learnt, starting one, and how far long work is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from productnet.errors import ModelError
from productnet.evaluation.round_metrics import METRICS_FILE, RoundMetrics
from productnet.evaluation.table import TableRow
from productnet.events.kinds import Kind
from productnet.master.presets import PRESETS, find_preset
from productnet.people.accounts import Person
from productnet.people.roles import PersonRole
from productnet.portal.counts import auditing, count_of
from productnet.portal.jobs import Job, JobState
from productnet.portal.portal import Portal
from productnet.portal.security import AskedBy, PortalOf
from productnet.rounds.record import RoundRecord, Step, read_rounds

router = APIRouter(tags=["rounds"])

# Confused pairs that are told of a round, and jobs of the past.
_MOST_CONFUSED = 10
_MOST_JOBS = 5


class JobDetail(BaseModel):
    """Long work, as it stands."""

    id: str
    kind: str = Field(description="round, release or inspection")
    arguments: Mapping[str, str]
    person: str | None = Field(description="Who started it")
    state: JobState
    started_at: datetime
    finished_at: datetime | None
    step: str | None
    message: str | None = Field(description="What it is doing, or why it failed")
    done: int
    total: int | None
    result: Mapping[str, Any] | None
    log: str | None = Field(description="The end of what it printed; for admins")

    @classmethod
    def of(cls, job: Job, reader: Person) -> "JobDetail":
        """A job as it is sent; what it printed may name files, so it is for admins."""
        admin = PersonRole.ADMIN in reader.roles
        return cls(
            id=job.id,
            kind=job.kind,
            arguments=job.arguments,
            person=job.person,
            state=job.state,
            started_at=job.started_at,
            finished_at=job.finished_at,
            step=job.step,
            message=job.message,
            done=job.done,
            total=job.total,
            result=job.result,
            log=job.log if admin else None,
        )


class Mistaken(BaseModel):
    """Products of one leaf that the master model took for another."""

    truth: str
    truth_name: str
    predicted: str
    predicted_name: str
    count: int
    share: float = Field(description="Of the true leaf's test products")


class Learnt(BaseModel):
    """How the master model of a round did on gold kept apart."""

    table: list[TableRow] = Field(description="The master model first, then what it is beside")
    levels: list[float] = Field(description="Accuracy at each level of the tree, from the top")
    ece: float = Field(description="Expected calibration error")
    confused: list[Mistaken]


class RoundDetail(BaseModel):
    """One round."""

    number: int
    preset: str
    image: str | None
    started_at: datetime
    finished: bool
    active: bool = Field(description="Whether its embedding and recommendations are in use")
    steps: dict[Step, float] = Field(description="Steps done, and the seconds each took")
    learnt: Learnt | None = Field(description="Null until it is evaluated")
    fault: str | None = Field(None, description="Why its metrics cannot be read")


class Rounds(BaseModel):
    """Every round, the latest first."""

    items: list[RoundDetail]
    steps: list[Step] = Field(description="The steps of a round, in order")
    presets: list[str]
    preset: str = Field(description="The one used where none is chosen")
    gold: int = Field(
        description="Gold products a round would learn from now, as the one who asks may be told "
        "them: without those of a leaf they audit now, and without what their own audits made"
    )
    gold_leaves: int = Field(description="Leaves that have some")
    jobs: list[JobDetail] = Field(description="The latest, running or over")


class RoundAsked(BaseModel):
    """The round that shall be started."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"preset": "fast"}]})

    preset: str | None = Field(
        None, max_length=100, description="Of the master model; the project's own if absent"
    )


@router.get("/rounds", operation_id="list_rounds")
def list_rounds(portal: PortalOf, person: AskedBy) -> Rounds:
    """What each round has learnt, and the round that runs."""
    active = portal.active.round if portal.active else None
    state = portal.log.state()
    audited = auditing(portal, person)
    gold = [
        count_of(state, person, leaf).gold for leaf in state.categories() if leaf not in audited
    ]
    return Rounds(
        items=[_round(portal, record, active) for record in reversed(read_rounds(portal.project))],
        steps=list(Step),
        presets=list(PRESETS),
        preset=portal.project.settings.master.preset,
        gold=sum(gold),
        gold_leaves=sum(count > 0 for count in gold),
        jobs=jobs_of(portal, "round", person),
    )


@router.post("/rounds", operation_id="start_round", status_code=202)
def start_round(portal: PortalOf, person: AskedBy, asked: RoundAsked) -> JobDetail:
    """Start a round in a process of its own; people go on with the active one meanwhile."""
    preset = asked.preset or portal.project.settings.master.preset
    find_preset(preset)
    job = start_job(portal, "round", {"preset": preset}, person)
    return JobDetail.of(job, person)


@router.get("/jobs", operation_id="get_job")
def get_job(
    portal: PortalOf, person: AskedBy, id: Annotated[str, Query(max_length=200)]
) -> JobDetail:
    """How far long work is."""
    return JobDetail.of(portal.jobs.get(id), person)


@router.post("/jobs/cancel", operation_id="cancel_job")
def cancel_job(
    portal: PortalOf, person: AskedBy, id: Annotated[str, Query(max_length=200)]
) -> JobDetail:
    """Stop long work. A round goes on with the step it was in when it is started again."""
    job = portal.jobs.cancel(id)
    portal.activity.record(Kind.JOB_STOPPED, person=person.name, subject=job.id, work=job.kind)
    return JobDetail.of(job, person)


def start_job(portal: Portal, kind: str, arguments: Mapping[str, str], person: Person) -> Job:
    """Start long work, and note who did."""
    job = portal.jobs.start(kind, arguments, person=person.name)
    portal.activity.record(
        Kind.JOB_STARTED, person=person.name, subject=job.id, work=kind, **arguments
    )
    return job


def jobs_of(portal: Portal, kind: str, person: Person) -> list[JobDetail]:
    """The latest jobs of a kind, newest first."""
    jobs = [job for job in portal.jobs.all() if job.kind == kind]
    return [JobDetail.of(job, person) for job in jobs[:_MOST_JOBS]]


def _round(portal: Portal, record: RoundRecord, active: int | None) -> RoundDetail:
    learnt, fault = None, None
    try:
        learnt = learnt_of(portal, record)
    except ModelError as error:  # one damaged file must not hide the other rounds
        fault = str(error)
    return RoundDetail(
        number=record.number,
        preset=record.preset,
        image=record.image,
        started_at=datetime.fromisoformat(record.started_at),
        finished=record.finished,
        active=record.number == active,
        steps=dict(zip(record.done, record.seconds, strict=True)),
        learnt=learnt,
        fault=fault,
    )


def learnt_of(portal: Portal, record: RoundRecord) -> Learnt | None:
    """What a round has learnt, once it is evaluated; raises ModelError if that is damaged."""
    if Step.EVALUATE not in record.done:
        return None
    metrics = RoundMetrics.load(record.folder(portal.project) / METRICS_FILE)
    return Learnt(
        table=list(metrics.table),
        levels=list(metrics.levels),
        ece=metrics.calibration.ece,
        confused=[
            Mistaken(
                truth=pair.truth,
                truth_name=portal.taxonomy.name_of(pair.truth),
                predicted=pair.predicted,
                predicted_name=portal.taxonomy.name_of(pair.predicted),
                count=pair.count,
                share=pair.share,
            )
            for pair in metrics.confused[:_MOST_CONFUSED]
        ],
    )
