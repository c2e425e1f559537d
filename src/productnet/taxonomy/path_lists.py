"""Taxonomies published as lists of paths: Google's, Shopify's, and plain ``A > B > C`` lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from productnet.errors import TaxonomyError
from productnet.taxonomy.paths import SEPARATORS, path_id, path_key, stated_path
from productnet.taxonomy.tree import Category, Taxonomy

_ANY_VERSION = re.compile(r"#.*version:\s*(\S+)", re.IGNORECASE)
_ANY_SEPARATOR = re.compile("|".join(re.escape(mark) for mark in SEPARATORS))


@dataclass(frozen=True)
class ListWithIds:
    """Reads lines of an id and a path; parents have lines of their own.

    Attributes:
        publisher: Whose taxonomy this is.
        line: Pattern of a line, with groups ``id`` and ``path``.
        version: Pattern of the comment that holds the version in its first group.
        example: A line as it should be, for errors.
    """

    publisher: str
    line: re.Pattern[str]
    version: re.Pattern[str]
    example: str

    def recognises(self, lines: list[str]) -> bool:
        """Whether the first line that is no comment has an id as this publisher writes it."""
        return any(self.line.fullmatch(text) for _, text in _first(lines))

    def read(self, lines: list[str], *, name: str) -> Taxonomy:
        """The taxonomy, with its publisher's ids and version."""
        categories: list[Category] = []
        numbers: list[int] = []
        for number, text in _content(lines):
            if not (match := self.line.fullmatch(text)):
                raise TaxonomyError(
                    f'line {number}: expected a line like "{self.example}", found "{text}".'
                )
            categories.append(Category(match["id"], stated_path(match["path"], line=number)))
            numbers.append(number)
        version = _version(lines, self.version)
        return Taxonomy(categories, name=name, version=version, lines=numbers)


class PlainPaths:
    """Reads one path a line, names separated by ``>``, ``>>`` or ``|``; ids come from the path.

    A list names either its leaves only, and the categories above them follow; or every category,
    and then a path whose parent has no line is an orphan.
    """

    publisher: str | None = None

    def recognises(self, lines: list[str]) -> bool:
        """Any text may be a list of names."""
        return True

    def read(self, lines: list[str], *, name: str) -> Taxonomy:
        """The taxonomy, its version from a comment ``# version: …`` where there is one."""
        rows = list(_content(lines))
        _check_separator(rows)
        paths = [(number, stated_path(text, line=number)) for number, text in rows]
        named = {path_key(path) for _, path in paths}
        leaves_only = not any(path_key(path[:-1]) in named for _, path in paths)
        categories: list[Category] = []
        numbers: list[int] = []
        for number, path in paths:
            above = [path[:length] for length in range(1, len(path))] if leaves_only else []
            for each in [*(step for step in above if path_key(step) not in named), path]:
                named.add(path_key(each))
                categories.append(Category(path_id(each), each))
                numbers.append(number)
        version = _version(lines, _ANY_VERSION)
        return Taxonomy(categories, name=name, version=version, lines=numbers)


GOOGLE = ListWithIds(
    publisher="google",
    line=re.compile(r"(?P<id>\d+)\s+-\s+(?P<path>.+)"),
    version=re.compile(r"#\s*Google_Product_Taxonomy_Version:\s*(\S+)"),
    example="499676 - Animals & Pet Supplies > Live Animals",
)
SHOPIFY = ListWithIds(
    publisher="shopify",
    line=re.compile(r"gid://shopify/TaxonomyCategory/(?P<id>\S+)\s+:\s+(?P<path>.+)"),
    version=re.compile(r"#\s*Shopify Product Taxonomy\s*-\s*Categories:\s*(\S+)"),
    example="gid://shopify/TaxonomyCategory/ap-1 : Animals & Pet Supplies > Live Animals",
)
PATHS = PlainPaths()


def _content(lines: list[str]) -> Iterator[tuple[int, str]]:
    """(line number, text) of the lines that are neither empty nor comments."""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text and not text.startswith("#"):
            yield number, text


def _first(lines: list[str]) -> list[tuple[int, str]]:
    first = next(_content(lines), None)
    return [] if first is None else [first]


def _version(lines: list[str], pattern: re.Pattern[str]) -> str | None:
    comments = (line for line in lines if line.startswith("#"))
    return next((match[1] for line in comments if (match := pattern.match(line))), None)


def _check_separator(rows: list[tuple[int, str]]) -> None:
    """Refuse a list with two kinds of separator, for it is open which are part of a name."""
    seen: dict[str, int] = {}
    for number, text in rows:
        for mark in _ANY_SEPARATOR.findall(text):
            seen.setdefault(mark, number)
        if len(seen) > 1:
            (one, line), (other, _) = seen.items()
            raise TaxonomyError(
                f'line {number}: "{other}" separates names here, but "{one}" did in line {line}. '
                "Use one separator throughout."
            )
