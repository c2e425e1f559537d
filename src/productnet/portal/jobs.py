"""Long work started from the portal, such as a round: a process of its own, told by its folder.

A job's folder holds what is known of it, written once each: ``job.json`` before it starts,
``pid`` and lines of ``progress.jsonl`` by its process, ``end.json`` when it ends, ``cancelled`` if
somebody stopped it; ``output.json`` and ``log.txt`` are what it printed. Its state is computed
from these and from a lock: the process holds it as long as it lives, and the operating system lets
go of it, so that a job outlives the portal that started it, and a killed one is seen to be.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from productnet.errors import JobError, UnknownRecord
from productnet.files import write_atomically
from productnet.settings import Project

# Seconds that a job has to end when it is asked to, before it is killed.
_GRACE = 10.0

# Seconds between two looks at what runs.
_EVERY = 0.5

# Bytes of the log that are shown, and of progress that are read for the last line.
_TAIL = 4_000

# Why something failed that left no word.
_NO_WORD = "It was stopped: its process is gone and left no word. Start it again."


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Job:
    """Long work, as it stands.

    Attributes:
        id: Names it; later jobs sort after earlier ones.
        kind: One of ``KINDS``.
        arguments: What it was started with.
        person: Who started it.
        state: Where it stands.
        started_at: When, UTC.
        finished_at: When it ended, where it left word.
        step: The part of the work it is in.
        message: What it is doing there; why it failed, once it has.
        done: Units done of that.
        total: Of how many, where that is known.
        result: What the command gave, once it is done.
        log: The end of what it printed beside.
    """

    id: str
    kind: str
    arguments: Mapping[str, str]
    person: str | None
    state: JobState
    started_at: datetime
    finished_at: datetime | None = None
    step: str | None = None
    message: str | None = None
    done: int = 0
    total: int | None = None
    result: Mapping[str, Any] | None = None
    log: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of job is a command: its words, a value's option, and values without one."""

    command: tuple[str, ...]
    options: tuple[str, ...] = ()
    values: tuple[str, ...] = ()

    def words(self, arguments: Mapping[str, str]) -> list[str]:
        given = [f"--{name}={arguments[name]}" for name in self.options if name in arguments]
        # After "--" nothing is taken for an option, whatever a person typed.
        return [*given, "--json", "--", *(arguments[name] for name in self.values)]


# What the portal can start. One of a kind runs at a time.
KINDS: Mapping[str, _Kind] = {
    "round": _Kind(("round",), options=("preset", "image")),
    "release": _Kind(("release", "make"), values=("version",)),
    "inspection": _Kind(("inspect",)),
}


