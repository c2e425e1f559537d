"""Categories, and embeddings, for the products of a feed, streamed from file to file."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from productnet.catalog.schema import ID
from productnet.embeddings.active import read_active
from productnet.errors import ModelError
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTION_SCHEMA, likeliest
from productnet.progress import SILENT, Progress
from productnet.rounds.steps import MODEL_FOLDER
from productnet.serving.feeds import FeedProducts
from productnet.serving.tables import table_sink
from productnet.settings import Project

_NUMBERS = pa.schema(
    [
        pa.field("product", pa.string(), nullable=False),
        pa.field("number", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written where.

    Attributes:
        path: The file.
        products: Products in it.
        skipped: Rows of the feed that could not be used.
    """

    path: Path
    products: int
    skipped: int


def active_model(project: Project) -> MasterModel:
    """The master model of the round in use; raises ModelError before the first round."""
    active = read_active(project)
    if active is None or active.round is None:
        raise ModelError(
            f"{project.root} has no master model yet. Train one with `productnet round`, or name "
            "a model's folder with --model."
        )
    folder = project.round_path(active.round) / MODEL_FOLDER
    if not folder.exists():
        raise ModelError(
            f"The model in use, {folder}, is gone. Bring it back from a backup, or train another "
            "with `productnet round`."
        )
    return MasterModel.load(folder)


def categorize_feed(
    model: MasterModel,
    products: FeedProducts,
    out: Path,
    *,
    top: int = 3,
    progress: Progress = SILENT,
) -> Written:
    """Write the ``top`` likeliest categories of each product, a row each, with confidence.

    Confidence is calibrated on held-out products (see ``MasterModel.predict_proba``). Of a model
    that predicts a number, the number is written instead, a row a product.
    """
    if model.predicts_number:
        return _write(products, out, _NUMBERS, partial(_number_rows, model), "Predicting", progress)

    def rows(table: pa.Table) -> pa.Table:
        probabilities = model.predict_proba(table)  # (B, K)
        return likeliest(table.column(ID).to_pylist(), probabilities, model.classes, count=top)

    return _write(products, out, PREDICTION_SCHEMA, rows, "Categorizing", progress)


def _number_rows(model: MasterModel, table: pa.Table) -> pa.Table:
    said = pa.array(model.predict_number(table), pa.float64())
    return pa.table([table.column(ID), said], schema=_NUMBERS)


def encode_feed(
    model: MasterModel,
    products: FeedProducts,
    out: Path,
    *,
    dimension: int | None = None,
    progress: Progress = SILENT,
) -> Written:
    """Write the embedding of each product: ``id`` and ``embedding``, float32 of unit length.

    A ``dimension`` is one of those nested in the model's own; raises ModelError otherwise.
    """
    width = model.check_dimension(dimension)
    schema = pa.schema(
        [
            pa.field(ID, pa.string(), nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), width), nullable=False),
        ]
    )

    def rows(table: pa.Table) -> pa.Table:
        vectors = model.encode(table, dimension=width)  # (B, D)
        flat = pa.array(vectors.ravel(), pa.float32())  # (B, D) -> (B * D,)
        lists = pa.FixedSizeListArray.from_arrays(flat, width)
        return pa.table([table.column(ID), lists], schema=schema)

    return _write(products, out, schema, rows, "Encoding", progress)


def _write(
    products: FeedProducts,
    out: Path,
    schema: pa.Schema,
    rows: Callable[[pa.Table], pa.Table],
    label: str,
    progress: Progress,
) -> Written:
    """Stream a feed through ``rows``, batch by batch, into a file that appears whole."""
    count = 0
    with table_sink(out, schema) as sink, progress.task(label, total=None) as advance:
        for table, _ in products.batches():
            sink.write_table(rows(table))
            count += len(table)
            advance(len(table))
    return Written(out, count, products.skipped)
