"""Running as a job of the portal: how far it is, and how it ended, written into the job's folder.

``productnet --job FOLDER …`` is what the portal starts; ``portal.jobs`` reads what is written.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from productnet.files import write_atomically
from productnet.progress import Advance

# A job gives way to people who work in the portal meanwhile.
_NICE = 10

# Seconds between two looks at how far a task is.
_EVERY = 0.25


class JobFolder:
    """Where a job writes of itself: ``progress.jsonl``, one JSON object a line, and ``end.json``.

    It is a ``Progress``, whose tasks are the lines' messages.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._step: str | None = None
        self._ended = False

    def begin(self) -> None:
        """Say which process this is, and step behind whoever serves people."""
        write_atomically(self._folder / "pid", str(os.getpid()))
        with suppress(OSError):
            os.nice(_NICE)

    def step(self, name: str) -> None:
        """The job has come to this step."""
        self._step = name
        self._write(message=None, done=0, total=None)

    def end(self, status: int, message: str | None = None) -> None:
        """The job is over; ``message`` tells why, where it failed. What is said first stands."""
        if self._ended:
            return
        self._ended = True
        said = {"status": status, "message": message, "at": datetime.now(UTC).isoformat()}
        write_atomically(self._folder / "end.json", json.dumps(said))

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        """A task, told of a few times a second at most."""
        done, told, said = 0, time.monotonic(), label

        def advance(more: int, /, note: str = "") -> None:
            nonlocal done, told, said
            done += more
            said = f"{label}: {note}" if note else said
            if time.monotonic() - told >= _EVERY:
                told = time.monotonic()
                self._write(message=said, done=done, total=total)

        self._write(message=label, done=0, total=total)
        yield advance
        self._write(message=said, done=done, total=total)

    def _write(self, *, message: str | None, done: int, total: int | None) -> None:
        line = {"step": self._step, "message": message, "done": done, "total": total}
        # One short write, so that a reader never finds a line mixed with another.
        with (self._folder / "progress.jsonl").open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")