class Jobs:
    """The jobs of a project; any number of processes may look at them.

    Example:
        >>> jobs = Jobs(project)  # doctest: +SKIP
        >>> job = jobs.start("round", {"preset": "fast"}, person="ann")  # doctest: +SKIP
        >>> jobs.get(job.id).step  # doctest: +SKIP
        'train'
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._root = project.root / "jobs"
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._ended: dict[str, Job] = {}
        self._watching = threading.Event()
        self._watchers: list[threading.Thread] = []

    def start(
        self, kind: str, arguments: Mapping[str, str] | None = None, *, person: str | None = None
    ) -> Job:
        """Start work in a process of its own.

        Raises:
            JobError: There is no such kind, an argument is missing or unknown, or one of the
                kind runs already.
        """
        given = dict(arguments or {})
        how = _known(kind, given)
        self._root.mkdir(exist_ok=True)
        with FileLock(self._root / ".lock"):
            for job in self.all():
                if job.kind == kind and job.state is JobState.RUNNING:
                    raise JobError(
                        f"A {kind} is running already, since {job.started_at:%H:%M} UTC. Wait for "
                        "it to end, or stop it."
                    )
            return self.get(self._spawn(kind, how, given, person))

    def _spawn(self, kind: str, how: _Kind, arguments: dict[str, str], person: str | None) -> str:
        now = datetime.now(UTC)
        name = f"{now:%Y%m%dT%H%M%S%f}-{kind}-{uuid4().hex[:6]}"
        folder = self._root / name
        folder.mkdir()
        project = f"--project={self._project.root.resolve()}"
        start = [sys.executable, "-m", "productnet", "--job", str(folder.resolve())]
        with (
            (folder / "alive").open("wb") as alive,
            (folder / "output.json").open("wb") as output,
            (folder / "log.txt").open("wb") as log,
        ):
            # The lock belongs to the open file, which the child inherits and keeps.
            fcntl.flock(alive, fcntl.LOCK_EX)
            said = {
                "kind": kind,
                "arguments": arguments,
                "person": person,
                "started_at": now.isoformat(),
            }
            write_atomically(folder / "job.json", json.dumps(said))
            self._children[name] = subprocess.Popen(
                [*start, *how.command, project, *how.words(arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=log,
                pass_fds=(alive.fileno(),),
                # A session of its own: what ends the portal does not end it.
                start_new_session=True,
            )
        return name

    def get(self, job: str) -> Job:
        """A job as it stands; raises UnknownRecord."""
        if job in self._ended:
            return self._ended[job]
        folder = self._root / job
        # A name with a path in it is none of ours.
        if folder.parent != self._root or not (folder / "job.json").is_file():
            raise UnknownRecord(f'There is no job "{job[:80]}". It may have been removed.')
        found = self._read(folder)
        if found.state is not JobState.RUNNING:
            self._ended[job] = found
            self._reap(job)
        return found

    def all(self) -> list[Job]:
        """Every job, the newest first."""
        if not self._root.is_dir():
            return []
        names = sorted((file.parent.name for file in self._root.glob("*/job.json")), reverse=True)
        found: list[Job] = []
        for name in names:
            # One that was deleted meanwhile, or that a full disk damaged, must not hide the others.
            with suppress(UnknownRecord):
                found.append(self.get(name))
        return found

    def cancel(self, job: str) -> Job:
        """Stop a job, with everything it started; raises UnknownRecord or JobError."""
        if self.get(job).state is not JobState.RUNNING:
            raise JobError(f'Job "{job}" is over, so it cannot be stopped.')
        folder = self._root / job
        (folder / "cancelled").touch()
        for how in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + _GRACE
            told = False
            while _is_alive(folder) and time.monotonic() < end:
                told = told or _signal(folder, how)
                self._reap(job)
                time.sleep(0.05)
        return self.get(job)

    def watch(self, callback: Callable[[Job], None]) -> None:
        """Call back, from a thread of its own, with every job that starts, moves on or ends."""
        known = {job.id: job for job in self.all()}
        watcher = threading.Thread(
            target=self._watch, args=(callback, known), name="jobs", daemon=True
        )
        self._watchers.append(watcher)
        watcher.start()

    def close(self) -> None:
        """Stop watching; what runs goes on."""
        self._watching.set()
        for watcher in self._watchers:
            watcher.join()
        for child in self._children.values():
            # It is not ours to wait for any more, which Python would warn of.
            child.returncode = child.poll() or 0

    def _watch(self, callback: Callable[[Job], None], known: dict[str, Job]) -> None:
        while not self._watching.wait(_EVERY):
            for job in reversed(self.all()):
                if known.get(job.id) != job:
                    known[job.id] = job
                    callback(job)

    def _read(self, folder: Path) -> Job:
        # First whether it lives: what has ended meanwhile has then left all it had to say.
        try:
            alive = _is_alive(folder)
            raw = json.loads((folder / "job.json").read_text(encoding="utf-8"))
            job = Job(
                id=folder.name,
                kind=raw["kind"],
                arguments=raw["arguments"],
                person=raw["person"],
                state=JobState.RUNNING,
                started_at=datetime.fromisoformat(raw["started_at"]),
                log=_tail(folder / "log.txt"),
            )
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UnknownRecord(
                f'The folder of job "{folder.name}" cannot be read ({type(error).__name__}). '
                "Delete it."
            ) from error
        job = replace(job, **_last_line(folder / "progress.jsonl"))
        return job if alive else _over(job, folder)

    def _reap(self, job: str) -> None:
        """Take note of a child's end, so that it leaves no zombie."""
        child = self._children.get(job)
        if child is not None and child.poll() is not None:
            del self._children[job]


def _known(kind: str, arguments: Mapping[str, str]) -> _Kind:
    if kind not in KINDS:
        raise JobError(f'There is no "{kind}" to start. Known: {", ".join(KINDS)}.')
    how = KINDS[kind]
    if missing := sorted(set(how.values) - arguments.keys()):
        raise JobError(f'A {kind} needs "{missing[0]}".')
    if unknown := sorted(arguments.keys() - {*how.options, *how.values}):
        raise JobError(f'A {kind} takes no "{unknown[0]}".')
    return how


def _over(job: Job, folder: Path) -> Job:
    """The job after its end."""
    end = _json(folder / "end.json")
    if end is None:
        if (folder / "cancelled").exists():
            return replace(job, state=JobState.STOPPED, message="Somebody stopped it.")
        return replace(job, state=JobState.FAILED, message=_NO_WORD)
    finished = datetime.fromisoformat(end["at"])
    if end["status"] == 0:
        result = _json(folder / "output.json")
        return replace(job, state=JobState.DONE, finished_at=finished, result=result)
    why = end["message"] or f"It ended with status {end['status']}."
    return replace(job, state=JobState.FAILED, finished_at=finished, message=why)


def _is_alive(folder: Path) -> bool:
    """Whether the job's process holds its lock."""
    with (folder / "alive").open("rb") as file:
        try:
            # Shared, so that those who look are not taken for the job by one another.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _signal(folder: Path, how: signal.Signals) -> bool:
    """Signal the job and what it started; False while it has not said yet which process it is."""
    with suppress(FileNotFoundError, ProcessLookupError):
        os.killpg(int((folder / "pid").read_text()), how)
        return True
    return False


def _last_line(file: Path) -> dict[str, Any]:
    """The last whole line of progress."""
    lines = _tail(file).rpartition("\n")[0].splitlines()
    with suppress(IndexError, ValueError):
        return dict(json.loads(lines[-1]))
    return {}


def _tail(file: Path) -> str:
    with suppress(FileNotFoundError), file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - _TAIL))
        return opened.read().decode(errors="replace")
    return ""


def _json(file: Path) -> dict[str, Any] | None:
    with suppress(FileNotFoundError, ValueError):
        return dict(json.loads(file.read_text(encoding="utf-8")))
    return None
