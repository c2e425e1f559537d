"""Categories, and embeddings, for the products of a feed, streamed from file to file."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa

from productnet.catalog.schema import ID
from productnet.embeddings.active import read_active
from productnet.engine.base import Engine
from productnet.engine.local import LOCAL
from productnet.errors import ModelError
from productnet.master.certainty import DECIDED_SCHEMA, Rule
from productnet.master.hierarchy import Path as CategoryPath
from productnet.master.hierarchy import Tree
from productnet.master.model import MasterModel
from productnet.master.predictions import PREDICTION_SCHEMA, likeliest
from productnet.progress import SILENT, Progress
from productnet.rounds.steps import MODEL_FOLDER
from productnet.serving.feeds import FeedProducts
from productnet.serving.resumed import Written, write_resumed
from productnet.serving.shipped import ShippedModel
from productnet.serving.tables import DEEPEST, deepest_columns
from productnet.settings import Project
from productnet.taxonomy.paths import split_path
from productnet.taxonomy.tree import Taxonomy

_NUMBERS = pa.schema(
    [
        pa.field("product", pa.string(), nullable=False),
        pa.field("number", pa.float64(), nullable=False),
    ]
)

_DECIDED = pa.schema([*DECIDED_SCHEMA, *DEEPEST])


def active_model(project: Project) -> MasterModel:
    """The master model of the round in use; raises ModelError before the first round."""
    return MasterModel.load(active_model_folder(project))


def active_model_folder(project: Project) -> Path:
    """Where the master model in use is; raises ModelError before the first round."""
    active = read_active(project)
    if active is None or active.round is None:
        raise ModelError(
            f"{project.root} has no master model yet. Train one with `productnet round`, name a "
            "model's folder with --model, or have categories guessed by name with --zero-shot."
        )
    folder = project.round_path(active.round) / MODEL_FOLDER
    if not folder.exists():
        raise ModelError(
            f"The model in use, {folder}, is gone. Bring it back from a backup, or train another "
            "with `productnet round`."
        )
    return folder


def class_paths(classes: Sequence[str], taxonomy: Taxonomy | None) -> list[CategoryPath]:
    """Names from the root down to each of a model's categories (K), no two of them the same.

    Without a taxonomy that has them all, a category such as "A > B" is taken for its own path.
    """
    if taxonomy is not None and all(name in taxonomy for name in classes):
        return [taxonomy[name].path for name in classes]
    paths = [split_path(name) or (name,) for name in classes]
    # Two spellings of one path are still two classes.
    return paths if len(set(paths)) == len(paths) else [(name,) for name in classes]


def categorize_feed(
    model: MasterModel,
    products: FeedProducts,
    out: Path,
    *,
    top: int = 3,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
    folder: Path | None = None,
) -> Written:
    """Write the ``top`` likeliest categories of each product, a row each, with confidence.

    Confidence is calibrated on held-out products (see ``MasterModel.predict_proba``). Of a model
    that predicts a number, the number is written instead, a row a product.

    An engine with workers needs the folder that the model was loaded from.
    """
    shipped = ShippedModel(model, folder)
    if model.predicts_number:
        return write_resumed(
            products,
            out,
            _NUMBERS,
            partial(_number_rows, shipped),
            stamp={"model": model.fingerprint, "answer": "number"},
            label="Predicting",
            progress=progress,
            engine=engine,
        )
    return write_resumed(
        products,
        out,
        PREDICTION_SCHEMA,
        partial(_likeliest_rows, shipped, top),
        stamp={"model": model.fingerprint, "answer": "categories", "top": top},
        label="Categorizing",
        progress=progress,
        engine=engine,
    )


def _number_rows(shipped: ShippedModel, table: pa.Table) -> pa.Table:
    said = pa.array(shipped.model.predict_number(table), pa.float64())
    return pa.table([table.column(ID), said], schema=_NUMBERS)


def _likeliest_rows(shipped: ShippedModel, top: int, table: pa.Table) -> pa.Table:
    model = shipped.model
    probabilities = model.predict_proba(table)  # (B, K)
    return likeliest(table.column(ID).to_pylist(), probabilities, model.classes, count=top)


def decide_feed(
    model: MasterModel,
    products: FeedProducts,
    out: Path,
    *,
    precision: float,
    false_accept: float | None = None,
    taxonomy: Taxonomy | None = None,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
    folder: Path | None = None,
) -> Written:
    """Write one category of each product that is sure enough, and none of the others.

    Beside it stand the likeliest category with its confidence, and the deepest category of the
    tree that is as probable as the wanted precision: what is undecided among leaves often is
    decided one level up.

    Args:
        model: Decides; see ``MasterModel.decide``.
        products: To be categorised.
        out: A ``.parquet`` or ``.csv`` file.
        precision: Share of the decided categories that should be right.
        false_accept: Share of the products of unknown categories that may get one.
        taxonomy: Where the model's categories stand; without one, a category such as "A > B" is
            taken for its own path.
        progress: Told of every product.
        engine: Where it is decided.
        folder: That the model was loaded from, for an engine with workers.

    Raises:
        UsageError: A share is out of range.
        ModelError: The model was not calibrated for this.
    """
    tree = Tree(class_paths(model.classes, taxonomy))
    # Made once, and before the feed is read, so that mistakes are told at once.
    rule = model.certainty.rule(precision, false_accept=false_accept)
    decided = 0

    def count(table: pa.Table) -> None:
        nonlocal decided
        decided += len(table) - table.column("category").null_count

    rows = partial(
        _decided_rows, ShippedModel(model, folder), rule, tree, precision, false_accept is not None
    )
    written = write_resumed(
        products,
        out,
        _DECIDED,
        rows,
        stamp={
            "model": model.fingerprint,
            "answer": "decisions",
            "precision": precision,
            "false_accept": false_accept,
            "taxonomy": None if taxonomy is None else taxonomy.hash,
        },
        label="Categorizing",
        progress=progress,
        tally=count,
        engine=engine,
    )
    return replace(written, decided=decided)


def _decided_rows(
    shipped: ShippedModel,
    rule: Rule,
    tree: Tree,
    precision: float,
    looks_familiar: bool,
    table: pa.Table,
) -> pa.Table:
    tables = []
    for block in shipped.model.embed(table):
        known = shipped.model.familiarity(block.vectors) if looks_familiar else None
        found = rule.decide(block.ids, block.probabilities, known)
        deepest = deepest_columns(tree, block.probabilities, sure=precision)
        tables.append(pa.table([*found.table().columns, *deepest], schema=_DECIDED))
    return pa.concat_tables(tables) if tables else _DECIDED.empty_table()


def encode_feed(
    model: MasterModel,
    products: FeedProducts,
    out: Path,
    *,
    dimension: int | None = None,
    progress: Progress = SILENT,
    engine: Engine = LOCAL,
    folder: Path | None = None,
) -> Written:
    """Write the embedding of each product: ``id`` and ``embedding``, float32 of unit length.

    A ``dimension`` is one of those nested in the model's own; raises ModelError otherwise. An
    engine with workers needs the folder that the model was loaded from.
    """
    width = model.check_dimension(dimension)
    schema = pa.schema(
        [
            pa.field(ID, pa.string(), nullable=False),
            pa.field("embedding", pa.list_(pa.float32(), width), nullable=False),
        ]
    )

    return write_resumed(
        products,
        out,
        schema,
        partial(_vector_rows, ShippedModel(model, folder), width),
        stamp={"model": model.fingerprint, "answer": "embedding", "dimension": width},
        label="Encoding",
        progress=progress,
        engine=engine,
    )


def _vector_rows(shipped: ShippedModel, width: int, table: pa.Table) -> pa.Table:
    vectors = shipped.model.encode(table, dimension=width)  # (B, D)
    flat = pa.array(vectors.ravel(), pa.float32())  # (B, D) -> (B * D,)
    lists = pa.FixedSizeListArray.from_arrays(flat, width)
    return pa.table([table.column(ID), lists], names=[ID, "embedding"])
