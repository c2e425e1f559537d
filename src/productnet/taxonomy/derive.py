"""A taxonomy made from a feed's own category column, where a shop has no other."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from productnet.errors import TaxonomyError
from productnet.taxonomy.paths import path_id, path_key, split_path
from productnet.taxonomy.tree import Category, Taxonomy


@dataclass
class _Node:
    """One path while products are counted."""

    spellings: Counter[str] = field(default_factory=Counter)
    children: dict[str, "_Node"] = field(default_factory=dict)
    stopping: int = 0  # products whose path, cut, ends here


def derive_taxonomy(
    paths: Iterable[str],
    *,
    depth: int | None,
    min_products: int,
    name: str,
    version: str | None = None,
) -> Taxonomy:
    """The taxonomy that a feed's category column implies.

    Each product's path is cut at ``depth``. A path where at least ``min_products`` products stop
    can be a leaf. When products stop at a path and others go on below it, the larger side wins:

    - at least as many stop there as there are in the leaves below: it becomes the leaf, and those
      below fold into it (``Taxonomy.leaf_of`` then answers with it for the deeper paths);
    - otherwise it stays an inner category, and the products that stop there are in no leaf, for
      nobody said in which.

    Spellings that differ in case or punctuation are one category, named by the commonest.

    Args:
        paths: One category text a product, in any of the separators of ``split_path``.
        depth: Names of a path that count; None for all.
        min_products: Products a leaf needs.
        name: What to call the taxonomy.
        version: Its version; the first digits of its hash when None.

    Raises:
        TaxonomyError: No path has enough products.
    """
    root = _Node()
    for text, count in Counter(paths).items():
        node = root
        names = split_path(text)[:depth]
        for each in names:
            node = node.children.setdefault(path_key((each,))[0], _Node())
            node.spellings[each] += count
        node.stopping += count
    root.stopping = 0  # empty texts end here; the root is never a leaf
    categories: list[Category] = []
    _prune(root, max(min_products, 1))
    _collect(root, (), categories)
    if not categories:
        raise TaxonomyError(
            f"No category has {min_products} products of its own. Ask for fewer products a leaf, "
            "or cut the paths at a smaller depth."
        )
    return Taxonomy(categories, name=name, version=version)


def _prune(node: _Node, min_products: int) -> int:
    """Drop what is too small and settle who is a leaf; the products in leaves from here down."""
    below = {key: _prune(child, min_products) for key, child in node.children.items()}
    in_leaves = sum(below.values())
    if node.stopping >= max(min_products, in_leaves):
        node.children = {}
        return node.stopping + in_leaves
    node.children = {key: child for key, child in node.children.items() if below[key]}
    return in_leaves


def _collect(node: _Node, path: tuple[str, ...], categories: list[Category]) -> None:
    for child in sorted(node.children.values(), key=_spelling):
        here = (*path, _spelling(child))
        categories.append(Category(path_id(here), here))
        _collect(child, here, categories)


def _spelling(node: _Node) -> str:
    """The commonest spelling; of equally common ones the first in the alphabet."""
    return min(node.spellings, key=lambda each: (-node.spellings[each], each))
