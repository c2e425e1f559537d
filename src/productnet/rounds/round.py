"""One turn of the loop, resumable at each step and activated in one atomic replacement."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from productnet.errors import ProductNetError, ProjectError
from productnet.files import alone
from productnet.progress import SILENT, Progress
from productnet.rounds.record import RoundRecord, Step, new_record, read_rounds
from productnet.rounds.steps import STEPS, Turn
from productnet.settings import Project
from productnet.taxonomy.tree import Taxonomy


@dataclass(frozen=True)
class RoundOutcome:
    """What ``run_round`` did.

    Attributes:
        record: The round, every step done.
        resumed: Whether it went on with a round that was stopped before.
    """

    record: RoundRecord
    resumed: bool


def run_round(
    project: Project,
    *,
    preset: str | None = None,
    image: str | None = None,
    on_step: Callable[[Step], None] = lambda step: None,
    progress: Progress = SILENT,
) -> RoundOutcome:
    """Run a round to its end; the last one, if it was stopped before.

    A round's inputs (gold, preset, seed) are fixed when it starts, so one that was killed and
    resumed equals one that was not. One that cannot train leaves nothing behind.

    Args:
        project: The project; it needs an imported pool, embeddings and gold in two leaves.
        preset: Preset of the master model; the project's setting when absent.
        image: Image encoder instead of the preset's own; the project's setting when absent.
        on_step: Told of every step as it begins.
        progress: Who watches.

    Raises:
        TrainingError: There is too little gold.
        EncoderError: An encoder of the preset is missing here.
        ProjectError: Another round runs in this project, or the taxonomy changed under a stopped
            round.
    """
    project.models_path.mkdir(parents=True, exist_ok=True)
    busy = f"A round is running in {project.root} already. Wait for it to end."
    with alone(project.models_path / ".round.lock", busy=busy):
        return _run(project, preset, image, on_step, progress)


def _run(
    project: Project,
    preset: str | None,
    image: str | None,
    on_step: Callable[[Step], None],
    progress: Progress,
) -> RoundOutcome:
    record, resumed = _next_record(project, preset, image)
    record.save(project)
    for step, work in STEPS.items():
        if step in record.done:
            continue
        on_step(step)
        started = time.perf_counter()
        try:
            work(Turn(project, record, progress))
        except ProductNetError:
            if not record.done:
                shutil.rmtree(record.folder(project))
            raise
        record = record.with_done(step, seconds=time.perf_counter() - started)
        record.save(project)
    return RoundOutcome(record, resumed)


def _next_record(
    project: Project, preset: str | None, image: str | None
) -> tuple[RoundRecord, bool]:
    """The round to work on, and whether it was stopped before."""
    rounds = read_rounds(project)
    last = rounds[-1] if rounds else None
    stopped = last if last is not None and not last.finished else None
    fresh = new_record(
        project,
        number=stopped.number if stopped else (last.number + 1 if last else 1),
        preset=preset,
        image=image,
        taxonomy_hash=Taxonomy.load(project.taxonomy_path).hash,
    )
    if stopped is None:
        return fresh, False
    if stopped.taxonomy_hash != fresh.taxonomy_hash:
        raise ProjectError(
            f"{stopped.name} was stopped under another taxonomy. Delete {stopped.folder(project)} "
            "to start a round under the present one."
        )
    asked_otherwise = preset not in (None, stopped.preset) or image not in (None, stopped.image)
    if asked_otherwise:
        shutil.rmtree(stopped.folder(project))
        return fresh, False
    return stopped, True
