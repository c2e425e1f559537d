from pathlib import Path

import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.errors import ProjectError, UnknownProduct

FIELDS = ("title", "brand")


def product(id: str, title: str = "a mug", **facts: object) -> Product:
    return Product(id=id, texts={"title": title}, fingerprint=b"12345678", **facts)  # type: ignore[arg-type]


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    made = Pool.create(tmp_path / "pool.lance", FIELDS)
    made.append(products_to_table([product(f"it's {n}") for n in range(10)], FIELDS))
    return made


def titles(pool: Pool) -> dict[str, str]:
    rows = (row for batch in pool.scan(columns=["id", "title"]) for row in batch.to_pylist())
    return {row["id"]: row["title"] for row in rows}


def test_an_upsert_replaces_by_id_and_adds_the_rest(pool: Pool) -> None:
    pool.upsert(products_to_table([product("it's 3", "new"), product("ten", "also new")], FIELDS))
    assert len(pool) == 11
    assert titles(pool)["it's 3"] == "new"
    assert titles(pool)["ten"] == "also new"
    assert titles(pool)["it's 4"] == "a mug"


def test_products_are_taken_in_the_order_asked(pool: Pool) -> None:
    taken = pool.take(["it's 7", "it's 2", "it's 7"], columns=["title", "id"])
    assert taken.column_names == ["title", "id"]
    assert taken.column("id").to_pylist() == ["it's 7", "it's 2", "it's 7"]
    assert pool.take([], columns=["title"]).num_rows == 0


def test_an_unknown_product_is_named(pool: Pool) -> None:
    with pytest.raises(UnknownProduct, match='The pool has no product "mug-9"'):
        pool.take(["it's 1", "mug-9"])


def test_compacting_changes_nothing_but_the_files(pool: Pool) -> None:
    pool.upsert(products_to_table([product("x", "one more", image=b"\xff")], FIELDS))
    before = titles(pool)
    pool.compact()
    assert titles(pool) == before
    assert pool.take(["x"], columns=["image"]).column("image").to_pylist() == [b"\xff"]


def test_a_pool_opened_again_is_the_same(pool: Pool, tmp_path: Path) -> None:
    again = Pool.open(tmp_path / "pool.lance")
    assert again.fields == FIELDS
    assert again.ids().to_pylist() == pool.ids().to_pylist()


def test_no_products_yet_says_how_to_bring_some(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no products yet.*productnet import FEED"):
        Pool.open(tmp_path / "pool.lance")


def test_a_field_cannot_take_a_name_the_pool_uses(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match='cannot be called "thumbnail"'):
        Pool.create(tmp_path / "pool.lance", ("title", "thumbnail"))
