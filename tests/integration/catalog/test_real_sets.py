"""Real product data imports without a fault, where it is at hand."""

import os
from pathlib import Path

import pytest

from productnet.catalog.importer import import_feed
from productnet.catalog.pool import Pool
from productnet.settings import Project, Settings

DATA = Path(os.environ.get("PRODUCTNET_DATA", Path(__file__).parents[4] / "shared" / "data"))


@pytest.mark.parametrize(
    ("feed", "reference", "products", "images", "references"),
    [
        ("flipkart/products.csv", "category", 845, 842, 845),
        ("outdoor_and_home/products.csv", "gpt_path", 171, 171, 165),
        ("mwpd/products.jsonl.gz", "category", 13_012, 0, 13_012),
        ("fashion/products.parquet", "category", 7_643, 7_643, 7_643),
    ],
)
def test_a_real_set(
    feed: str, reference: str, products: int, images: int, references: int, tmp_path: Path
) -> None:
    if not (DATA / feed).exists():
        pytest.skip(f"{DATA / feed} is not here; PRODUCTNET_DATA names the folder of real sets")
    project = Project.create(tmp_path / "project", Settings())
    summary = import_feed(project, DATA / feed, reference=reference)
    assert (summary.added, summary.errors, summary.references) == (products, 0, references)
    columns = ["title", "image", "thumbnail"]
    batches = list(Pool.open(project.pool_path).scan(columns=columns))
    count = {name: sum(len(b) - b.column(name).null_count for b in batches) for name in columns}
    assert count == {"title": products, "image": images, "thumbnail": images}
