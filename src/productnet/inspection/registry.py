"""The inspections, by name: each looks at a project in one way and yields the flaws it finds."""

from collections.abc import Callable, Iterator

from productnet.inspection.flaws import Flaw
from productnet.inspection.subject import Subject
from productnet.progress import Progress
from productnet.registry import Entry, Registry

Inspection = Callable[[Subject, Progress], Iterator[Flaw]]

_HERE = "productnet.inspection"

INSPECTIONS = Registry[Inspection](
    "inspection",
    {
        "copies": Entry(
            f"{_HERE}.copies:inspect", "near-duplicates that were answered differently"
        ),
        "labels": Entry(f"{_HERE}.labels:inspect", "gold that models do not believe, by leaf"),
        "siblings": Entry(f"{_HERE}.siblings:inspect", "leaves that are taken for one another"),
        "thin": Entry(f"{_HERE}.leaves:inspect_thin", "leaves with less gold than is wanted"),
        "narrow": Entry(
            f"{_HERE}.leaves:inspect_narrow", "leaves of which one side only is labelled"
        ),
        "wide": Entry(f"{_HERE}.wide:inspect", "leaves that look like two"),
        "missing": Entry(
            f"{_HERE}.missing:inspect",
            "fields that are empty: of the pool, of a leaf, of a product",
        ),
        "misplaced": Entry(
            f"{_HERE}.misplaced:inspect", "texts in the wrong field, or not what a field is for"
        ),
        "pictures": Entry(
            f"{_HERE}.pictures:inspect", "pictures that are missing, blank, or placeholders"
        ),
        "brands": Entry(f"{_HERE}.brands:inspect", "one brand written in several ways"),
    },
)
