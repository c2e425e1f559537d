"""One turn of the loop, resumable at each step and activated in one atomic replacement."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

from productnet.errors import ProjectError
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
    on_step: Callable[[Step], None] = lambda step: None,
    progress: Progress = SILENT,
) -> RoundOutcome:
    """Run a round to its end; the last one, if it was stopped before.

    A round's inputs (gold, preset, seed) are fixed when it starts, so one that was killed and
    resumed equals one that was not.

    Args:
        project: The project; it needs an imported pool, embeddings and gold in two leaves.
        preset: Preset of the master model; the project's setting when absent.
        on_step: Told of every step as it begins.
        progress: Who watches.

    Raises:
        TrainingError: There is too little gold.
        ProjectError: Another round runs in this project, or the taxonomy changed under a stopped
            round.
    """
    project.models_path.mkdir(parents=True, exist_ok=True)
    busy = f"A round is running in {project.root} already. Wait for it to end."
    with alone(project.models_path / ".round.lock", busy=busy):
        return _run(project, preset, on_step, progress)


def _run(
    project: Project, preset: str | None, on_step: Callable[[Step], None], progress: Progress
) -> RoundOutcome:
    taxonomy_hash = Taxonomy.load(project.taxonomy_path).hash
    record, resumed = _next_record(project, preset, taxonomy_hash)
    record.save(project)
    for step, work in STEPS.items():
        if step in record.done:
            continue
        on_step(step)
        started = time.perf_counter()
        work(Turn(project, record, progress))
        record = record.with_done(step, seconds=time.perf_counter() - started)
        record.save(project)
    return RoundOutcome(record, resumed)


def _next_record(
    project: Project, preset: str | None, taxonomy_hash: str
) -> tuple[RoundRecord, bool]:
    rounds = read_rounds(project)
    last = rounds[-1] if rounds else None
    if last is None or last.finished:
        number = last.number + 1 if last else 1
        return new_record(project, number=number, preset=preset, taxonomy_hash=taxonomy_hash), False
    if last.taxonomy_hash != taxonomy_hash:
        raise ProjectError(
            f"{last.name} was stopped under another taxonomy. Delete {last.folder(project)} to "
            "start a round under the present one."
        )
    if preset is not None and preset != last.preset:
        # Its gold is frozen, but nothing else of a round may mix presets.
        shutil.rmtree(last.folder(project))
        return (
            new_record(project, number=last.number, preset=preset, taxonomy_hash=taxonomy_hash),
            False,
        )
    return last, True
