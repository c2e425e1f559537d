import csv
import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from productnet.errors import TaxonomyError, UnknownName
from productnet.taxonomy.derive import derive_taxonomy
from productnet.taxonomy.paths import path_id
from productnet.taxonomy.readers import read_taxonomy
from productnet.taxonomy.tree import Category, Taxonomy

DATA = Path(os.environ.get("PRODUCTNET_DATA", "../shared/data"))
REAL = DATA / "taxonomies"
FLIPKART = DATA / "flipkart/products.csv"
GOOGLE = REAL / "google_product_taxonomy-with-ids.en-US.2021-09-21.txt"
SHOPIFY = REAL / "shopify_categories.2025-06-unstable.en.txt"


def real(file: Path) -> Path:
    if not file.is_file():
        pytest.skip(f"{file} is absent; set PRODUCTNET_DATA to the folder of real sets")
    return file


def written(folder: Path, content: bytes) -> Path:
    file = folder / "shop.txt"
    file.write_bytes(content)
    return file


def test_googles_taxonomy() -> None:
    tree = read_taxonomy(real(GOOGLE))
    assert str(tree) == "google-2021-09-21"
    assert (len(tree), len(tree.leaves), len(tree.roots)) == (5_595, 4_719, 21)
    assert tree["5644"].label == "Vehicles & Parts > Vehicles > Watercraft > Yachts"
    assert all(tree.find(node.label) is node is tree.find(node.id) for node in tree)


def test_shopifys_taxonomy() -> None:
    tree = read_taxonomy(real(SHOPIFY))
    assert str(tree) == "shopify-2025-06-unstable"
    assert (len(tree), len(tree.leaves), len(tree.roots)) == (10_595, 8_516, 26)
    assert tree["ap-1"].label == "Animals & Pet Supplies > Live Animals"
    assert all(tree.find(node.label) is node is tree.find(node.id) for node in tree)


@pytest.mark.parametrize("source", [GOOGLE, SHOPIFY], ids=["google", "shopify"])
def test_a_real_taxonomy_survives_saving(source: Path, tmp_path: Path) -> None:
    tree = read_taxonomy(real(source))
    tree.save(tmp_path / "taxonomy.json")
    loaded = Taxonomy.load(tmp_path / "taxonomy.json")
    assert list(loaded) == list(tree)
    assert (loaded.name, loaded.version, loaded.hash) == (tree.name, tree.version, tree.hash)


def test_a_real_feeds_own_categories_make_a_taxonomy() -> None:
    with real(FLIPKART).open(encoding="utf-8", newline="") as file:
        texts = [row["category"] for row in csv.DictReader(file)]
    tree = derive_taxonomy(texts, depth=2, min_products=10, name="flipkart")
    placed = [leaf for text in texts if (leaf := tree.leaf_of(text))]
    assert len(tree.roots) == 7
    assert {len(leaf.path) for leaf in tree.leaves} == {2}
    assert all(placed.count(leaf) >= 10 for leaf in tree.leaves)
    assert len(placed) > 0.85 * len(texts)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodes=st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), names, min_size=1))
def test_any_tree_survives_saving(nodes: dict[str, str], tmp_path: Path) -> None:
    try:
        tree = Taxonomy([Category(key, (name,)) for key, name in nodes.items()], name="any")
    except TaxonomyError:
        return  # two names alike
    tree.save(tmp_path / "taxonomy.json")
    loaded = Taxonomy.load(tmp_path / "taxonomy.json")
    assert (list(loaded), loaded.hash) == (list(tree), tree.hash)


def test_the_format_is_found_out_and_the_file_names_the_taxonomy(tmp_path: Path) -> None:
    tree = read_taxonomy(written(tmp_path, "\ufeffid,path\r\n1,Größe\r\n".encode()))
    assert tree.name == "shop"
    assert tree["1"].name == "Größe"
    assert read_taxonomy(written(tmp_path, b"A\nA > B\n"), name="mine").name == "mine"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "shop.txt: line 1: the file is empty"),
        (b" \n\n", "shop.txt: line 1: the file is empty"),
        (b"Mugs\nCaf\xe9s\n", "shop.txt: line 2: byte 0xe9 is not UTF-8 text. Save the file as"),
        ("Mugs\nCups".encode("utf-16"), "shop.txt: line 1: byte 0xff is not UTF-8"),
        ("Mugs\nCups".encode("utf-16-le"), "shop.txt: line 1: byte 0x00 is not UTF-8"),
        (b"Mugs\nmugs\n", "shop.txt: line 2: .*repeats"),
    ],
)
def test_bad_files_are_refused_with_the_line(tmp_path: Path, content: bytes, error: str) -> None:
    with pytest.raises(TaxonomyError, match=error):
        read_taxonomy(written(tmp_path, content))


def test_a_missing_file_and_an_unknown_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TaxonomyError, match="cannot be read: No such file"):
        read_taxonomy(tmp_path / "absent.txt")
    with pytest.raises(UnknownName, match=r'no taxonomy format "gogle"\. Did you mean "google"'):
        read_taxonomy(written(tmp_path, b"A"), format="gogle")


def test_a_frozen_copy_that_was_edited_or_damaged_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "taxonomy.json"
    with pytest.raises(TaxonomyError, match="has no taxonomy yet"):
        Taxonomy.load(file)
    Taxonomy([Category(path_id(("Mugs",)), ("Mugs",))], name="shop").save(file)
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('["Mugs"]', '["Cups"]'), encoding="utf-8")
    with pytest.raises(TaxonomyError, match="was changed after it was frozen"):
        Taxonomy.load(file)
    file.write_text(json.dumps({**json.loads(text), "format_version": 9}), encoding="utf-8")
    with pytest.raises(TaxonomyError, match="has taxonomy format 9"):
        Taxonomy.load(file)
    file.write_text(text[:40], encoding="utf-8")
    with pytest.raises(TaxonomyError, match="is damaged"):
        Taxonomy.load(file)
