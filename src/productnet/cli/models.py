"""Commands that use a model: ``evaluate``, ``encode``, ``similar``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.options import (
    HERE,
    AddressOption,
    EngineOption,
    FormatOption,
    JsonOption,
    MapOption,
    ProjectOption,
    split_pairs,
)
from productnet.errors import UsageError
from productnet.settings import Project, Settings

if TYPE_CHECKING:
    from productnet.master.model import MasterModel
    from productnet.serving.resumed import Written

MODEL_PANEL = "Use the model"

FeedArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Feed of products")]
LabelOption = Annotated[str, typer.Option("--label", help="Column with the true category")]
ModelOption = Annotated[
    Path | None, typer.Option("--model", help="Folder of a model [default: the project's own]")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    for command in (evaluate, encode, similar):
        app.command(rich_help_panel=MODEL_PANEL)(command)


def evaluate(
    file: FeedArgument,
    label: LabelOption,
    model: ModelOption = None,
    map: MapOption = None,
    format: FormatOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Measure a model on a labelled file: top-1, top-3, top-5, macro F1; or a number's error.

    Examples:
        productnet evaluate test.parquet --label category --model model

        productnet evaluate test.parquet --label price --model prices
    """
    from productnet.evaluation.numbers import number_error
    from productnet.evaluation.table import Scored, table_row
    from productnet.serving.feeds import FeedProducts

    chosen, settings, _ = chosen_model(model, project)
    feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format, label=label)
    products, labels = feed.table()
    rows = [row for row, text in enumerate(labels) if text is not None]
    if not rows:
        raise UsageError(f'No row of {file} has a text in column "{label}".')
    truth = [text for text in labels if text is not None]
    if chosen.predicts_number:
        error = number_error(chosen.predict_number(products.take(rows)), truth)
        show(
            asdict(error),
            as_json=json,
            human=lambda: table(
                f"{len(truth):,} products",
                ("file", "mean absolute error", "R²"),
                [(file.name, error.absolute, error.r2)],
            ),
        )
        return
    scored = Scored(chosen.predict_proba(products.take(rows)), chosen.classes)
    row = table_row(file.name, scored, truth, seconds=0.0, n_train=0)
    result = {
        name: value for name, value in asdict(row).items() if name not in ("seconds", "n_train")
    }
    show(
        result,
        as_json=json,
        human=lambda: table(
            f"{len(truth):,} products",
            ("file", "top-1", "top-3", "top-5", "macro F1"),
            [(row.name, row.top1, row.top3, row.top5, row.macro_f1)],
        ),
    )


def encode(
    file: FeedArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="A .parquet file to write")],
    dimension: Annotated[
        int | None, typer.Option(help="A nested dimension to cut off at [default: the whole]")
    ] = None,
    model: ModelOption = None,
    map: MapOption = None,
    format: FormatOption = None,
    engine: EngineOption = None,
    address: AddressOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the embedding of each product of a file.

    Examples:
        productnet encode new-products.csv --out vectors.parquet

        productnet encode new-products.csv --out vectors.parquet --dimension 128
    """
    from productnet.engine.registry import open_engine
    from productnet.serving.categorize import encode_feed
    from productnet.serving.feeds import FeedProducts

    chosen, settings, folder = chosen_model(model, project)
    feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format)
    with open_engine(settings.engine, name=engine, address=address) as where:
        written = encode_feed(
            chosen,
            feed,
            out,
            dimension=dimension,
            progress=Bars(),
            engine=where,
            folder=folder,
        )
    show(
        asdict(written),
        as_json=json,
        human=lambda: say(
            f"{resumed(written)}Encoded {written.products:,} products "
            f"({written.skipped:,} rows skipped): {out}"
        ),
    )


def similar(
    product: Annotated[
        str | None, typer.Argument(metavar="[PRODUCT]", help="Id of a product")
    ] = None,
    text: Annotated[str | None, typer.Option(help="A text instead of a product")] = None,
    image: Annotated[Path | None, typer.Option(help="An image file instead of a product")] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many")] = 10,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show the products nearest to a product, a text or an image.

    Examples:
        productnet similar B00005N5PF

        productnet similar --text "red enamel mug" -n 5

        productnet similar --image photo.jpg
    """
    from productnet.serving.similar import similar_to_image, similar_to_product, similar_to_text

    if sum(given is not None for given in (product, text, image)) != 1:
        raise UsageError("Give one of: a product id, --text or --image.")
    opened = Project.open(project)
    if product is not None:
        found = similar_to_product(opened, product, count=count)
    elif text is not None:
        found = similar_to_text(opened, text, count=count)
    elif image is not None:
        found = similar_to_image(opened, image, count=count)
    show(
        {"neighbours": [asdict(one) for one in found]},
        as_json=json,
        human=lambda: table(
            "Nearest products",
            ("similarity", "product", "title"),
            [(one.similarity, one.product, one.title) for one in found],
        ),
    )


def resumed(written: "Written") -> str:
    """What became of work that was begun before, as a sentence to begin with; or nothing."""
    if written.anew:
        return "What was begun of another feed, model or options was dropped. "
    return f"Went on after {written.resumed:,} products. " if written.resumed else ""


class Chosen(NamedTuple):
    """A model that was named.

    Attributes:
        model: Loaded.
        settings: For reading feeds.
        folder: Where it is.
    """

    model: "MasterModel"
    settings: Settings
    folder: Path


def chosen_model(folder: Path | None, project: Path) -> Chosen:
    """The model of a folder with default settings, or the project's active one with its own."""
    from productnet.master.model import MasterModel
    from productnet.serving.categorize import active_model_folder

    if folder is not None:
        return Chosen(MasterModel.load(folder), Settings(), folder)
    opened = Project.open(project)
    active = active_model_folder(opened)
    return Chosen(MasterModel.load(active), opened.settings, active)
