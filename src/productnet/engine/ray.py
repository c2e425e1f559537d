"""Workers of a Ray cluster as the engine: Ray Data leads batches through stages, tasks run items.

Reading is tasks of Ray Data; a stage that keeps what it made is a pool of actors. Stages before it
run in those tasks where accelerators or a network are waited for, so that processors decode while
accelerators encode; otherwise in the actors, which saves moving what they make. Ray starts again
what a dead worker had begun; a batch travels with the number of its piece and its place in it, so
that what would be missing or come twice is noticed here.
"""

import json
import os
import shutil
import socket
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pyarrow as pa

from productnet import errors
from productnet.engine.base import BatchFunction, Done, Engine, Item, Piece, Result, Stage
from productnet.engine.cores import cores, grant
from productnet.errors import EngineError, ProductNetError
from productnet.files import write_atomically
from productnet.progress import Advance, unseen
from productnet.settings import EngineSettings

if TYPE_CHECKING:
    from ray.data import Dataset

# Of a processor, for a reader that has no stage to run beside it.
_READING = 0.2

# How often what a worker died of is tried again, on that worker's successor or another.
_ATTEMPTS = 8

# Items handed out ahead, for each worker.
_AHEAD = 4

# A block of Ray Data is a batch of ours where batches are large; small ones share a block.
_BLOCK_BYTES = 4 * 2**20
_STORE_BYTES = 512 * 2**20

# What Ray Data adds to the text of an error, from here on.
_RAYS_ADVICE = "\nFailed to apply UDF transform"

_TRAVELLING = pa.schema(
    [
        pa.field("piece", pa.int64()),
        pa.field("place", pa.int64()),
        pa.field("last", pa.bool_()),
        pa.field("rows", pa.int64()),
        pa.field("batch", pa.large_binary()),
    ]
)


