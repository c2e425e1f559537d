"""How long work says how far it is, whoever is watching.

A function that may take longer than two seconds takes a ``Progress``. The command line passes
one that draws bars; tests and libraries pass nothing and get ``SILENT``.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Advance(Protocol):
    """Called with the units just done, and with how it goes where there is something to say."""

    def __call__(self, done: int, /, note: str = "") -> None:
        """So many more units are done."""
        ...


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
        yield unseen


def unseen(done: int, /, note: str = "") -> None:
    """Tells nobody."""


SILENT: Progress = Silent()
