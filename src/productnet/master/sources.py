"""What people hand the master model: a table of any Arrow library or a project, and labels."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from productnet.catalog.pool import Pool
from productnet.catalog.schema import ID
from productnet.errors import TrainingError, UnknownProduct
from productnet.master.presets import IMAGE, TEXT
from productnet.master.products import PoolProducts, Products
from productnet.settings import PAPER_FIELDS, Project


@runtime_checkable
class ArrowTable(Protocol):
    """A table of any library that speaks Arrow: pyarrow, pandas, polars, duckdb and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The table as an Arrow stream."""
        ...


@dataclass(frozen=True, slots=True)
class PoolPart:
    """Some products of a project's pool, in this order; their cached features are used."""

    project: Project
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)


Source = ArrowTable | Project | PoolPart

# Product id to category, categories in the order of the rows, or the column that holds them.
Labels = Mapping[str, str] | Sequence[str] | str

# Product id to the categories that it is known not to be of.
Negatives = Mapping[str, Collection[str]]


def match_labels(
    source: Source, labels: Labels, *, fields: Sequence[str] | None = None
) -> tuple[Products, list[str]]:
    """The labelled products and the category of each, in the same order.

    Args:
        source: A table with one column a field (and ``id`` and ``image`` if it has them), or a
            project.
        labels: With a mapping, the products it names are used and no others.
        fields: The fields to use; ``text`` stands for all text fields. By default all of a
            project's, and of a table those of the paper (section 2.2) and ``image``: other
            columns might hold the answer.

    Raises:
        TrainingError: If products and labels do not fit together, or a field is not there.
        UnknownProduct: If a label is for a product that is not there.
    """
    if isinstance(source, Project | PoolPart):
        if not isinstance(labels, Mapping):
            raise TrainingError("With a project, labels are a mapping from product id to category.")
        return match_products(source, list(labels), fields=fields), _checked(labels)
    table = as_table(source)
    products = _from_table(table, fields)
    ids = products.ids.to_pylist()
    if isinstance(labels, Mapping):
        return match_products(table, list(labels), fields=fields), _checked(labels)
    if isinstance(labels, str):
        if labels not in table.column_names:
            raise TrainingError(
                f'There is no label column "{labels}". The table has: '
                f"{', '.join(table.column_names)}."
            )
        labels = table.column(labels).to_pylist()
    if len(labels) != len(products):
        raise TrainingError(
            f"{len(labels)} labels for {len(products)} products. Give one label a row, or a "
            "mapping from product id to category."
        )
    return products, _checked(dict(zip(ids, labels, strict=True)))


def match_products(
    source: Source, ids: Sequence[str], *, fields: Sequence[str] | None = None
) -> Products:
    """These products of a source, in this order; arguments and errors as of ``match_labels``."""
    if isinstance(source, Project | PoolPart):
        project = source if isinstance(source, Project) else source.project
        return _from_pool(project, fields, ids)
    table = as_table(source)
    return _from_table(table.take(rows_of(ids, table)), fields)


def rejected_products(
    negatives: Negatives, labelled: Products, categories: Collection[str]
) -> list[str]:
    """Products that were rejected for one of these categories and have no label, in order of id.

    What was rejected only for another category may well belong to one of these.
    """
    known, asked = set(labelled.ids.to_pylist()), set(categories)
    return [
        product for product in sorted(negatives.keys() - known) if asked & {*negatives[product]}
    ]


def stream_products(source: Source, *, fields: Sequence[str], block: int) -> Iterator[Products]:
    """All products of a source, at most ``block`` at a time, with the fields a model knows.

    A field that a table lacks is missing for every product.

    Raises:
        TrainingError: If none of the fields is there.
    """
    if isinstance(source, PoolPart):
        for start in range(0, len(source.ids), block):
            yield _from_pool(source.project, fields, source.ids[start : start + block])
        return
    texts = [name for name in fields if name != IMAGE]
    if isinstance(source, Project):
        pool = Pool.open(source.pool_path)
        if lacking := [name for name in texts if name not in pool.fields]:
            raise TrainingError(
                f'The model reads the field "{lacking[0]}", which the project does not have.'
            )
        seen = 0
        for batch in pool.scan(columns=[ID, *texts], batch_size=block):
            rows = np.arange(seen, seen := seen + batch.num_rows)
            one = pa.Table.from_batches([batch])
            yield PoolProducts(source, pool, one, rows=rows, has_images=IMAGE in fields)
        return
    table = as_table(source)
    if not any(name in table.column_names for name in fields):
        raise TrainingError(
            f"The model reads {', '.join(fields)}; the table has none of them, only "
            f"{', '.join(table.column_names) or 'no columns'}."
        )
    for name in texts:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    if IMAGE in fields and IMAGE not in table.column_names:
        table = table.append_column(IMAGE, pa.nulls(table.num_rows, pa.binary()))
    for start in range(0, table.num_rows, block):
        yield _from_table(table.slice(start, block), fields)


def count_products(source: Source) -> int | None:
    """How many products a source has; None for a table that does not say."""
    if isinstance(source, Project):
        return len(Pool.open(source.pool_path))
    return len(source) if isinstance(source, Sized) else None