class RayEngine:
    """See ``Engine``.

    Args:
        workers: How many of each kind work at a time, a processor each.
        accelerators: Those of the cluster.
    """

    name = "ray"
    apart = True

    def __init__(self, workers: int, *, accelerators: int = 0) -> None:
        self.workers = workers
        self._accelerators = accelerators

    def stream(
        self,
        pieces: Sequence[Piece],
        read: Callable[[Piece], Iterable[pa.RecordBatch]],
        stages: Sequence[Stage],
        *,
        advance: Advance = unseen,
    ) -> Iterator[Done]:
        """See ``Engine.stream``."""
        if not pieces:
            return
        parts = _Parts(len(pieces))
        with _ray_errors_told():
            flow = self._flow(list(pieces), read, stages)
            for table in flow.iter_batches(batch_size=None, batch_format="pyarrow"):
                for row in range(len(table)):
                    number, place, last, rows = (
                        table.column(name)[row].as_py() for name in _TRAVELLING.names[:-1]
                    )
                    advance(rows)
                    done = parts.add(number, place, last=last, batch=_unpacked(table, row))
                    if done is not None:
                        yield done
        parts.check()

    def each(
        self, make: Callable[[], Callable[[Item], Result]], items: Iterable[Item]
    ) -> Iterator[Result]:
        """See ``Engine.each``."""
        import ray

        run = ray.remote(_run).options(num_cpus=1, max_retries=_ATTEMPTS)
        key, made = uuid4().hex, ray.put(make)
        rest = iter(items)
        running: list[Any] = []
        with _ray_errors_told():
            while True:
                for item in rest:
                    running.append(run.remote(key, made, item))
                    if len(running) >= _AHEAD * self.workers:
                        break
                if not running:
                    return
                ready, running = ray.wait(running, num_returns=1)
                yield from ray.get(ready)

    def together(self, work: Callable[[], Result], *, folder: Path) -> Result:
        """See ``Engine.together``."""
        from ray.train import FailureConfig, RunConfig, ScalingConfig
        from ray.train.torch import TorchTrainer

        told = folder.resolve() / "told.json"
        trainer = TorchTrainer(
            partial(_as_one_of_a_team, work, told),
            scaling_config=ScalingConfig(
                num_workers=self._accelerators or self.workers, use_gpu=self._accelerators > 0
            ),
            run_config=RunConfig(
                name="team",
                storage_path=str(folder.resolve()),
                failure_config=FailureConfig(max_failures=_ATTEMPTS),
            ),
        )
        try:
            with _ray_errors_told():
                trainer.fit()
            answer = json.loads(told.read_text(encoding="utf-8"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if "error" in answer:
            raise getattr(errors, answer["error"], EngineError)(answer["text"])
        result: Result = answer["result"]
        return result

    def _flow(
        self,
        pieces: list[Piece],
        read: Callable[[Piece], Iterable[pa.RecordBatch]],
        stages: Sequence[Stage],
    ) -> "Dataset":
        from ray.data import ActorPoolStrategy, TaskPoolStrategy, from_items

        first = next((n for n, stage in enumerate(stages) if stage.keeps), len(stages))
        before, rest = stages[:first], stages[first:]
        workers = min(self.workers, len(pieces))
        feeds = self._accelerators and any(stage.accelerated for stage in rest)
        parted = feeds or not rest or any(stage.waits for stage in before)
        makes = [stage.make for stage in before if feeds or not stage.ahead]
        # A block a piece, and so a task.
        numbers = from_items(
            [{"piece": n} for n in range(len(pieces))], override_num_blocks=len(pieces)
        )
        flow = numbers.map_batches(
            partial(_read, pieces=pieces, read=read, makes=makes if parted else []),
            batch_size=1,
            batch_format="pyarrow",
            # Where accelerators wait for them, all processors read and decode.
            compute=TaskPoolStrategy(size=None if feeds else workers),
            num_cpus=sum(stage.processors for stage in before) or _READING,
        )
        for number, stage in enumerate(rest):
            together = [stage.make] if parted or number else [*makes, stage.make]
            accelerated = stage.accelerated and self._accelerators > 0
            size = min(self._accelerators, len(pieces)) if accelerated else workers
            flow = flow.map_batches(
                _Keeping,
                fn_constructor_args=(together,),
                batch_size=1,
                batch_format="pyarrow",
                # From one up: after a node is lost there may be no room for all.
                compute=ActorPoolStrategy(min_size=1, max_size=size, initial_size=size),
                num_cpus=stage.processors,
                num_gpus=1 if accelerated else None,
            )
        return flow


class _Parts:
    """Batches that came, until their pieces are whole."""

    def __init__(self, count: int) -> None:
        self._missing = set(range(count))
        self._came: dict[int, dict[int, pa.RecordBatch]] = {}
        self._sizes: dict[int, int] = {}

    def add(self, number: int, place: int, *, last: bool, batch: pa.RecordBatch) -> Done | None:
        """The piece, if this batch makes it whole."""
        came = self._came.setdefault(number, {})
        if number not in self._missing or place in came:
            raise EngineError(
                f"Batch {place} of piece {number} came twice from Ray, which its own guarantees "
                "exclude. Nothing was written of it twice; the same command goes on."
            )
        came[place] = batch
        if last:
            self._sizes[number] = place + 1
        if len(came) != self._sizes.get(number):
            return None
        self._missing.remove(number)
        del self._came[number], self._sizes[number]
        return Done(number, [came[one] for one in sorted(came)])

    def check(self) -> None:
        """Raises EngineError where a piece is missing."""
        if self._missing:
            raise EngineError(
                f"{len(self._missing):,} pieces did not come back from Ray, number "
                f"{min(self._missing)} among them. What came is kept; the same command goes on."
            )


def _read(
    numbers: pa.Table,
    *,
    pieces: list[Piece],
    read: Callable[[Piece], Iterable[pa.RecordBatch]],
    makes: list[Callable[[], BatchFunction]],
) -> Iterator[pa.Table]:
    """Batches of a piece, led through the stages that run where they are read."""
    grant(1)
    functions = [make() for make in makes]
    for number in numbers.column("piece").to_pylist():
        batches = iter(read(pieces[number]))
        place, batch = 0, next(batches, None)
        while batch is not None:
            following = next(batches, None)
            rows = batch.num_rows
            for function in functions:
                batch = function(batch)
            yield _packed(number, place, following is None, rows, batch)
            place, batch = place + 1, following


class _Keeping:
    """An actor of Ray Data: functions of stages, made once."""

    def __init__(self, makes: list[Callable[[], BatchFunction]]) -> None:
        grant(1)
        self._functions = [make() for make in makes]

    def __call__(self, travelling: pa.Table) -> pa.Table:
        number, place, last, rows = (
            travelling.column(name)[0].as_py() for name in _TRAVELLING.names[:-1]
        )
        batch = _unpacked(travelling, 0)
        for function in self._functions:
            batch = function(batch)
        return _packed(number, place, last, rows, batch)


def _packed(number: int, place: int, last: bool, rows: int, batch: pa.RecordBatch) -> pa.Table:
    """A batch as one row, which Ray Data neither cuts, nor joins, nor casts."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    content = sink.getvalue()
    offsets = pa.array([0, content.size], pa.int64()).buffers()[1]
    binary = pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, offsets, content])
    facts = [[number], [place], [last], [rows]]
    columns = [
        *(pa.array(fact, field.type) for fact, field in zip(facts, _TRAVELLING, strict=False)),
        binary,
    ]
    return pa.table(columns, schema=_TRAVELLING)


def _unpacked(travelling: pa.Table, row: int) -> pa.RecordBatch:
    with pa.ipc.open_stream(travelling.column("batch")[row].as_buffer()) as stream:
        return stream.read_next_batch()


def _as_one_of_a_team(work: Callable[[], object], told: Path) -> None:
    """What each worker of Ray Train does; Ray has made the process group."""
    from ray.train import get_context

    # As in the processes of torchrun, whose other variables Ray Train sets as well.
    os.environ["TORCHELASTIC_RUN_ID"] = "ray"
    answer: dict[str, object]
    try:
        answer = {"result": work()}
    except ProductNetError as error:  # trying again would not help
        answer = {"error": type(error).__name__, "text": str(error)}
    if get_context().get_world_rank() == 0:
        write_atomically(told, json.dumps(answer))


# What workers made, by the call of ``each`` that asked for it.
_made: dict[str, Callable[[Any], Any]] = {}


def _run(key: str, make: Callable[[], Callable[[Item], Result]], item: Item) -> Result:
    if key not in _made:
        grant(1)
        _made.clear()
        _made[key] = make()
    result: Result = _made[key](item)
    return result


@contextmanager
def opened(settings: EngineSettings) -> Iterator[Engine]:
    """A cluster at an address, or one of this machine alone that ends with the context.

    Raises EngineError where Ray is missing, or no cluster answers.
    """
    ray = _library(settings.address)
    begun = not ray.is_initialized()
    if settings.address is not None:
        with _told_as_unreachable(settings.address):
            _reach(settings.address)
            if begun:
                _begin(ray, address=settings.address)
    elif begun:
        _begin(
            ray,
            address="local",  # not one that somebody else has begun on this machine
            num_cpus=settings.workers or cores(),
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
        )
    try:
        _quieten()
        found = ray.cluster_resources()
        workers = settings.workers or max(1, int(found.get("CPU", 1)))
        yield RayEngine(workers, accelerators=int(found.get("GPU", 0)))
    finally:
        if begun:
            ray.shutdown()


def _library(address: str | None) -> ModuleType:
    # Read when Ray is imported, or by the processes it starts.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    if address is None:
        # A cluster of this machine alone then listens on its loopback address only.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError(
            f'Engine "ray" needs Ray, which cannot be imported here: {error}. Install it with '
            "`pip install 'productnet[ray]'`, on every machine of the cluster, or use "
            "--engine local."
        ) from error
    library: ModuleType = ray
    return library


def _begin(ray: ModuleType, **options: object) -> None:
    with warnings.catch_warnings():
        # Lance warns of forks that go on in Python; what Ray forks becomes another program at once.
        warnings.filterwarnings("ignore", "lance is not fork-safe")
        ray.init(logging_level="error", log_to_driver=False, **options)


@contextmanager
def _told_as_unreachable(address: str) -> Iterator[None]:
    try:
        yield
    except (OSError, RuntimeError, ValueError) as error:
        raise EngineError(
            f"No Ray cluster answers at {address}: {error}. Start one with `ray start --head`, "
            "give its HOST:PORT as --address, or leave --address out for workers on this machine."
        ) from error


def _reach(address: str) -> None:
    """Raises OSError where nobody listens; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()


def _quieten() -> None:
    import logging

    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.raise_original_map_exception = True
    context.target_max_block_size = _BLOCK_BYTES
    logging.getLogger("ray").setLevel(logging.ERROR)
    # What people are to know is raised, and Ray Data keeps a log file. Handlers that others have
    # hung there are not ours to quieten: they may listen to our own loggers as well.
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler) and type(handler).__module__.startswith(
            "ray."
        ):
            handler.setLevel(logging.CRITICAL + 1)


@contextmanager
def _ray_errors_told() -> Iterator[None]:
    """What a function raised on a worker is raised here; else what Ray says, as an EngineError."""
    from ray.exceptions import RayError
    from ray.train import TrainingFailedError

    try:
        yield
    except (RayError, TrainingFailedError) as error:
        # What Ray raises is of the class of what was raised, too, but says much else.
        if isinstance(cause := getattr(error, "cause", None), ProductNetError):
            cause.args = (str(cause).partition(_RAYS_ADVICE)[0], *cause.args[1:])
            raise cause from None
        raise EngineError(
            f"Ray could not finish the work: {str(error).strip().splitlines()[-1]} What is done is "
            "kept; the same command goes on. If workers died, they may want for memory: have "
            "fewer with the setting engine.workers."
        ) from error
