"""Products loaded by the workers of an engine: what ``ProductLoader`` does, for rows in shards."""

import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from productnet.catalog.known import KnownProducts
from productnet.catalog.loader import Loaded, ProductLoader
from productnet.catalog.mapping import MappedProduct
from productnet.catalog.readers.rows import Fault, FaultKind
from productnet.catalog.schema import Product, pool_schema, products_to_table
from productnet.catalog.shards import fetches, read_shard, rows_of, write_row_shards
from productnet.engine.base import Engine, Stage
from productnet.settings import ImageSettings

# Rows of a shard, and products that travel together: images are large.
_SHARD = 512
_BATCH = 64


@dataclass(frozen=True)
class LoadProducts:
    """Loads the products of a batch of a shard's rows, as a stage.

    Attributes:
        folder: Of the feed.
        fields: The text fields.
        images: Limits on images.
        known: The pool's products; what is current is passed over.
        seed: Of the waits between attempts to fetch.
    """

    folder: Path
    fields: tuple[str, ...]
    images: ImageSettings
    known: KnownProducts
    seed: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """A row a product: the pool's columns, where it is in the feed, faults, whether current."""
        with ProductLoader(
            self.folder, self.images, self.known.is_current, seed=self.seed
        ) as loader:
            loaded = list(loader.load(rows_of(batch)))
        products = [one.product or _nothing(one.mapped) for one in loaded]
        table = products_to_table(products, self.fields)
        added = {
            "file": [one.mapped.file for one in loaded],
            "line": [one.mapped.line for one in loaded],
            "faults": [_packed(one.faults) for one in loaded],
            "current": [one.product is None for one in loaded],
        }
        columns = [*table.columns, *(pa.array(values) for values in added.values())]
        (made,) = pa.table(columns, [*table.column_names, *added]).combine_chunks().to_batches()
        return made


def load_apart(
    products: Iterable[MappedProduct], work: Path, load: LoadProducts, engine: Engine
) -> Iterator[Loaded]:
    """The products in the order given, loaded by workers.

    Args:
        products: Rows of a feed; they are read at once.
        work: A folder for shards, which is gone in the end.
        load: How products are loaded.
        engine: Where.
    """
    shutil.rmtree(work, ignore_errors=True)
    try:
        shards = write_row_shards(products, work, size=_SHARD)
        stage = Stage(partial(_the_same, load), waits=fetches(shards), processors=0.9)
        waiting: dict[int, list[pa.RecordBatch]] = {}
        following = 0
        for number, batches in engine.stream(shards, partial(read_shard, size=_BATCH), [stage]):
            waiting[number] = batches
            # In order: a pool made by workers has the rows where one process has them.
            while following in waiting:
                for batch in waiting.pop(following):
                    yield from _loaded(batch, load.fields)
                following += 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _the_same(load: LoadProducts) -> LoadProducts:
    return load


def _nothing(mapped: MappedProduct) -> Product:
    return Product(mapped.id, {}, fingerprint=bytes(8))


def _loaded(batch: pa.RecordBatch, fields: tuple[str, ...]) -> Iterator[Loaded]:
    names = pool_schema(fields).names
    for row in batch.to_pylist():
        mapped = MappedProduct(row["file"], row["line"], row["id"], texts={})
        if row["current"]:
            yield Loaded(mapped, None)
            continue
        texts = {name: row[name] for name in fields if row[name] is not None}
        facts = {name: row[name] for name in names if name not in fields}
        facts["more_images"] = tuple(facts["more_images"])
        yield Loaded(mapped, Product(texts=texts, **facts), _unpacked(row["faults"]))


def _packed(faults: tuple[Fault, ...]) -> str:
    return json.dumps([[fault.kind.value, fault.reason, fault.field] for fault in faults])


def _unpacked(text: str) -> tuple[Fault, ...]:
    return tuple(Fault(FaultKind(kind), reason, field) for kind, reason, field in json.loads(text))
