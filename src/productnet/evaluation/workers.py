"""Trials on several cores: a process a core, each with resources of its own.

What crosses between processes is a project's folder, names and numbers. A trial has the same
outcome wherever it runs: it has one thread, so that sums are always taken in one order.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context, parent_process
from pathlib import Path

from threadpoolctl import threadpool_limits

from productnet.errors import UsageError
from productnet.evaluation.simulation_record import Found
from productnet.evaluation.trials import Trial, Trials
from productnet.settings import Project

# Trials handed out ahead, for each worker: enough to keep it busy, few enough to stop soon.
_AHEAD = 4

# The trials of this process, where it is a worker.
_own: Trials | None = None


def run_in_processes(
    project: Project, trials: Sequence[Trial], *, views: int, workers: int
) -> Iterator[Found]:
    """Run trials in so many new processes; outcomes come as they are ready.

    Raises:
        UsageError: A process died.
    """
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(str(project.root.resolve()), views),
    )
    rest = iter(trials)
    running: set[Future[Found]] = set()
    try:
        while True:
            free = _AHEAD * workers - len(running)
            running |= {pool.submit(_run, trial) for trial in islice(rest, free)}
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenProcessPool:
        raise UsageError(
            "One of the worker processes died, perhaps for want of memory. The same command goes "
            "on from here; give it fewer --workers."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def trials_of(root: Path, views: int) -> Callable[[Trial], Found]:
    """What runs trials of a project in a worker of an engine."""
    one_thread()
    return Trials.of_project(Project.open(root), views=views).run


def one_thread() -> threadpool_limits:
    """Keep numerical libraries to one thread from now on, or within the context that this is."""
    # Only what is loaded can be limited, and local models load these when they first learn.
    import sklearn.linear_model  # noqa: F401

    return threadpool_limits(1)


def begin_worker() -> None:
    """Make this process a worker: it has one thread, and ends when its parent does."""
    # Whoever interrupts a command means the process that was started; it ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    one_thread()


def _begin(root: str, views: int) -> None:
    """Make this process a worker that runs trials."""
    global _own
    begin_worker()
    _own = Trials.of_project(Project.open(Path(root)), views=views)


def _run(trial: Trial) -> Found:
    if _own is None:
        raise RuntimeError("This process is no worker.")
    return _own.run(trial)


def _end_with_parent() -> None:
    """A killed parent cannot say so, and its workers would wait for trials for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
