"""Taxonomies published as tables: CSV with columns id, path or id, parent, name."""

import csv
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from productnet.errors import TaxonomyError
from productnet.taxonomy.paths import stated_path, tidy
from productnet.taxonomy.tree import Category, Taxonomy

_DELIMITERS = (",", ";", "\t")
_WITH_PATH = ("id", "path")
_WITH_PARENT = ("id", "parent", "name")


class _Node(NamedTuple):
    """A row of a table that names parents."""

    line: int
    id: str
    parent: str
    name: str


class CategoryTable:
    """Reads a delimited table with a header; further columns are ignored."""

    publisher: str | None = None

    def recognises(self, lines: list[str]) -> bool:
        """Whether the first line is a header with the columns needed."""
        return _delimiter(lines[0]) is not None

    def read(self, lines: list[str], *, name: str) -> Taxonomy:
        """The taxonomy; a parent may stand below its children in the file."""
        delimiter = _delimiter(lines[0])
        if delimiter is None:
            raise TaxonomyError(
                f'line 1: the header is "{lines[0]}"; it needs the columns id, path '
                "or id, parent, name."
            )
        header, rows = _rows(lines, delimiter)
        if set(_WITH_PATH) <= header:
            placed = [
                (line, Category(row["id"], stated_path(row["path"], line=line)))
                for line, row in _complete(rows, _WITH_PATH)
            ]
        else:
            nodes = [
                _Node(line, row["id"], row["parent"], tidy(row["name"]))
                for line, row in _complete(rows, ("id", "name"))
            ]
            placed = list(_placed(nodes))
        numbers = [line for line, _ in placed]
        return Taxonomy([node for _, node in placed], name=name, lines=numbers)


TABLE = CategoryTable()


def _columns(header: str, delimiter: str) -> list[str]:
    try:
        names = next(csv.reader([header], delimiter=delimiter), [])
    except csv.Error:
        return []  # no line of a table
    return [name.strip().lower() for name in names]


def _delimiter(header: str) -> str | None:
    for delimiter in _DELIMITERS:
        columns = set(_columns(header, delimiter))
        if columns.issuperset(_WITH_PATH) or columns.issuperset(_WITH_PARENT):
            return delimiter
    return None


def _rows(lines: list[str], delimiter: str) -> tuple[set[str], list[tuple[int, dict[str, str]]]]:
    """The header's columns, and (line number, values by column) of each row that is not blank."""
    columns = _columns(lines[0], delimiter)
    reader = csv.reader((line + "\n" for line in lines[1:]), delimiter=delimiter, strict=True)
    rows: list[tuple[int, dict[str, str]]] = []
    start = 2
    try:
        for values in reader:
            if any(value.strip() for value in values):
                if len(values) < len(columns):
                    raise TaxonomyError(
                        f"line {start}: has {len(values)} of the header's {len(columns)} columns."
                    )
                cells = (value.strip() for value in values)
                rows.append((start, dict(zip(columns, cells, strict=False))))
            start = reader.line_num + 2
    except csv.Error as error:
        raise TaxonomyError(f"line {start}: not a row of CSV: {error}.") from error
    return set(columns), rows


def _complete(
    rows: list[tuple[int, dict[str, str]]], needed: tuple[str, ...]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    for line, row in rows:
        for column in needed:
            if not row[column]:
                raise TaxonomyError(f"line {line}: column {column} is empty.")
        yield line, row


def _placed(nodes: list[_Node]) -> Iterator[tuple[int, Category]]:
    """Each row with its whole path; refuses repeated ids, unknown parents and cycles."""
    by_id: dict[str, _Node] = {}
    for node in nodes:
        twin = by_id.setdefault(node.id, node)
        if twin is not node:
            raise TaxonomyError(
                f'line {node.line}: id {node.id} ("{node.name}") repeats the id of '
                f'"{twin.name}" (line {twin.line}). Ids must differ.'
            )
    for node in nodes:
        yield node.line, Category(node.id, _path_to(node, by_id))


def _path_to(node: _Node, by_id: Mapping[str, _Node]) -> tuple[str, ...]:
    names: list[str] = []
    walked: dict[str, None] = {}
    step = node
    while True:
        if step.id in walked:
            loop = " -> ".join([*walked, step.id])
            raise TaxonomyError(
                f"line {step.line}: id {step.id} is its own ancestor: the parents make the cycle "
                f"{loop}. Leave the parent of the topmost one empty."
            )
        walked[step.id] = None
        names.append(step.name)
        if not step.parent:
            return tuple(reversed(names))
        if step.parent not in by_id:
            raise TaxonomyError(
                f'line {step.line}: id {step.id} ("{step.name}") is an orphan: its parent '
                f"{step.parent} is the id of no row."
            )
        step = by_id[step.parent]
