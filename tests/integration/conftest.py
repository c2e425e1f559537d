"""Databases that every test of ``database_url`` runs over, object storage, workers of an engine."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from productnet.engine.base import Engine
from productnet.engine.registry import open_engine
from productnet.settings import EngineSettings

# The bucket of every folder in object storage.
BUCKET = "shop-data"

_names = count()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'decisions.db'}"
    server: str = request.getfixturevalue("postgresql_url")
    return _fresh(server)


@pytest.fixture(scope="session")
def workers() -> Iterator[Engine]:
    """Two workers of Ray, in a cluster on this machine."""
    with open_engine(EngineSettings(workers=2), name="ray") as engine:
        yield engine


@pytest.fixture(scope="session")
def object_server() -> Iterator[str]:
    """The URL of a server that speaks S3."""
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def store(
    object_server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> str:
    """A folder in a bucket that the environment has the credentials of."""
    import boto3
    from s3fs import S3FileSystem

    given = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": object_server,
        "AWS_MAX_ATTEMPTS": "1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()  # it keeps what it read of the environment
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    return f"s3://{BUCKET}/{request.node.name.translate(str.maketrans('[]', '--'))}"


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A throw-away server on a socket in a folder of its own."""
    if find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed (the extra productnet[postgres])")
    binaries = _postgresql_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed here (initdb was not found)")
    folder = Path(tempfile.mkdtemp(prefix="productnet-pg-"))
    as_user, user = _unprivileged(folder)
    data = folder / "data"
    run = [*as_user, str(binaries / "initdb"), "-D", str(data), "-U", user, "-A", "trust", "-N"]
    subprocess.run(run, check=True, capture_output=True, cwd=folder)
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    control = [*as_user, str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    log_file = ["-l", str(folder / "server.log")]
    subprocess.run(
        [*control, *log_file, "-o", options, "start"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"postgresql://{user}@/postgres?host={folder}"
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, cwd=folder, stdout=subprocess.DEVNULL)
        shutil.rmtree(folder)


def _fresh(server: str) -> str:
    """The server with a schema of its own, which is quicker to make than a database."""
    import psycopg

    name = f"test_{next(_names)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
    return f"{server}&options=-csearch_path%3D{name}"


def _postgresql_binaries() -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if shutil.which("pg_config"):
        asked = subprocess.run(
            ["pg_config", "--bindir"], check=True, capture_output=True, text=True
        )
        packaged.append(Path(asked.stdout.strip()))
    return next((folder for folder in packaged if (folder / "initdb").exists()), None)


def _unprivileged(folder: Path) -> tuple[list[str], str]:
    """How to run as somebody the server accepts, and who; it refuses to run as root."""
    if os.geteuid() != 0:
        return [], pwd.getpwuid(os.geteuid()).pw_name
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    ids = [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}"]
    return ["setpriv", *ids, "--clear-groups"], "nobody"
