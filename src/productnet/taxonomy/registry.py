"""Every reader of taxonomy files, by the name of its format."""

from typing import Protocol

from productnet.registry import Entry, Registry
from productnet.taxonomy.tree import Taxonomy


class TaxonomyReader(Protocol):
    """Reads one kind of taxonomy file."""

    @property
    def publisher(self) -> str | None:
        """Whose taxonomy is written like this, where it is one publisher's format."""
        ...

    def recognises(self, lines: list[str]) -> bool:
        """Whether this looks like a file of its kind."""
        ...

    def read(self, lines: list[str], *, name: str) -> Taxonomy:
        """The taxonomy; raises TaxonomyError whose text begins with the line at fault."""
        ...


# In the order in which a file without a stated format is tried.
TAXONOMY_READERS = Registry[TaxonomyReader](
    "taxonomy format",
    {
        "google": Entry(
            "productnet.taxonomy.path_lists:GOOGLE", "Google Product Taxonomy with ids"
        ),
        "shopify": Entry("productnet.taxonomy.path_lists:SHOPIFY", "Shopify's category list"),
        "csv": Entry(
            "productnet.taxonomy.tables:TABLE", "CSV with columns id, path or id, parent, name"
        ),
        "paths": Entry("productnet.taxonomy.path_lists:PATHS", "a plain list of A > B > C paths"),
    },
)
