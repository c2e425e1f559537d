"""The rows of a release as Arrow tables, read from the pool in bounded memory."""

import json
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID, IMAGE
from productnet.errors import ReleaseError
from productnet.release.entries import Entry, Provenance
from productnet.taxonomy.tree import Taxonomy

# Of a table in memory, which becomes a row group: images make rows heavy.
TABLE_BYTES = 16_000_000
TABLE_ROWS = 16_384
_FIRST_ROWS = 64

IMAGE_TYPE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
LABEL = "label"
CATEGORY_ID = "category_id"

# What a release says of a product beside its id, text fields and image.
_FACTS: dict[str, pa.DataType] = {
    LABEL: pa.int64(),
    CATEGORY_ID: pa.string(),
    "category_path": pa.string(),
    "verdict": pa.string(),
    "stage": pa.string(),
}
# What it says of people.
_PEOPLE: dict[str, pa.DataType] = {
    "labeler": pa.string(),
    "auditor": pa.string(),
    "adjudicator": pa.string(),
    "decisions": pa.int32(),
    "decided_at": pa.timestamp("us", tz="UTC"),
}
FACTS = frozenset({*_FACTS, *_PEOPLE})
# What stands beside the vector of a row.
VECTOR_FACTS = (ID, LABEL, CATEGORY_ID, "verdict")


def release_schema(
    fields: Sequence[str], taxonomy: Taxonomy, *, provenance: Provenance = Provenance.PSEUDONYMS
) -> pa.Schema:
    """Columns of a release, with the features that ``datasets`` reads from the metadata.

    ``label`` counts the leaves in the taxonomy's order, so it means the same in every release
    made under the same taxonomy. Raises ReleaseError where a text field has a name that a release
    uses itself.
    """
    if taken := sorted({*_FACTS, *_PEOPLE} & set(fields)):
        raise ReleaseError(
            f'A release has a column "{taken[0]}" of its own, so a text field cannot be called '
            "that. Make a project whose fields have other names."
        )
    people = {} if provenance is Provenance.NONE else _PEOPLE
    columns = [
        pa.field(ID, pa.string()),
        *(pa.field(name, pa.string()) for name in fields),
        pa.field(IMAGE, IMAGE_TYPE),
        *(pa.field(name, kind) for name, kind in {**_FACTS, **people}.items()),
    ]
    features: dict[str, dict[str, object]] = {
        column.name: {"dtype": str(column.type), "_type": "Value"} for column in columns
    }
    features[IMAGE] = {"_type": "Image"}
    features[LABEL] = {"names": [leaf.id for leaf in taxonomy.leaves], "_type": "ClassLabel"}
    info = json.dumps({"info": {"features": features}})
    return pa.schema(columns, metadata={"huggingface": info})


def text_fields(schema: pa.Schema) -> tuple[str, ...]:
    """The text fields among the columns of a release."""
    return tuple(name for name in schema.names if name not in FACTS | {ID, IMAGE})


def read_rows(
    entries: Sequence[Entry],
    rows: npt.NDArray[np.int64],
    *,
    pool: Pool,
    schema: pa.Schema,
    classes: dict[str, int],
) -> Iterator[pa.Table]:
    """These entries with their products, in order, as tables of some megabytes.

    Args:
        entries: What to read (N).
        rows: The row (N,) of each product in the pool's order.
        pool: Where the products are.
        schema: From ``release_schema``.
        classes: Category id to the value of ``label``.
    """
    size, start = _FIRST_ROWS, 0
    while start < len(entries):
        part = slice(start, start + size)
        table = _table(entries[part], rows[part], pool, schema, classes)
        yield table
        start += len(table)
        # As many as fit, told by those before: the same rows always make the same tables.
        fit = TABLE_BYTES * len(table) // max(table.nbytes, 1)
        size = min(max(fit, 1), 4 * size, TABLE_ROWS)


def _table(
    entries: Sequence[Entry],
    rows: npt.NDArray[np.int64],
    pool: Pool,
    schema: pa.Schema,
    classes: dict[str, int],
) -> pa.Table:
    names = [name for name in schema.names if name not in FACTS]
    products = pool.read(rows, columns=names)
    image = products.column(IMAGE).combine_chunks()
    facts: dict[str, list[object]] = {
        LABEL: [classes[entry.category.id] for entry in entries],
        CATEGORY_ID: [entry.category.id for entry in entries],
        "category_path": [entry.category.label for entry in entries],
        "verdict": [entry.verdict.value for entry in entries],
        "stage": [entry.stage for entry in entries],
    }
    told = [name for name in _PEOPLE if name in schema.names]
    facts |= {name: [getattr(entry, name) for entry in entries] for name in told}
    columns = {
        **{name: products.column(name) for name in names},
        IMAGE: pa.StructArray.from_arrays(
            [image, pa.nulls(len(image), pa.string())],
            fields=list(IMAGE_TYPE),
            mask=image.is_null(),
        ),
        **{name: pa.array(values, schema.field(name).type) for name, values in facts.items()},
    }
    return pa.table(columns, schema=schema)
