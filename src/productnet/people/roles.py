"""What a person may do, and what an API key may do for its owner.

A person's roles say which work is open to them; the role of a decision
(``annotation.decisions.Role``) says which part of the workflow one answer was given in.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar

from productnet.errors import PeopleError, did_you_mean


class PersonRole(StrEnum):
    """A part of the work that is open to a person."""

    LABELER = "labeler"
    AUDITOR = "auditor"
    ADJUDICATOR = "adjudicator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key opens, of what its owner's roles allow."""

    READ = "read"
    ANNOTATE = "annotate"
    ADMIN = "admin"


ALL_ROLES = frozenset(PersonRole)

_Choice = TypeVar("_Choice", PersonRole, Scope)


def roles_from(names: Iterable[str]) -> frozenset[PersonRole]:
    """Roles of these names; raises PeopleError for one that is none."""
    return frozenset(_chosen(PersonRole, name, "role") for name in names)


def scopes_from(names: Iterable[str]) -> frozenset[Scope]:
    """Scopes of these names; raises PeopleError for one that is none."""
    return frozenset(_chosen(Scope, name, "scope") for name in names)


def written(chosen: Iterable[PersonRole] | Iterable[Scope]) -> str:
    """As a column keeps them: in order, with spaces between."""
    return " ".join(sorted(chosen))


def _chosen(choices: type[_Choice], name: str, what: str) -> _Choice:
    try:
        return choices(name)
    except ValueError:
        hint = did_you_mean(name[:100], choices)
        raise PeopleError(f"There is no {what} {name[:100]!r}. {hint}".rstrip()) from None
