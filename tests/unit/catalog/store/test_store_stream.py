import io
import tracemalloc
from collections import Counter
from dataclasses import fields, replace

import pytest
from PIL import Image

from productnet.catalog.store.faults import StoreNoise
from productnet.catalog.store.leaves import stocked
from productnet.catalog.store.stream import GeneratedProduct, generate_products
from productnet.errors import UsageError
from productnet.settings import PAPER_FIELDS

SIZE = 4_000


@pytest.fixture(scope="module")
def store() -> list[GeneratedProduct]:
    return list(generate_products(SIZE, seed=1, images=False))


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert list(generate_products(40, seed=5)) == list(generate_products(40, seed=5))
    assert list(generate_products(40, seed=5)) != list(generate_products(40, seed=6))


def test_a_slice_equals_its_part_of_the_stream() -> None:
    whole = list(generate_products(60, seed=2))
    assert list(generate_products(60, seed=2, start=37)) == whole[37:]
    assert list(generate_products(20, seed=2)) == whole[:20]


def test_texts_are_the_same_with_and_without_pictures() -> None:
    with_pictures = [replace(each, image=None) for each in generate_products(50, seed=3)]
    assert with_pictures == list(generate_products(50, seed=3, images=False))


def test_memory_does_not_grow_with_the_stream() -> None:
    next(generate_products(1, images=False))  # the shelves are loaded once
    tracemalloc.start()
    try:
        count = sum(1 for _ in generate_products(20_000, images=False))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 1_000_000, "twenty thousand products held would take 25 MB"


@pytest.mark.parametrize("fault", [each.name for each in fields(StoreNoise)])
def test_each_fault_strikes_at_its_rate_and_alone(fault: str) -> None:
    noise = replace(StoreNoise.none(), **{fault: 0.2})
    products = list(generate_products(SIZE, seed=4, noise=noise, images=False))
    assert set[str]().union(*(each.faults for each in products)) == {fault}
    struck = sum(fault in each.faults for each in products) / SIZE
    # Missing fields are counted below: six fields have a chance each.
    expected = 1 - 0.8**6 if fault == "missing_field" else 0.2
    assert struck == pytest.approx(expected, abs=0.03)


def test_without_noise_nothing_is_wrong() -> None:
    for product in generate_products(300, noise=StoreNoise.none()):
        assert not product.faults
        assert set(product.texts) == set(PAPER_FIELDS)
        assert product.image is not None
        assert product.category is not None


def test_missing_fields_are_absent_and_never_the_title(store: list[GeneratedProduct]) -> None:
    assert all(all(text for text in each.texts.values()) for each in store)
    for name in PAPER_FIELDS:
        missing = sum(name not in each.texts for each in store) / SIZE
        assert missing == pytest.approx(0 if name == "title" else 0.25, abs=0.03)


def test_every_leaf_is_sold_and_some_far_more_than_others(store: list[GeneratedProduct]) -> None:
    counts = Counter(each.category for each in store if each.category)
    assert set(counts) == {leaf.category for leaf in stocked().leaves}
    assert max(counts.values()) > 2.5 * min(counts.values())
    assert sum(each.category is None for each in store) / SIZE == pytest.approx(0.06, abs=0.015)


def test_near_duplicates_share_group_leaf_and_all_but_the_title() -> None:
    noise = replace(StoreNoise.none(), near_duplicate=0.3)
    originals: dict[str, GeneratedProduct] = {}
    copies = 0
    for product in generate_products(300, seed=7, noise=noise):
        original = originals.setdefault(product.group, product)
        if product is original:
            assert "near_duplicate" not in product.faults
            continue
        copies += 1
        assert product.category == original.category
        assert {**product.texts, "title": ""} == {**original.texts, "title": ""}
        assert product.image != original.image
    assert copies > 60


def test_nothing_but_the_reference_tells_the_leaf(store: list[GeneratedProduct]) -> None:
    ids = [each.id for each in store]
    assert len(set(ids)) == len(ids)
    assert all(each.id[1:].isdigit() and each.group[1:].isdigit() for each in store)
    for product in generate_products(30):
        assert product.image is None or set(Image.open(io.BytesIO(product.image)).info) <= {
            "jfif", "jfif_version", "jfif_unit", "jfif_density",
        }  # fmt: skip


def test_sizes_and_rates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot have products 5 to 3"):
        next(generate_products(3, start=5))
    with pytest.raises(UsageError, match=r"Store noise distractor is 1\.5; it must be from 0 to 1"):
        StoreNoise(distractor=1.5)
