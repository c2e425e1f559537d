"""The generated store as files: a feed, its taxonomy, and the reference labels apart from both."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.schema import GROUP, ID, IMAGE
from productnet.catalog.store.faults import REAL_WORLD, StoreNoise
from productnet.catalog.store.leaves import store_taxonomy
from productnet.catalog.store.stream import GeneratedProduct, generate_products
from productnet.files import write_atomically
from productnet.progress import SILENT, Progress
from productnet.settings import PAPER_FIELDS

# Products in memory at a time.
_BATCH = 1_000

_FEED = pa.schema(
    [
        pa.field(ID, pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in PAPER_FIELDS),
        pa.field(GROUP, pa.string()),
    ]
)
# As Hugging Face datasets writes images; the path is a name only, there is no such file.
_PICTURE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
_REFERENCE = pa.schema([pa.field(ID, pa.string()), pa.field("category", pa.string())])


@dataclass(frozen=True, slots=True)
class StoreFiles:
    """Where a generated store was written.

    Attributes:
        feed: Parquet of the products as a shop would deliver them, pictures embedded.
        taxonomy: The taxonomy, one path a line.
        reference: Parquet (id, category path) of the products that belong to a leaf; distractors
            are absent. For simulation and evaluation only.
        products: How many products the feed has.
    """

    feed: Path
    taxonomy: Path
    reference: Path
    products: int


def write_store(
    folder: Path,
    *,
    size: int,
    seed: int = 0,
    noise: StoreNoise = REAL_WORLD,
    images: bool = True,
    image_side: int = 160,
    progress: Progress = SILENT,
) -> StoreFiles:
    """Write a store; the arguments are those of ``generate_products``.

    Each file is complete or absent, whenever the process is killed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    store = StoreFiles(
        feed=folder / "products.parquet",
        taxonomy=folder / "taxonomy.txt",
        reference=folder / "reference.parquet",
        products=size,
    )
    schema = _FEED.append(pa.field(IMAGE, _PICTURE)) if images else _FEED
    products = generate_products(size, seed=seed, noise=noise, images=images, image_side=image_side)
    feed_draft, reference_draft = _draft(store.feed), _draft(store.reference)
    with (
        progress.task("Making the store", total=size) as advance,
        pq.ParquetWriter(feed_draft, schema) as feed,
        pq.ParquetWriter(reference_draft, _REFERENCE) as reference,
    ):
        for batch in _batches(products):
            feed.write_table(_feed_table(batch, schema))
            reference.write_table(_reference_table(batch))
            advance(len(batch))
    write_atomically(store.taxonomy, store_taxonomy())
    reference_draft.replace(store.reference)
    feed_draft.replace(store.feed)
    return store


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.draft")


def _batches(products: Iterator[GeneratedProduct]) -> Iterator[list[GeneratedProduct]]:
    while batch := list(islice(products, _BATCH)):
        yield batch


def _feed_table(batch: list[GeneratedProduct], schema: pa.Schema) -> pa.Table:
    columns: dict[str, list[object]] = {
        ID: [product.id for product in batch],
        **{name: [product.texts.get(name) for product in batch] for name in PAPER_FIELDS},
        GROUP: [product.group for product in batch],
    }
    if IMAGE in schema.names:
        columns[IMAGE] = [
            {"bytes": product.image, "path": f"{product.id}.jpg"} if product.image else None
            for product in batch
        ]
    return pa.table(columns, schema=schema)


def _reference_table(batch: list[GeneratedProduct]) -> pa.Table:
    placed = [product for product in batch if product.category is not None]
    columns = {
        ID: [product.id for product in placed],
        "category": [product.category for product in placed],
    }
    return pa.table(columns, schema=_REFERENCE)
