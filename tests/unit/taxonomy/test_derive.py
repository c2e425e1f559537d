import pytest

from productnet.errors import TaxonomyError
from productnet.taxonomy.derive import derive_taxonomy
from productnet.taxonomy.tree import Taxonomy


def derived(paths: list[str], *, depth: int | None = None, min_products: int = 2) -> Taxonomy:
    return derive_taxonomy(paths, depth=depth, min_products=min_products, name="feed")


def labels(tree: Taxonomy) -> list[str]:
    return [leaf.label for leaf in tree.leaves]


def test_paths_are_cut_and_small_leaves_dropped() -> None:
    feed = ["Home >> Lamps >> Desk"] * 2 + ["Home >> Lamps >> Floor", "Home >> Rugs", ""]
    tree = derived(feed, depth=2)
    assert [node.label for node in tree] == ["Home", "Home > Lamps"]
    assert tree.leaf_of("Home >> Lamps >> Floor") == tree["home/lamps"]
    assert tree.leaf_of("Home >> Rugs") is None


def test_a_path_where_most_products_stop_becomes_the_leaf() -> None:
    tree = derived(["Home > Lamps"] * 5 + ["Home > Lamps > Desk"] * 3)
    assert labels(tree) == ["Home > Lamps"]
    assert tree.leaf_of("Home > Lamps > Desk") == tree["home/lamps"]


def test_a_path_that_most_products_go_below_stays_inner() -> None:
    tree = derived(["Home > Lamps"] * 2 + ["Home > Lamps > Desk"] * 3)
    assert labels(tree) == ["Home > Lamps > Desk"]
    assert tree.leaf_of("Home > Lamps") is None


def test_spellings_are_one_category_under_the_commonest() -> None:
    tree = derived(["T-Shirts"] * 2 + ["t shirts"])
    assert labels(tree) == ["T-Shirts"]
    assert tree.leaf_of("t shirts") == tree["t-shirts"]


def test_the_order_of_products_does_not_matter() -> None:
    feed = ["B > A", "B > A", "A", "A", "B > C", "B > C"]
    assert list(derived(feed)) == list(derived(feed[::-1]))


def test_a_feed_without_enough_products_a_category_is_refused() -> None:
    with pytest.raises(TaxonomyError, match="No category has 9 products of its own"):
        derived(["A", "B"], min_products=9)
