import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from productnet.errors import UsageError
from productnet.release.groups import group_keys
from productnet.release.splits import Split, split_by_group

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
