"""Commands that use a model: ``evaluate``, ``categorize``, ``encode``, ``similar``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.options import (
    HERE,
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
    from productnet.taxonomy.tree import Taxonomy

MODEL_PANEL = "Use the model"

FeedArgument = Annotated[Path, typer.Argument(metavar="FILE", help="Feed of products")]
LabelOption = Annotated[str, typer.Option("--label", help="Column with the true category")]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", help="A .parquet or .csv file to write [default: FILE.categories.csv, here]"
    ),
]
ModelOption = Annotated[
    Path | None, typer.Option("--model", help="Folder of a model [default: the project's own]")
]


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    for command in (evaluate, categorize, encode, similar):
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

    chosen, settings = chosen_model(model, project)
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


def categorize(
    file: FeedArgument,
    out: OutOption = None,
    top: Annotated[int, typer.Option(min=1, help="Categories a product")] = 3,
    precision: Annotated[
        float | None,
        typer.Option(
            help="Only categories this often right, such as 0.99; none for other products"
        ),
    ] = None,
    false_accept: Annotated[
        float | None,
        typer.Option(help="With --precision: share of unknown products that may get a category"),
    ] = None,
    taxonomy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Without any label or model: by what this taxonomy's categories are called; "
            "google, shopify, or a file",
        ),
    ] = None,
    zero_shot: Annotated[
        bool, typer.Option("--zero-shot", help="The same with the project's taxonomy")
    ] = False,
    least: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Without a model: confidence that a category needs [default: 0.5]"
        ),
    ] = None,
    model: ModelOption = None,
    map: MapOption = None,
    format: FormatOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the likeliest categories of each product of a file, with calibrated confidence.

    Files of any size: killed, the same command goes on where it was. Of a model that was
    transferred to a number, the number.

    Examples:
        productnet categorize feed.csv --taxonomy google

        productnet categorize new-products.csv --out categories.csv

        productnet categorize feed.parquet --out categories.parquet --model model --top 1

        productnet categorize feed.parquet --out keys.parquet --precision 0.99
    """
    from productnet.serving.categorize import categorize_feed, decide_feed
    from productnet.serving.feeds import FeedProducts

    out = out or _out_of(file, "categories.csv")
    if taxonomy is not None or zero_shot:
        if model is not None or precision is not None:
            raise UsageError(
                "Without a model no precision can be promised: --taxonomy and --zero-shot go with "
                "neither --model nor --precision. --least sets the confidence a category needs."
            )
        guess(file, out, taxonomy, split_pairs(map), format, least, project, as_json=json)
        return
    if least is not None:
        raise UsageError("--least goes with --taxonomy or --zero-shot; of a model, --precision.")
    chosen, settings = chosen_model(model, project)
    feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format)
    if precision is not None:
        written = decide_feed(
            chosen,
            feed,
            out,
            precision=precision,
            false_accept=false_accept,
            taxonomy=_taxonomy(project) if model is None else None,
            progress=Bars(),
        )
        basis = chosen.certainty.thresholds(precision)
        show(
            asdict(written) | {"precision": precision, "certified": basis.certified},
            as_json=json,
            human=lambda: say(
                f"{_resumed(written)}Decided {written.decided:,} of {written.products:,} products "
                f"({written.skipped:,} rows skipped): {out}\n"
                + (
                    f"At least {precision:.1%} of them are right, with {1 - basis.risk:.0%} "
                    f"confidence, if they are like gold."
                    if basis.certified
                    else f"{basis.held_out:,} held-out products are too few to be certain of "
                    f"{precision:.1%}: it is an estimate. Label more, and train again."
                )
            ),
        )
        return
    if false_accept is not None:
        raise UsageError("--false-accept goes with --precision. Name both, or neither.")
    written = categorize_feed(chosen, feed, out, top=top, progress=Bars())
    show(
        asdict(written),
        as_json=json,
        human=lambda: say(
            f"{_resumed(written)}Categorized {written.products:,} products "
            f"({written.skipped:,} rows skipped): {out}"
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
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the embedding of each product of a file.

    Examples:
        productnet encode new-products.csv --out vectors.parquet

        productnet encode new-products.csv --out vectors.parquet --dimension 128
    """
    from productnet.serving.categorize import encode_feed
    from productnet.serving.feeds import FeedProducts

    chosen, settings = chosen_model(model, project)
    feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format)
    written = encode_feed(chosen, feed, out, dimension=dimension, progress=Bars())
    show(
        asdict(written),
        as_json=json,
        human=lambda: say(
            f"Encoded {written.products:,} products ({written.skipped:,} rows skipped): {out}"
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


def guess(
    file: Path,
    out: Path,
    taxonomy: str | None,
    mapping: dict[str, str],
    format: str | None,
    least: float | None,
    project: Path,
    *,
    as_json: bool,
) -> None:
    """Categorize without a model, and show the first products."""
    from productnet.retrieval.zero_shot import METHOD, ZeroShot
    from productnet.serving.feeds import FeedProducts
    from productnet.serving.zero_shot import LEAST, guess_feed
    from productnet.taxonomy.published import find_taxonomy
    from productnet.taxonomy.tree import Taxonomy

    bars = Bars()
    opened = None if taxonomy is not None else Project.open(project)
    settings = opened.settings if opened is not None else Settings()
    # The feed first, which is read at once: what is wrong with it is told before anything is made.
    feed = FeedProducts(file, settings, mapping=mapping, format=format)
    tree = find_taxonomy(taxonomy or "") if opened is None else Taxonomy.load(opened.taxonomy_path)
    with bars.task(f"Reading the names of {len(tree.leaves):,} categories", total=None):
        matcher = ZeroShot(
            tree,
            guidelines=None if opened is None else opened.guidelines_path,
            encoders=settings.encoders,
        )
    least = LEAST if least is None else least
    guessed = guess_feed(matcher, feed, out, least=least, progress=bars)
    written = guessed.written

    def human() -> None:
        table(
            f"The first of {written.products:,} products",
            ("product", "confidence", "category"),
            [(one["product"], one["confidence"], one["path"]) for one in guessed.examples],
            decimals=2,
        )
        say(
            f"{_resumed(written)}{written.decided:,} of {written.products:,} products have a "
            f"category at a confidence of {least:g} or more ({written.skipped:,} rows skipped): "
            f"{out}"
        )
        if matcher.blind is not None:
            say(f"Pictures were not looked at. {matcher.blind}")
        say(
            "These are guesses by name; what they are worth for these products is not known. "
            "Labels make them better, and tell how sure they are: productnet init"
        )

    result = asdict(written) | {
        "method": METHOD,
        "taxonomy": str(tree),
        "least": least,
        "pictures": matcher.blind is None,
    }
    show(result, as_json=as_json, human=human)


def _out_of(file: Path, suffix: str) -> Path:
    """A name in this folder for what is made of a file."""
    return Path(f"{file.resolve().name.split('.')[0] or 'feed'}.{suffix}")


def _resumed(written: "Written") -> str:
    if written.anew:
        return "What was begun of another feed, model or options was dropped. "
    return f"Went on after {written.resumed:,} products. " if written.resumed else ""


def _taxonomy(project: Path) -> "Taxonomy | None":
    """The project's categories, if it has any."""
    from productnet.taxonomy.tree import Taxonomy

    path = Project.open(project).taxonomy_path
    return Taxonomy.load(path) if path.exists() else None


def chosen_model(folder: Path | None, project: Path) -> "tuple[MasterModel, Settings]":
    """The model of a folder with default settings, or the project's active one with its own."""
    from productnet.master.model import MasterModel
    from productnet.serving.categorize import active_model

    if folder is not None:
        return MasterModel.load(folder), Settings()
    opened = Project.open(project)
    return active_model(opened), opened.settings
