"""How long work says how far it is, whoever is watching.

A function that may take longer than two seconds takes a ``Progress``. The command line passes
one that draws bars; tests and libraries pass nothing and get ``SILENT``.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int], None]


class Progress(Protocol):
    """Opens one task at a time; the value it gives is called with the units just done."""

    def task(self, label: str, *, total: int | None) -> AbstractContextManager[Advance]:
        """A task of ``total`` units (None when unknown), shown until the context ends."""
        ...


class Silent:
    """Progress that nobody watches."""

    @contextmanager
    def task(self, label: str, *, total: int | None) -> Iterator[Advance]:
        """A task nobody sees."""
        yield lambda done: None


SILENT: Progress = Silent()
