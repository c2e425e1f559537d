"""Category paths as text: how ``A > B > C`` is split, compared and turned into an id."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from productnet.errors import TaxonomyError

# In order: a text with ">>" is split at ">>" alone, so that ">" may then be part of a name.
SEPARATORS = (">>", ">", "|")

_NOT_WORD = re.compile(r"[^\w]+")
_SPACE = re.compile(r"\s+")


def split_path(text: str) -> tuple[str, ...]:
    """The names along a path, without empty ones.

    Example:
        >>> split_path("Kitchen >> Drinkware >> Mugs")
        ('Kitchen', 'Drinkware', 'Mugs')
    """
    return tuple(name for name in _parts(text) if name)


def stated_path(text: str, *, line: int) -> tuple[str, ...]:
    """The names along a path of a taxonomy file; raises TaxonomyError if one is empty."""
    names = _parts(text)
    if not all(names):
        raise TaxonomyError(f'line {line}: "{text}" has an empty name between separators.')
    return names


def join_path(path: Sequence[str]) -> str:
    """A path as people read it.

    Example:
        >>> join_path(("Kitchen", "Drinkware", "Mugs"))
        'Kitchen > Drinkware > Mugs'
    """
    return " > ".join(path)


def tidy(name: str) -> str:
    """A name in composed Unicode with single spaces, so that equal-looking names are equal."""
    return _SPACE.sub(" ", unicodedata.normalize("NFC", name)).strip()


@lru_cache(maxsize=65_536)
def slug(name: str) -> str:
    """A name as one part of an id: folded case, words joined by hyphens.

    Example:
        >>> slug("Mugs & Cups")
        'mugs-cups'
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return _NOT_WORD.sub("-", folded).strip("-") or folded


def path_key(path: Sequence[str]) -> tuple[str, ...]:
    """What two spellings of one path have in common: case and punctuation do not count."""
    return tuple(slug(name) for name in path)


def path_id(path: Sequence[str]) -> str:
    """The id of a category whose source gives it none.

    Example:
        >>> path_id(("Kitchen", "Drinkware", "Mugs & Cups"))
        'kitchen/drinkware/mugs-cups'
    """
    return "/".join(path_key(path))


def _parts(text: str) -> tuple[str, ...]:
    separator = next((mark for mark in SEPARATORS if mark in text), None)
    return tuple(tidy(part) for part in (text.split(separator) if separator else [text]))
