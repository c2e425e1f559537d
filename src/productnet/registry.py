"""Registries: named pieces of one kind, imported only when asked for.

A registry is a table from a name to where its piece lives, written out in one place so that
the table itself is the list a reader, the CLI, the docs and the contract tests look at.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Generic, NamedTuple, TypeVar

from productnet.errors import UnknownName, did_you_mean

T_co = TypeVar("T_co", covariant=True)


class Entry(NamedTuple):
    """One line of a registry: where the piece is (``module:attribute``) and what it is."""

    target: str
    help: str


class Registry(Generic[T_co]):
    """A table of pieces of one kind.

    Example:
        >>> shapes = Registry[type]("shape", {"text": Entry("builtins:str", "a string")})
        >>> shapes["text"]
        <class 'str'>
        >>> shapes["txt"]
        Traceback (most recent call last):
        productnet.errors.UnknownName: There is no shape "txt". Did you mean "text"?
    """

    def __init__(self, kind: str, entries: dict[str, Entry]) -> None:
        self.kind = kind
        self.entries = entries

    def __getitem__(self, name: str) -> T_co:
        """The piece of this name; raises UnknownName with the nearest names."""
        if name not in self.entries:
            hint = did_you_mean(name, self.entries)
            raise UnknownName(f'There is no {self.kind} "{name}". {hint}'.rstrip())
        module, _, attribute = self.entries[name].target.partition(":")
        piece: T_co = getattr(import_module(module), attribute)
        return piece

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def help(self, name: str) -> str:
        """One line about the piece, for menus and docs."""
        return self.entries[name].help
