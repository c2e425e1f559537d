"""Resources over made-up vectors, without a pool that would have titles."""

from collections.abc import Collection

from productnet.retrieval.resources import Resources


class Untitled(Resources):
    """Calls every product by its id."""

    def titles(self, products: Collection[str]) -> dict[str, str]:
        """The ids."""
        return {product: product for product in products}
