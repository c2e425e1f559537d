"""A PostgreSQL server of one's own, from the binaries on this machine, to be killed."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Self

# Seconds in which a server has to be up, its recovery included.
_PATIENCE = 120.0


class Postgres:
    """A server on a socket in a folder of its own, which survives ``kill -9`` as any does.

    Args:
        folder: Where it keeps all it has; made anew.
    """

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder.resolve()
        self._as_user: list[str] = []
        user = pwd.getpwuid(os.geteuid()).pw_name
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            ids = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}"]
            self._as_user, user = ["setpriv", *ids, "--clear-groups"], "nobody"
        self._data = self._folder / "data"
        self._run("initdb", "-U", user, "-A", "trust", "--locale=C", "--encoding=UTF8")
        self.url = f"postgresql://{user}@/postgres?host={self._folder}"

    def start(self) -> float:
        """Start it; the seconds until it took connections."""
        began = time.perf_counter()
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}'"
        log = str(self._folder / "server.log")
        while True:
            try:
                self._run("pg_ctl", "-w", "-l", log, "-o", options, "start")
            except subprocess.CalledProcessError:
                # What the killed one left is let go of when the last of its processes is gone.
                if time.perf_counter() - began > _PATIENCE:
                    raise
                time.sleep(0.2)
            else:
                return time.perf_counter() - began

    def kill(self) -> None:
        """``kill -9`` of the server and all its processes, whatever they are in the middle of."""
        master = int((self._data / "postmaster.pid").read_text().split()[0])
        children = [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _parent(entry) == master
        ]
        for process in (master, *children):
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def stop(self) -> None:
        """As an operator stops it in a hurry."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as_user, str(_binaries() / program), "-D", str(self._data), *arguments]
        subprocess.run(
            command,
            check=True,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()


def _parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _binaries() -> Path:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if shutil.which("pg_config"):
        asked = subprocess.run(
            ["pg_config", "--bindir"], check=True, capture_output=True, text=True
        )
        packaged.append(Path(asked.stdout.strip()))
    found = next((folder for folder in packaged if (folder / "initdb").exists()), None)
    if found is None:
        raise SystemExit("No PostgreSQL server is installed here: initdb was not found.")
    return found
