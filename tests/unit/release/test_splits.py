from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import UsageError
from productnet.release.groups import group_keys
from productnet.release.splits import Side, Split, sides_by_group, split_by_group

leaf_of_group = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.sampled_from(["mugs", "cups", "sofas"]),
    min_size=1,
    max_size=60,
)
shares = st.floats(0.05, 0.95)


def two_each(groups: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Labels and group keys of two products in every group."""
    labels = {f"{key}-{n}": leaf for key, leaf in groups.items() for n in (1, 2)}
    return labels, {product: product[:-2] for product in labels}


@given(groups=leaf_of_group, share=shares, seed=st.integers(0, 9))
def test_no_group_lies_on_both_sides_and_every_leaf_on_each(
    groups: dict[str, str], share: float, seed: int
) -> None:
    labels, keys = two_each(groups)
    split = split_by_group(labels, keys, test_share=share, seed=seed)
    assert split.train | split.test == labels
    assert not {keys[p] for p in split.train} & {keys[p] for p in split.test}
    for leaf in set(groups.values()):
        if list(groups.values()).count(leaf) >= 2:
            assert leaf in split.train.values()
            assert leaf in split.test.values()


@given(groups=leaf_of_group, seed=st.integers(0, 9))
def test_the_order_of_labels_does_not_matter(groups: dict[str, str], seed: int) -> None:
    labels, keys = two_each(groups)
    backwards = dict(reversed(labels.items()))
    split = split_by_group(labels, keys, test_share=0.3, seed=seed)
    assert split == split_by_group(backwards, keys, test_share=0.3, seed=seed)
    assert list(split.train) == sorted(split.train)


def numbered(count: int) -> tuple[dict[str, str], dict[str, str]]:
    labels = {f"p{n}": "mugs" for n in range(count)}
    return labels, {product: product for product in labels}


def test_products_stay_on_their_side_as_gold_grows() -> None:
    small = split_by_group(*numbered(400), test_share=0.2, seed=3)
    large = split_by_group(*numbered(4_000), test_share=0.2, seed=3)
    assert small.test.keys() <= large.test.keys()
    assert small.train.keys() <= large.train.keys()
    assert len(large.test) == pytest.approx(800, rel=0.1)


def test_another_seed_is_another_split() -> None:
    one = split_by_group(*numbered(50), test_share=0.2, seed=0)
    assert one != split_by_group(*numbered(50), test_share=0.2, seed=1)


def test_a_leaf_of_one_group_does_not_keep_others_from_their_test_side() -> None:
    labels = {"a": "mugs", "b": "mugs", "c": "cups"}
    keys = {"a": "shared", "b": "own", "c": "shared"}
    for seed in range(20):
        split = split_by_group(labels, keys, test_share=0.01, seed=seed)
        assert len({"a", "b"} & split.test.keys()) == 1
        assert ("a" in split.test) == ("c" in split.test)


def test_variants_and_near_duplicate_titles_share_a_group() -> None:
    products = pa.table(
        {
            "id": ["a", "b", "c", "d", "e", "f"],
            "title": ["Blue Mug, 350ml", "mug blue 350 ML", "Red Mug", "Oak Chair", None, None],
            "group": [None, "v1", "v1", None, None, None],
        }
    )
    keys = group_keys(products)
    assert keys["a"] == keys["b"] == keys["c"]
    assert len({keys[product] for product in "adef"}) == 4


def test_products_without_title_or_group_columns_stand_alone() -> None:
    assert group_keys(pa.table({"id": ["a", "b"]})) == {"a": "id:a", "b": "id:b"}


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(UsageError, match=r"between 0 and 1; it is 1\.5"):
        split_by_group({"a": "mugs"}, {"a": "a"}, test_share=1.5, seed=0)


def test_no_gold_makes_an_empty_split() -> None:
    assert split_by_group({}, {}, test_share=0.2, seed=0) == Split({}, {})


def many_leaves(count: int, *, leaves: int = 40) -> tuple[dict[str, str], dict[str, str]]:
    """Products in groups of one to four, in leaves of quite different sizes."""
    rng = np.random.default_rng(1)
    labels: dict[str, str] = {}
    groups: dict[str, str] = {}
    while len(labels) < count:
        leaf = f"leaf-{int(leaves * rng.random() ** 2)}"
        key = f"group-{len(groups)}"
        for _ in range(int(rng.integers(1, 5))):
            product = f"p{len(labels)}"
            labels[product], groups[product] = leaf, key
    return labels, groups


def test_every_leaf_has_about_the_share_that_was_wanted() -> None:
    labels, groups = many_leaves(4_000)
    sides = sides_by_group(labels, groups, test_share=0.2, validation_share=0.1, seed=0)
    size = Counter(labels.values())
    for side, share in ((Side.TEST, 0.2), (Side.VALIDATION, 0.1)):
        held = Counter(leaf for product, leaf in labels.items() if sides[product] is side)
        for leaf, count in size.items():
            # A quarter of what is wanted, or as near as whole groups of up to four allow.
            assert abs(held[leaf] - share * count) <= max(0.3 * share * count, 4), (side, leaf)


def test_nearly_all_keep_their_side_when_gold_doubles() -> None:
    labels, groups = many_leaves(4_000)
    since = {product: number for number, product in enumerate(labels)}
    order = np.random.default_rng(2).permutation(list(labels)).tolist()
    half = dict.fromkeys(order[:2_000])
    shares = {"test_share": 0.2, "validation_share": 0.1}
    before = sides_by_group(
        {product: labels[product] for product in half},
        {product: groups[product] for product in half},
        since={product: since[product] for product in half},
        seed=0,
        **shares,
    )
    # What comes later came later, even into a group that was there before.
    later = {product: since[product] + (product not in half) * 10_000 for product in labels}
    after = sides_by_group(labels, groups, since=later, seed=0, **shares)
    kept = sum(before[product] is after[product] for product in half)
    assert kept / len(half) > 0.93


def test_a_group_keeps_its_place_when_a_product_with_a_smaller_key_joins() -> None:
    for seed in range(30):
        alone = sides_by_group(
            {"m": "mugs", "x": "mugs", "y": "mugs"},
            {"m": "m", "x": "x", "y": "y"},
            test_share=0.3,
            seed=seed,
            since={"m": 1, "x": 2, "y": 3},
        )
        joined = sides_by_group(
            {"m": "mugs", "x": "mugs", "y": "mugs", "a": "mugs"},
            {"m": "a", "a": "a", "x": "x", "y": "y"},
            test_share=0.3,
            seed=seed,
            since={"m": 1, "x": 2, "y": 3, "a": 9},
        )
        assert joined["a"] is joined["m"] is alone["m"]


def test_turning_validation_on_moves_no_test_product() -> None:
    labels, groups = many_leaves(1_000)
    without = sides_by_group(labels, groups, test_share=0.2, seed=0)
    with_it = sides_by_group(labels, groups, test_share=0.2, validation_share=0.2, seed=0)
    for product, side in without.items():
        assert (side is Side.TEST) == (with_it[product] is Side.TEST)


@pytest.mark.parametrize(
    ("test", "validation", "message"),
    [
        (0.6, 0.4, "leave nothing to train on"),
        (0.2, -0.1, r"must be 0 or more; it is -0\.1"),
        (0.2, 1.0, "must be 0 or more"),
        (0.0, 0.1, r"between 0 and 1; it is 0\.0"),
    ],
)
def test_shares_that_make_no_sense_are_refused(
    test: float, validation: float, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        sides_by_group(
            {"a": "mugs"}, {"a": "a"}, test_share=test, validation_share=validation, seed=0
        )
