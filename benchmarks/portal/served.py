"""A portal in a process of its own, as people run it, to be loaded, killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from productnet.database.database import Database
from productnet.people.doors import Doors
from productnet.settings import Project

# Seconds to wait for a server to answer before giving up.
_PATIENCE = 120.0


class Served:
    """``productnet serve`` on a port of its own.

    Args:
        project: The project's folder.
        database_url: Another database than the project's own.
        log: Where its output goes.
    """

    def __init__(self, project: Path, *, log: Path, database_url: str | None = None) -> None:
        self._project = project
        self._log = log
        if database_url:
            set_database_url(project, database_url)
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process, while it runs."""
        if self._process is None:
            raise RuntimeError("the portal does not run")
        return self._process.pid

    def start(self) -> float:
        """Start it; the seconds until it answered."""
        began = time.perf_counter()
        run = "from productnet.cli.main import run; run()"
        command = [sys.executable, "-c", run, "serve", "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--project", str(self._project)],
                stdout=log,
                stderr=log,
            )
        while time.perf_counter() - began < _PATIENCE:
            if self._process.poll() is not None:
                raise RuntimeError(f"the portal ended by itself; see {self._log}")
            try:
                if httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200:
                    return time.perf_counter() - began
            except httpx.TransportError:
                time.sleep(0.02)
        raise RuntimeError(f"the portal did not answer in {_PATIENCE:.0f} s; see {self._log}")

    def kill(self) -> None:
        """``kill -9``."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """As an operator stops it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def usage(self) -> dict[str, float]:
        """Processor seconds and resident megabytes of the server until now."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        status = Path(f"/proc/{self.pid}/status").read_text()
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return {
            "cpu_seconds": (int(fields[11]) + int(fields[12])) / ticks,
            "peak_mb": int(peak.split()[1]) / 1_000,
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()


def set_database_url(project: Path, url: str) -> None:
    """Have the project keep its decisions there."""
    file = project / Project.SETTINGS_FILE
    lines = [line for line in file.read_text().splitlines() if "database_url" not in line]
    file.write_text("\n".join([f"database_url = {json.dumps(url)}", *lines]) + "\n")


def annotators(project: Path, count: int) -> list[tuple[str, str]]:
    """Name and API key of people who label and audit, made where they are missing."""
    opened = Project.open(project)
    with Database.open(opened.database_url) as database:
        doors = Doors.open(database)
        keys = []
        for number in range(count):
            name = f"annotator-{number:03d}"
            roles = ["labeler", "auditor"]
            person = doors.people.find(name) or doors.people.add(name, roles=roles)
            key, _ = doors.keys.add(person, label="benchmark", scopes=["read", "annotate"])
            keys.append((name, key))
        if not any(person.has_password for person in doors.people.all()):
            doors.people.add("lead", roles=["admin"], password="a long enough password")
    return keys


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
