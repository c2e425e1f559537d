"""Rounds and releases are told once, also of those whose end nobody saw."""

from pathlib import Path

import pytest

from productnet.database.database import Database
from productnet.errors import TrainingError
from productnet.events.activity import Activity
from productnet.events.kinds import Kind
from productnet.events.webhooks import Webhooks
from productnet.rounds.news import tell, telling
from productnet.rounds.record import RoundRecord, Step
from productnet.settings import Project, Settings


def a_round(project: Project, number: int, *, done: tuple[Step, ...] = tuple(Step)) -> None:
    record = RoundRecord(
        number=number,
        preset="fast",
        image=None,
        dimension=8,
        seed=0,
        test_share=0.2,
        taxonomy_hash="h",
        started_at="2026-01-01T00:00:00+00:00",
        done=done,
        seconds=(1.0,) * len(done),
    )
    record.folder(project).mkdir(parents=True)
    record.save(project)


def told(project: Project) -> list[tuple[Kind, str | None]]:
    with Database.open(project.database_url) as database:
        return [(one.kind, one.subject) for one in reversed(Activity(database).page().items)]


def test_what_is_finished_is_told_once_and_to_webhooks(tmp_path: Path) -> None:
    project = Project.create(tmp_path, Settings())
    with Database.open(project.database_url) as database:
        activity = Activity(database)
        Webhooks(database, activity).add("https://shop.example/", ["round.activated"])
        a_round(project, 1)
        a_round(project, 2, done=(Step.TRAIN,))
        (project.releases_path / "1.0.0").mkdir(parents=True)
        (project.releases_path / "1.0.0" / "manifest.json").write_text("{}")
        (project.releases_path / ".1.0.1.abc.1.draft").mkdir()
        for _ in range(3):
            tell(project, activity)
    assert told(project)[1:] == [(Kind.ROUND_ACTIVATED, "1"), (Kind.RELEASE_MADE, "1.0.0")]


def test_work_that_fails_is_told_without_its_text(tmp_path: Path) -> None:
    project = Project.create(tmp_path, Settings())
    with pytest.raises(TrainingError), telling(project, failure=Kind.ROUND_FAILED):
        raise TrainingError("Product p7 is a problem.")
    with Database.open(project.database_url) as database:
        (event,) = Activity(database).page().items
    assert (event.kind, event.details) == (Kind.ROUND_FAILED, {"error": "TrainingError"})


def test_work_that_ends_well_tells_what_there_is(tmp_path: Path) -> None:
    project = Project.create(tmp_path, Settings())
    with telling(project, failure=Kind.ROUND_FAILED):
        a_round(project, 1)
    assert told(project) == [(Kind.ROUND_ACTIVATED, "1")]
