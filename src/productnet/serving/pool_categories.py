"""The category of every product of the pool, as the master model in use decides it.

What a round predicted is taken where it is of this pool; otherwise the model goes over the pool.
Answers lie in two memory-mapped columns, eight bytes a product, whatever the pool's size.
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
from productnet.embeddings.active import read_active
from productnet.embeddings.stamp import read_stamp
from productnet.engine.base import Engine, Stage
from productnet.engine.local import LOCAL
from productnet.errors import EmbeddingError
from productnet.master.caches import compute_missing_features
from productnet.master.model import Embedded, MasterModel
from productnet.master.predictions import NO_CATEGORY, PREDICTIONS_FILE
from productnet.master.sources import PoolPart
from productnet.master.thresholds import Thresholds
from productnet.progress import Progress
from productnet.serving.categorize import active_model_folder
from productnet.serving.shipped import ShippedModel
from productnet.settings import Project

_LIKELIEST = "likeliest.npy"
_CONFIDENCE = "confidence.npy"
_DRAFT = "confidence.draft.npy"

# Products that a worker answers for at a time; a block of ``MasterModel.embed``.
_PIECE = 4_096

# Products whose numbers are in memory at a time.
_BLOCK = 1_048_576

Numbers = npt.NDArray[np.int32]
Confidences = npt.NDArray[np.float32]


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

    def rows(self, number: int) -> npt.NDArray[np.int64]:
        """The rows of the pool (n,) of one category, ascending."""
        found = [np.flatnonzero(numbers == number) + start for start, numbers in self.blocks()]
        return np.concatenate([np.empty(0, np.int64), *found])


def categorize_pool(
    project: Project,
    model: MasterModel,
    folder: Path,
    *,
    precision: float | None,
    progress: Progress,
    engine: Engine = LOCAL,
) -> PoolCategories:
    """Go over the pool, or read what the active round predicted of it.

    Args:
        project: Whose pool.
        model: The master model in use.
        folder: Takes the columns; whole ones that are there are used.
        precision: Share of the decided categories that should be right; None decides on all.
        progress: Told of products.
        engine: Where the model goes over them.

    Raises:
        UsageError: The precision is no share.
        ModelError: The model was not calibrated.
    """
    thresholds = None if precision is None else model.certainty.thresholds(precision)
    if not (folder / _CONFIDENCE).exists():
        size = len(Pool.open(project.pool_path))
        if not _fill(folder, size, _predicted(project, model)):
            asked = _asked_apart if engine.apart else _asked
            _fill(folder, size, asked(project, model, progress, engine))
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
    create = np.lib.format.open_memmap
    likeliest = create(folder / _LIKELIEST, mode="w+", dtype=np.int32, shape=(size,))
    confidence = create(folder / _DRAFT, mode="w+", dtype=np.float32, shape=(size,))
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


def _asked(
    project: Project, model: MasterModel, progress: Progress, engine: Engine = LOCAL
) -> _Answers:
    for block in model.embed(project, progress=progress):
        yield _best(block)


def _best(block: Embedded) -> tuple[Numbers, Confidences]:
    best = block.probabilities.argmax(axis=1).astype(np.int32)
    return best, block.probabilities.max(axis=1)


def _asked_apart(
    project: Project, model: MasterModel, progress: Progress, engine: Engine
) -> _Answers:
    """What workers answer, in pool order: they encode what was not yet, then ask the model."""
    compute_missing_features(project, model.inputs, progress, engine=engine)
    pool = Pool.open(project.pool_path)
    size = len(pool)
    pieces = [range(at, min(at + _PIECE, size)) for at in range(0, size, _PIECE)]
    shipped = ShippedModel(model, active_model_folder(project))
    reading = _ReadIds(project.pool_path.resolve(), pool.version)
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
    pool: Path
    version: int

    def __call__(self, rows: range) -> Iterator[pa.RecordBatch]:
        return Pool.open(self.pool, version=self.version).scan(
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


def _predicted(project: Project, model: MasterModel) -> _Answers:
    """What the active round predicted, in pool order; nothing if it is of another pool."""
    active = read_active(project)
    if active is None or active.round is None:
        return
    place = {name: number for number, name in enumerate(model.classes)}
    pool = Pool.open(project.pool_path)
    try:
        stamp = read_stamp(project.embeddings_path / active.embedding_set)
        if stamp.pool_version != pool.version:
            return
        with pq.ParquetFile(project.round_path(active.round) / PREDICTIONS_FILE) as file:
            for batch in file.iter_batches():
                first = batch.filter(pc.equal(batch.column("rank"), 1))
                numbers = [place[name] for name in first.column("category").to_pylist()]
                yield np.array(numbers, np.int32), first.column("confidence").to_numpy()
    except (EmbeddingError, pa.ArrowException, OSError, KeyError):
        return  # then the model is asked
