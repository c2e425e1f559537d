"""A Ray cluster, joined or begun: Ray imported, reached, and made quiet."""

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from productnet.engine.cores import cores
from productnet.errors import EngineError
from productnet.settings import EngineSettings

# A block of Ray Data is a batch of ours where batches are large; small ones share a block.
_BLOCK_BYTES = 4 * 2**20
_STORE_BYTES = 512 * 2**20


@contextmanager
def joined(settings: EngineSettings) -> Iterator[Mapping[str, float]]:
    """A cluster at an address, or one of this machine alone that ends with the context.

    Gives what the cluster has of each resource, such as ``CPU`` and ``GPU``.

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
        yield ray.cluster_resources()
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
