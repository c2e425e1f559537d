"""Looks whether another model is to be served, and has it take over: hot swap."""

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from productnet.embeddings.active import read_active
from productnet.errors import ProductNetError
from productnet.serving.service.model_service import ModelService
from productnet.settings import Project

_logger = logging.getLogger(__name__)

# Seconds between two looks.
EVERY = 1.0

# What tells one model from the one before it; cheap to ask for.
Mark = Callable[[], object]


class Watch:
    """Swaps a service's model whenever its mark changes, from start until it is closed.

    A model that cannot be loaded is logged and tried once; the one before it is served on.

    Args:
        service: What serves.
        mark: Asked every second.
        every: Seconds between two looks.
    """

    def __init__(self, service: ModelService, mark: Mark, *, every: float = EVERY) -> None:
        self._service = service
        self._mark = mark
        self._every = every
        self._known = mark()
        self._closed = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; a swap that has begun comes to its end."""
        self._closed.set()
        self._thread.join()

    def _look(self) -> object:
        try:
            return self._mark()
        except (ProductNetError, OSError) as error:
            # As long as it stays, loading is tried, and logged, once.
            return type(error), str(error)

    def _run(self) -> None:
        while not self._closed.wait(self._every):
            try:
                mark = self._look()
                if mark == self._known:
                    continue
                self._known = mark
                name = self._service.swap().name
            except ProductNetError as error:
                _logger.warning("The new model cannot be served: %s", type(error).__name__)
            except Exception:
                # Half-written or vanished between look and load: what is served now stays.
                _logger.exception("The new model cannot be served")
            else:
                _logger.info("Model %s is served now", name)


def mark_of_project(project: Project) -> Mark:
    """Changes when another round or embedding set is activated."""
    return lambda: read_active(project)


def mark_of_folder(folder: Path) -> Mark:
    """Changes when a model is saved there anew, which replaces the folder."""

    def mark() -> object:
        try:
            found = (folder / "model.json").stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    return mark
