import io
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
from PIL import Image

from productnet.catalog.store.faults import REAL_WORLD
from productnet.catalog.store.files import write_store
from productnet.catalog.store.stream import generate_products
from productnet.settings import PAPER_FIELDS
from productnet.taxonomy.readers import read_taxonomy


def test_a_store_is_written_as_feed_taxonomy_and_reference_apart(tmp_path: Path) -> None:
    noise = replace(REAL_WORLD, distractor=0.2, missing_image=0.2)
    store = write_store(tmp_path / "store", size=120, seed=1, noise=noise, image_side=48)
    feed = pq.read_table(store.feed)
    made = list(generate_products(120, seed=1, noise=noise, image_side=48))

    assert store.products == feed.num_rows == 120
    assert feed.column_names == ["id", *PAPER_FIELDS, "group", "image"]
    for row, product in zip(feed.to_pylist(), made, strict=True):
        assert (row["id"], row["group"]) == (product.id, product.group)
        assert {name: row[name] for name in PAPER_FIELDS if row[name]} == product.texts
        if product.image is None:
            assert row["image"] is None
        else:
            assert row["image"]["path"] == f"{product.id}.jpg"
            assert Image.open(io.BytesIO(row["image"]["bytes"])).size == (48, 48)

    reference = pq.read_table(store.reference)
    assert reference.schema.to_string() == "id: string\ncategory: string"
    assert dict(zip(*reference.to_pydict().values(), strict=True)) == {
        product.id: product.category for product in made if product.category
    }
    tree = read_taxonomy(store.taxonomy)
    assert all(tree.leaf_of(text) for text in reference.column("category").to_pylist())
    assert sorted(each.name for each in store.feed.parent.iterdir()) == [
        "products.parquet", "reference.parquet", "taxonomy.txt",
    ]  # fmt: skip


def test_a_store_without_pictures_has_no_image_column(tmp_path: Path) -> None:
    store = write_store(tmp_path, size=2_500, images=False)
    feed = pq.ParquetFile(store.feed)
    assert feed.schema_arrow.names == ["id", *PAPER_FIELDS, "group"]
    assert feed.metadata.num_row_groups == 3
    assert feed.metadata.num_rows == 2_500
