"""The category of every product of the pool, as the master model in use decides it.

What a round predicted is taken where it is of this pool; otherwise the model goes over the pool.
Answers lie in memory-mapped columns, sixteen bytes a product, whatever the pool's size.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.embeddings.stamp import read_stamp
from productnet.engine.base import Engine, Stage
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError, ProjectError
from productnet.files import mapped_array
from productnet.locations import location
from productnet.master.caches import compute_missing_features
from productnet.master.model import Embedded, MasterModel
from productnet.master.predictions import NO_CATEGORY, PREDICTIONS_FILE
from productnet.master.sources import PoolPart
from productnet.master.thresholds import Thresholds
from productnet.progress import Progress
from productnet.rounds.steps import MODEL_FOLDER
from productnet.serving.shipped import ShippedModel
from productnet.settings import Project

_LIKELIEST = "likeliest.npy"
_CONFIDENCE = "confidence.npy"
_DRAFT = "confidence.draft.npy"
_ORDERED = "ordered.npy"

# Products that a worker answers for at a time; a block of ``MasterModel.embed``.
_PIECE = 4_096

# Products whose numbers are in memory at a time.
_BLOCK = 1_048_576

Numbers = npt.NDArray[np.int32]
Confidences = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PoolCategories:
    """Answers for the N products of a pool, in its order.

    Attributes:
        classes: The categories (K).
        likeliest: Number of the likeliest category (N,), memory-mapped.
        confidence: Its calibrated probability (N,), memory-mapped.
        thresholds: The least confidence at which it is taken; None takes every one.
    """

    classes: tuple[str, ...]
    likeliest: Numbers
    confidence: Confidences
    thresholds: Thresholds | None

    def __len__(self) -> int:
        return len(self.likeliest)

    def decided(self, start: int, stop: int) -> Numbers:
        """The category decided on (n,) of these rows; NO_CATEGORY where it is not sure enough."""
        numbers = np.array(self.likeliest[start:stop], np.int32)
        if self.thresholds is not None:
            taken = self.thresholds.takes(numbers, self.confidence[start:stop])
            numbers[~taken] = NO_CATEGORY
        return numbers

    def blocks(self) -> Iterator[tuple[int, Numbers]]:
        """The categories decided on, block by block, each with its first row."""
        for start in range(0, len(self), _BLOCK):
            yield start, self.decided(start, min(start + _BLOCK, len(self)))

    def counts(self) -> npt.NDArray[np.int64]:
        """Products of each category, and last those without one: (K + 1,)."""
        counts = np.zeros(len(self.classes) + 1, np.int64)
        for _, numbers in self.blocks():
            # NO_CATEGORY counts as the last.
            counts += np.bincount(numbers % len(counts), minlength=len(counts))
        return counts

    def ordered(self, folder: Path) -> Rows:
        """The rows of the pool (N,), category after category, last those without one.

        Within a category they ascend. They lie in this folder, memory-mapped.
        """
        ordered = mapped_array(folder / _ORDERED, dtype=np.int64, shape=(len(self),))
        counts = self.counts()
        free = np.cumsum(counts) - counts  # (K + 1,) where the next row of each category goes
        for start, numbers in self.blocks():
            kinds = numbers % len(counts)
            order = np.argsort(kinds, kind="stable")
            found = np.bincount(kinds, minlength=len(counts))
            for kind, rows in zip(
                np.flatnonzero(found), np.split(order, np.cumsum(found[found > 0])), strict=False
            ):
                ordered[free[kind] : free[kind] + len(rows)] = rows + start
            free += found
        return ordered


def categorize_pool(
    project: Project,
    pool: Pool,
    model: MasterModel,
    folder: Path,
    *,
    made: Path,
    precision: float | None,
    progress: Progress,
    engine: Engine = LOCAL,
) -> PoolCategories:
    """Go over the pool, or read what the model's round predicted of it.

    Args:
        project: Whose pool.
        pool: As it was opened; in its order are the answers.
        model: The master model in use.
        folder: Takes the columns; whole ones that are there are used.
        made: The folder of the round that made the model; another may be in use by now.
        precision: Share of the decided categories that should be right; None decides on all.
        progress: Told of products.
        engine: Where the model goes over them.

    Raises:
        UsageError: The precision is no share.
        ModelError: The model was not calibrated.
        ProjectError: The pool has changed since it was opened.
    """
    thresholds = None if precision is None else model.certainty.thresholds(precision)
    if not (folder / _CONFIDENCE).exists():
        if not _fill(folder, len(pool), _predicted(project, pool, model, made)):
            shipped = ShippedModel(model, made / MODEL_FOLDER)
            asked = (
                _asked_apart(project, pool, shipped, progress, engine)
                if engine.apart
                else _asked(project, model, progress)
            )
            whole = _fill(folder, len(pool), asked)
            if not whole or Pool.open(project.pool_path).version != pool.version:
                raise ProjectError(
                    "Products were imported while the model went over the pool. Run the same "
                    "command again."
                )
        (folder / _DRAFT).rename(folder / _CONFIDENCE)
    return PoolCategories(
        model.classes,
        np.load(folder / _LIKELIEST, mmap_mode="r"),
        np.load(folder / _CONFIDENCE, mmap_mode="r"),
        thresholds,
    )


_Answers = Iterator[tuple[Numbers, Confidences]]


def _fill(folder: Path, size: int, answers: _Answers) -> bool:
    """Write the columns; whether there were as many answers as products."""
    likeliest = mapped_array(folder / _LIKELIEST, dtype=np.int32, shape=(size,))
    confidence = mapped_array(folder / _DRAFT, dtype=np.float32, shape=(size,))
    at = 0
    for numbers, sure in answers:
        if at + len(numbers) > size:
            return False
        likeliest[at : at + len(numbers)] = numbers
        confidence[at : at + len(numbers)] = sure
        at += len(numbers)
    likeliest.flush()
    confidence.flush()
    return at == size


def _asked(project: Project, model: MasterModel, progress: Progress) -> _Answers:
    for block in model.embed(project, progress=progress):
        yield _best(block)


def _best(block: Embedded) -> tuple[Numbers, Confidences]:
    best = block.probabilities.argmax(axis=1).astype(np.int32)
    return best, block.probabilities.max(axis=1)


def _asked_apart(
    project: Project, pool: Pool, shipped: ShippedModel, progress: Progress, engine: Engine
) -> _Answers:
    """What workers answer, in pool order: they encode what was not yet, then ask the model."""
    compute_missing_features(project, shipped.model.inputs, progress, engine=engine)
    size = len(pool)
    pieces = [range(at, min(at + _PIECE, size)) for at in range(0, size, _PIECE)]
    reading = _ReadIds(pool.address, pool.version)
    asking = Stage(
        partial(_Asking, project.root.resolve(), shipped),
        keeps=True,
        processors=0.8,
        accelerated=True,
    )
    waiting: dict[int, list[pa.RecordBatch]] = {}
    following = 0
    with progress.task("Categorizing the pool", total=size) as advance:
        for number, batches in engine.stream(pieces, reading, [asking], advance=advance):
            waiting[number] = batches
            while following in waiting:
                for batch in waiting.pop(following):
                    yield batch["likeliest"].to_numpy(), batch["confidence"].to_numpy()
                following += 1


@dataclass(frozen=True)
class _ReadIds:
    pool: str
    version: int

    def __call__(self, rows: range) -> Iterator[pa.RecordBatch]:
        return Pool.open(location(self.pool), version=self.version).scan(
            columns=[ID], rows=rows, batch_size=_PIECE
        )


class _Asking:
    """Asks the model of products by id, as a stage."""

    def __init__(self, root: Path, shipped: ShippedModel) -> None:
        self._project = Project.open(root)
        self._model = shipped.model

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        part = PoolPart(self._project, batch.column(ID).to_pylist())
        answers = [_best(block) for block in self._model.embed(part)]
        columns = [np.concatenate(column) for column in zip(*answers, strict=True)]
        return pa.record_batch(columns, ["likeliest", "confidence"])


def _predicted(project: Project, pool: Pool, model: MasterModel, made: Path) -> _Answers:
    """What the model's round predicted, in pool order; nothing if it is of another pool."""
    place = {name: number for number, name in enumerate(model.classes)}
    try:
        if read_stamp(project.embeddings_path / made.name).pool_version != pool.version:
            return
        with pq.ParquetFile(made / PREDICTIONS_FILE) as file:
            for batch in file.iter_batches():
                first = batch.filter(pc.equal(batch.column("rank"), 1))
                numbers = [place[name] for name in first.column("category").to_pylist()]
                yield np.array(numbers, np.int32), first.column("confidence").to_numpy()
    except (EmbeddingError, pa.ArrowException, OSError, KeyError):
        return  # then the model is asked