def as_table(source: object) -> pa.Table:
    """The table of any Arrow library as pyarrow's; raises TrainingError for anything else."""
    if not isinstance(source, ArrowTable):
        raise TrainingError(
            "Products come as an Arrow table, a pandas or polars frame, or a project; this is a "
            f"{type(source).__name__}."
        )
    return pa.table(source)


def _checked(labels: Mapping[str, object]) -> list[str]:
    texts = []
    for product_id, label in labels.items():
        if not isinstance(label, str) or not label:
            raise TrainingError(
                f'The label of product "{product_id}" is {label!r}; a label is the text of a '
                "category. Leave unlabelled products out."
            )
        texts.append(label)
    return texts


def rows_of(ids: Sequence[str], table: pa.Table) -> pa.Array:
    """The row of each product; raises UnknownProduct for one that the table lacks."""
    if ID not in table.column_names:
        raise TrainingError(f'Labels by product id need a column "{ID}", which the table lacks.')
    wanted = pa.array(ids, pa.string())
    rows = pc.index_in(wanted, value_set=_ids(table))
    if rows.null_count:
        unknown = wanted.filter(pc.is_null(rows))
        raise UnknownProduct(
            f"{len(unknown)} of {len(ids)} labels are for products that the table does not "
            f'have, the first "{unknown[0].as_py()}".'
        )
    return rows


def _from_pool(project: Project, fields: Sequence[str] | None, ids: Sequence[str]) -> Products:
    pool = Pool.open(project.pool_path)
    texts, with_images = _chosen(pool.fields, fields, default=pool.fields, has_image=True)
    table = pool.take(ids, columns=[ID, *texts])
    rows = pc.index_in(table.column(ID), value_set=pool.ids()).to_numpy()
    return PoolProducts(project, pool, table, rows=rows, has_images=with_images)


def _from_table(table: pa.Table, fields: Sequence[str] | None) -> Products:
    available = [name for name in table.column_names if name not in (ID, IMAGE)]
    default = [name for name in PAPER_FIELDS if name in available]
    has_image = IMAGE in table.column_names
    texts, with_images = _chosen(available, fields, default=default, has_image=has_image)
    return Products(
        _ids(table),
        pa.table([_text_column(table, name) for name in texts], names=texts),
        _image_column(table) if with_images else None,
    )


def _chosen(
    available: Sequence[str],
    wanted: Sequence[str] | None,
    *,
    default: Sequence[str],
    has_image: bool,
) -> tuple[list[str], bool]:
    """The text fields to use, and whether images are."""
    if wanted is None:
        wanted = [*default, *([IMAGE] if has_image else [])]
    elif isinstance(wanted, str):
        raise TrainingError(f'fields= takes names, such as ("{wanted}",), not one text.')
    texts: list[str] = []
    for name in wanted:
        if name in available:
            texts.append(name)
        elif name == TEXT:
            texts += default
        elif name != IMAGE or not has_image:
            known = [*available, *([IMAGE] if has_image else [])]
            raise TrainingError(
                f'The products have no field "{name}". They have: {", ".join(known) or "none"}.'
            )
    if not wanted or not (texts or IMAGE in wanted):
        raise TrainingError(
            f"The products have no fields to learn from. Fields are {', '.join(PAPER_FIELDS)} "
            f"and {IMAGE}; name others with fields=(...). Columns here: "
            f"{', '.join(available) or 'none'}."
        )
    return list(dict.fromkeys(texts)), IMAGE in wanted


def _ids(table: pa.Table) -> pa.StringArray:
    """The ids of a table's rows; row numbers where it has no id column."""
    if ID not in table.column_names:
        return pa.array([str(row) for row in range(table.num_rows)], pa.string())
    ids = pa.array(table.column(ID).cast(pa.string()).to_pylist(), pa.string())
    if ids.null_count:
        raise TrainingError(f'{ids.null_count} of {len(ids)} products have no "{ID}".')
    if len(pc.unique(ids)) < len(ids):
        twice = next(one for one in pc.value_counts(ids).to_pylist() if one["counts"] > 1)
        raise TrainingError(f'{twice["counts"]} products have the same id "{twice["values"]}".')
    return ids


def _text_column(table: pa.Table, name: str) -> pa.ChunkedArray:
    """A column of texts, numbers or lists of texts, as strings."""
    column = table.column(name)
    kind = column.type
    try:
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return pc.binary_join(column.cast(pa.list_(pa.string())), "\n")
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise TrainingError(f'Column "{name}" holds {kind}, which is no text.') from error


def _image_column(table: pa.Table) -> pa.ChunkedArray:
    """Encoded images: bytes, or the struct of bytes and path that Hugging Face datasets use."""
    column = table.column(IMAGE)
    if pa.types.is_struct(column.type) and column.type.get_field_index("bytes") >= 0:
        column = pc.struct_field(column, "bytes")
    if not any(is_kind(column.type) for is_kind in _IMAGE_TYPES):
        raise TrainingError(
            f'Column "{IMAGE}" holds {column.type}; it takes encoded images (JPEG, PNG, WebP) '
            "as bytes. Read the files first, or leave it out with fields=."
        )
    return column.cast(pa.large_binary())


_IMAGE_TYPES = (
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_null,
)
