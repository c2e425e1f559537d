"""What a round remembers of itself, so that a killed one goes on where it stopped."""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from productnet.errors import ProjectError
from productnet.files import write_atomically
from productnet.settings import Project, round_name

FORMAT_VERSION = 1
_FOLDER = re.compile(r"round-(\d{4,})")


class Step(StrEnum):
    """The steps of a round, in order."""

    TRAIN = "train"
    EVALUATE = "evaluate"
    EMBED = "embed"
    INDEX = "index"
    RECOMMEND = "recommend"
    ACTIVATE = "activate"


@dataclass(frozen=True)
class RoundRecord:
    """A round's inputs, fixed when it starts, and the steps it has finished.

    Attributes:
        number: 1 for the first round.
        preset: Preset of the master model.
        image: Image encoder instead of the preset's own, if any.
        dimension: Dimension of the product embedding.
        seed: Seed of training and splits.
        test_share: Share of gold kept apart for the evaluation.
        taxonomy_hash: The taxonomy the gold refers to.
        started_at: ISO time, UTC.
        done: Steps finished, in order.
        seconds: Seconds each finished step took.
    """

    number: int
    preset: str
    image: str | None
    dimension: int
    seed: int
    test_share: float
    taxonomy_hash: str
    started_at: str
    done: tuple[Step, ...] = ()
    seconds: tuple[float, ...] = ()
    format_version: int = FORMAT_VERSION

    @property
    def name(self) -> str:
        """The name of the round's folder and of its embedding set."""
        return round_name(self.number)

    @property
    def finished(self) -> bool:
        """Whether every step is done."""
        return len(self.done) == len(Step)

    def folder(self, project: Project) -> Path:
        """Where the round keeps its gold, model, metrics and recommendations."""
        return project.round_path(self.number)

    def with_done(self, step: Step, *, seconds: float) -> "RoundRecord":
        """The record after one more step."""
        return replace(self, done=(*self.done, step), seconds=(*self.seconds, round(seconds, 2)))

    def save(self, project: Project) -> None:
        """Write ``round.json``, whole or not at all."""
        write_atomically(
            self.folder(project) / "round.json", json.dumps(asdict(self), indent=2) + "\n"
        )


def new_record(
    project: Project, *, number: int, preset: str | None, image: str | None, taxonomy_hash: str
) -> RoundRecord:
    """The record of a round about to start; the project's settings where something is None."""
    master = project.settings.master
    return RoundRecord(
        number=number,
        preset=preset or master.preset,
        image=image or master.image,
        dimension=master.dimension,
        seed=project.settings.seed,
        test_share=master.test_share,
        taxonomy_hash=taxonomy_hash,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_rounds(project: Project) -> Sequence[RoundRecord]:
    """Every round of the project, oldest first; one killed before its first record is left out.

    Raises ProjectError if a record was damaged or written by another format version.
    """
    if not project.models_path.is_dir():
        return ()
    folders = [path for path in project.models_path.iterdir() if _FOLDER.fullmatch(path.name)]
    files = sorted(folder / "round.json" for folder in folders)
    return [_read(file) for file in files if file.is_file()]


def _read(file: Path) -> RoundRecord:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        if raw.get("format_version") != FORMAT_VERSION:
            raise ProjectError(
                f"{file} has format {raw.get('format_version')}; this version reads "
                f"{FORMAT_VERSION}."
            )
        steps = tuple(Step(step) for step in raw.pop("done"))
        return RoundRecord(done=steps, seconds=tuple(raw.pop("seconds")), **raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProjectError(
            f"{file} is damaged ({error}). Delete its folder to run that round anew."
        ) from error
