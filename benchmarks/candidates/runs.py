"""Trials run side by side, each kept as soon as it is done, so that a killed run goes on."""

import json
import subprocess
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from benchmarks.candidates.trials import Rows
from productnet.errors import ProductNetError

# The repository's root, from where modules of benchmarks are found.
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Job:
    """One trial to be run.

    Attributes:
        strategy: Its name.
        seed: Of the start.
        leaf: Its place in the bench.
        pages: The size of each page.
        shown: Rows that were shown before.
    """

    strategy: str
    seed: int
    leaf: int
    pages: tuple[int, ...]
    shown: tuple[int, ...] = ()


J = TypeVar("J", contravariant=True)
A = TypeVar("A", covariant=True)

Keep = Callable[[Job, Rows], None]


class PeersFailed(ProductNetError):
    """The peers' process ended early."""


class Shown:
    """What strategies showed, trial by trial: a file a strategy, a line a trial.

    Args:
        folder: Where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def of(self, strategy: str, *, key: str) -> dict[tuple[int, int], Rows]:
        """Seed and leaf to the rows shown, of the trials run under this key."""
        path = self._folder / f"{strategy}.jsonl"
        found = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            try:
                trial = json.loads(line)
            except ValueError:
                continue  # empty, or the kill came while it was written
            if trial["key"] == key:
                found[trial["seed"], trial["leaf"]] = np.array(trial["shown"], np.int64)
        return found

    def add(self, strategy: str, job: Job, rows: Rows, *, key: str) -> None:
        """Keep a trial."""
        line = {"key": key, "seed": job.seed, "leaf": job.leaf, "shown": rows.tolist()}
        with self._writing, (self._folder / f"{strategy}.jsonl").open("a") as file:
            # Whatever line a kill tore ends here.
            file.write(f"\n{json.dumps(line)}")


class Worker(Protocol[J, A]):
    """What does a kind of job; made in the process where it is done."""

    def run(self, job: J) -> A:
        """Do one."""
        ...


def run_here(
    make: Callable[[], Worker[J, A]],
    jobs: Sequence[J],
    keep: Callable[[J, A], None],
    *,
    workers: int,
) -> None:
    """Run jobs in processes of this Python; ``make`` is called once in each."""
    if not jobs:
        return
    spawn = get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_begin, initargs=(make,)) as processes:
        pending = {processes.submit(_run, job): job for job in jobs}
        try:
            for done in as_completed(pending):
                keep(pending[done], done.result())
        finally:
            processes.shutdown(cancel_futures=True)


def run_peers(python: Path, bench: Path, jobs: Sequence[Job], keep: Keep, *, workers: int) -> None:
    """Run jobs in processes of the peers' Python; ``keep`` is called from several threads."""
    shares = [jobs[place::workers] for place in range(workers)]
    with ThreadPoolExecutor(workers) as threads:
        list(threads.map(partial(_peers_at_work, python, bench, keep), filter(len, shares)))


def _peers_at_work(python: Path, bench: Path, keep: Keep, jobs: Sequence[Job]) -> None:
    command = [str(python), "-W", "ignore", "-m", "benchmarks.candidates.peers", str(bench)]
    done = 0
    # A process that ended early is found by what it leaves unread or unsaid.
    with (
        suppress(BrokenPipeError),
        subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        for job in jobs:
            print(json.dumps(asdict(job)), file=process.stdin, flush=True)
            answer = process.stdout.readline() if process.stdout else ""
            if not answer:
                break
            keep(job, np.array(json.loads(answer), np.int64))
            done += 1
    if done < len(jobs):
        raise PeersFailed(f"{python} failed at {jobs[done]}; what it said is above.")


_worker: Worker[Any, Any] | None = None


def _begin(make: Callable[[], Worker[Any, Any]]) -> None:
    global _worker
    _worker = make()


def _run(job: Any) -> Any:
    if _worker is None:
        raise RuntimeError("This process was not made ready.")
    return _worker.run(job)
