"""Parquet shards with images embedded and Hugging Face features, written in bounded memory."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.progress import Advance
from productnet.release.entries import Entry
from productnet.taxonomy.tree import Taxonomy

ROWS_PER_SHARD = 4_096
# A row group is what a reader holds in memory at once; images make rows heavy.
ROWS_PER_GROUP = 128

_IMAGE_TYPE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
_TIME_TYPE = pa.timestamp("us", tz="UTC")
# What a release says of a product beside its id, text fields and image.
_FACTS: dict[str, pa.DataType] = {
    "label": pa.int64(),
    "category_id": pa.string(),
    "category_path": pa.string(),
    "verdict": pa.string(),
    "stage": pa.string(),
    "labeler": pa.string(),
    "auditor": pa.string(),
    "adjudicator": pa.string(),
    "decisions": pa.int32(),
    "decided_at": _TIME_TYPE,
}


def release_schema(fields: Sequence[str], taxonomy: Taxonomy) -> pa.Schema:
    """Columns of a release, with the features that ``datasets`` reads from the metadata.

    ``label`` counts the leaves in the taxonomy's order, so it means the same in every release
    made under the same taxonomy.
    """
    columns = [
        pa.field(ID, pa.string()),
        *(pa.field(name, pa.string()) for name in fields),
        pa.field(IMAGE, _IMAGE_TYPE),
        *(pa.field(name, kind) for name, kind in _FACTS.items()),
    ]
    features: dict[str, dict[str, object]] = {
        column.name: {"dtype": str(column.type), "_type": "Value"} for column in columns
    }
    features[IMAGE] = {"_type": "Image"}
    features["label"] = {"names": [leaf.id for leaf in taxonomy.leaves], "_type": "ClassLabel"}
    info = json.dumps({"info": {"features": features}})
    return pa.schema(columns, metadata={"huggingface": info})


def write_shards(
    entries: Sequence[Entry],
    folder: Path,
    *,
    name: str,
    pool: Pool,
    schema: pa.Schema,
    classes: dict[str, int],
    advance: Advance,
) -> list[tuple[Path, int]]:
    """Write entries as ``NAME-00000-of-00001.parquet`` and so on; nothing for no entries.

    Args:
        entries: What to write, in order.
        folder: Where to; made if need be.
        name: Name of the split.
        pool: Where the products are.
        schema: From ``release_schema``.
        classes: Category id to the value of ``label``.
        advance: Told of rows written.

    Returns:
        Every file with its number of rows.

    Raises:
        UnknownProduct: A product is no longer in the pool.
    """
    shards = list(_chunks(entries, ROWS_PER_SHARD))
    written = []
    for number, shard in enumerate(shards):
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}-{number:05d}-of-{len(shards):05d}.parquet"
        with pq.ParquetWriter(path, schema, compression=_compression(schema)) as writer:
            for chunk in _chunks(shard, ROWS_PER_GROUP):
                writer.write_table(_rows(chunk, pool, schema, classes))
                advance(len(chunk))
        written.append((path, len(shard)))
    return written


def _rows(
    entries: Sequence[Entry], pool: Pool, schema: pa.Schema, classes: dict[str, int]
) -> pa.Table:
    names = [name for name in schema.names if name not in _FACTS]
    products = pool.take([entry.product for entry in entries], columns=names)
    image = products.column(IMAGE).combine_chunks()
    facts: dict[str, list[object]] = {
        "label": [classes[entry.category.id] for entry in entries],
        "category_id": [entry.category.id for entry in entries],
        "category_path": [entry.category.label for entry in entries],
        "verdict": [entry.verdict.value for entry in entries],
        **{
            name: [getattr(entry, name) for entry in entries]
            for name in _FACTS
            if name in Entry.__dataclass_fields__ and name != "verdict"
        },
    }
    columns = {
        **{name: products.column(name) for name in names},
        IMAGE: pa.StructArray.from_arrays(
            [image, pa.nulls(len(image), pa.string())],
            fields=list(_IMAGE_TYPE),
            mask=image.is_null(),
        ),
        **{name: pa.array(facts[name], kind) for name, kind in _FACTS.items()},
    }
    return pa.table(columns, schema=schema)


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Text shrinks well; images are compressed already."""
    leaves = [name for name in schema.names if name != IMAGE]
    return {
        **dict.fromkeys(leaves, "zstd"),
        f"{IMAGE}.bytes": "none",
        f"{IMAGE}.path": "zstd",
    }


def _chunks(items: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
