"""The keyword index follows the pool, and is whole or absent."""

import time
from pathlib import Path

import pytest

from productnet.catalog.pool import Pool
from productnet.catalog.schema import Product, products_to_table
from productnet.retrieval import keyword_index
from productnet.retrieval.keyword_index import KeywordIndex
from productnet.retrieval.keyword_query import parse_query


def add(pool: Pool, **titles: str) -> None:
    products = [
        Product(id, {"title": title}, fingerprint=b"12345678") for id, title in titles.items()
    ]
    pool.upsert(products_to_table(products, ("title",)))


@pytest.fixture
def pool(tmp_path: Path) -> Pool:
    made = Pool.create(tmp_path / "pool.lance", ("title",))
    add(made, a="Red running shoes", b="Blue mug", c="Mugs of every colour, a set of mugs")
    return made


def found(index: KeywordIndex, query: str) -> list[str]:
    return [hit.product for hit in index.search(parse_query(query), count=10)]


def test_words_are_stemmed_and_alternatives(pool: Pool, tmp_path: Path) -> None:
    index = KeywordIndex.build(pool, tmp_path / "index")
    assert found(index, "shoe") == ["a"]
    assert set(found(index, "mug runs")) == {"a", "b", "c"}
    assert found(index, "mug -blue") == ["c"]
    assert found(index, '"blue mug"') == ["b"]
    assert found(index, "nothing like it") == []


def test_it_is_built_once_and_again_when_the_pool_changed(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "index"
    KeywordIndex.open_or_build(pool, path)
    made = (path / "productnet.json").stat().st_ino
    KeywordIndex.open_or_build(pool, path)
    assert (path / "productnet.json").stat().st_ino == made
    add(pool, d="Espresso mug")
    assert "d" in found(KeywordIndex.open_or_build(pool, path), "espresso")


def test_an_open_index_stays_that_of_its_pool(pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "index"
    opened = KeywordIndex.open_or_build(pool, path)
    add(pool, d="Espresso mug")
    KeywordIndex.open_or_build(pool, path)
    # A reader that follows its folder looks at it twice a second.
    time.sleep(1.5)
    assert set(found(opened, "mug")) == {"b", "c"}


@pytest.mark.parametrize("damage", ["stamp", "folder"])
def test_a_damaged_index_is_built_again(pool: Pool, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "index"
    KeywordIndex.build(pool, path)
    if damage == "stamp":
        (path / "productnet.json").write_text("{")
    else:
        (path / "meta.json").unlink()
    assert found(KeywordIndex.open_or_build(pool, path), "shoe") == ["a"]


def test_a_build_that_dies_leaves_the_index_before(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "index"
    KeywordIndex.build(pool, path)

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(keyword_index, "_write", die)
    with pytest.raises(KeyboardInterrupt):
        KeywordIndex.build(pool, path)
    monkeypatch.undo()
    assert found(KeywordIndex.open_or_build(pool, path), "shoe") == ["a"]
    KeywordIndex.build(pool, path)
    assert [entry.name for entry in tmp_path.iterdir() if "draft" in entry.name] == []
