"""A dry run: how a feed would be read, without touching anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from productnet.catalog.feed import open_feed
from productnet.catalog.importer import decide_mapping
from productnet.catalog.mapping import FeedMapping, MappedProduct
from productnet.catalog.readers.rows import Fault
from productnet.settings import Project

_PRODUCTS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would make of a feed.

    Attributes:
        format: Name of the reader.
        mapping: Columns by field, those left over, and those held back.
        products: The first three products, their images as references, none of them opened.
        faults: (line, fault) of the bad ones among the rows looked at.
        rows_looked_at: How many rows that were.
    """

    format: str
    mapping: FeedMapping
    products: tuple[MappedProduct, ...]
    faults: tuple[tuple[int, Fault], ...]
    rows_looked_at: int


def preview_feed(
    project: Project,
    feed: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    format: str | None = None,
    reference: str | None = None,
    labels: str | None = None,
) -> Preview:
    """Read the first rows of a feed as ``import_feed`` would, with the same arguments.

    Nothing is written and no image opened or fetched. Raises as ``import_feed`` does.
    """
    opened = open_feed(feed, format=format)
    decided = decide_mapping(project, opened, mapping, reference=reference, labels=labels)
    products: list[MappedProduct] = []
    faults: list[tuple[int, Fault]] = []
    for row in opened.first_rows:
        result = decided.product(row)
        if isinstance(result, Fault):
            faults.append((row.line, result))
        elif len(products) < _PRODUCTS_SHOWN:
            products.append(result)
    return Preview(opened.format, decided, tuple(products), tuple(faults), len(opened.first_rows))
