"""The command that categorizes a feed, by a model or before there is one: ``categorize``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.models import (
    MODEL_PANEL,
    Chosen,
    FeedArgument,
    ModelOption,
    chosen_model,
    resumed,
)
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
    from productnet.engine.base import Engine
    from productnet.serving.feeds import FeedProducts
    from productnet.taxonomy.tree import Taxonomy


def register(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(rich_help_panel=MODEL_PANEL)(categorize)


def categorize(
    file: FeedArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="A .parquet or .csv file to write [default: FILE.categories.csv, here]",
        ),
    ] = None,
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
    engine: EngineOption = None,
    address: AddressOption = None,
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

        productnet categorize feed.parquet --out categories.parquet --engine ray
    """
    from productnet.engine.registry import DEFAULT, open_engine
    from productnet.serving.feeds import FeedProducts
    from productnet.serving.zero_shot import LEAST
    from productnet.taxonomy.tree import Taxonomy

    out = out or _place_of(file)
    if taxonomy is not None or zero_shot:
        if model is not None or precision is not None:
            raise UsageError(
                "Without a model no precision can be promised: --taxonomy and --zero-shot go with "
                "neither --model nor --precision. --least sets the confidence a category needs."
            )
        if engine not in (None, DEFAULT) or address is not None:
            raise UsageError(
                "--taxonomy and --zero-shot run in this process; --engine and --address go with a "
                "model."
            )
        by = taxonomy if taxonomy is not None else Project.open(project)
        settings = Settings() if isinstance(by, str) else by.settings
        # The feed first, which is read at once: what is wrong with it is told before anything else.
        feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format)
        _guess(by, feed, out, least=LEAST if least is None else least, as_json=json)
        return
    if least is not None:
        raise UsageError("--least goes with --taxonomy or --zero-shot; of a model, --precision.")
    if false_accept is not None and precision is None:
        raise UsageError("--false-accept goes with --precision. Name both, or neither.")
    chosen = chosen_model(model, project)
    settings = chosen.settings
    feed = FeedProducts(file, settings, mapping=split_pairs(map), format=format)
    with open_engine(settings.engine, name=engine, address=address) as where:
        if precision is None:
            _categorize(chosen, feed, out, top=top, engine=where, as_json=json)
            return
        tree = None
        if model is None:
            tree = Taxonomy.load_if_any(Project.open(project).taxonomy_path)
        _decide(
            chosen,
            feed,
            out,
            taxonomy=tree,
            precision=precision,
            false_accept=false_accept,
            engine=where,
            as_json=json,
        )


def _categorize(
    chosen: Chosen,
    feed: "FeedProducts",
    out: Path,
    *,
    top: int,
    engine: "Engine",
    as_json: bool,
) -> None:
    """Write the likeliest categories of each product."""
    from productnet.serving.categorize import categorize_feed

    written = categorize_feed(
        chosen.model, feed, out, top=top, progress=Bars(), engine=engine, folder=chosen.folder
    )
    show(
        asdict(written),
        as_json=as_json,
        human=lambda: say(
            f"{resumed(written)}Categorized {written.products:,} products "
            f"({written.skipped:,} rows skipped): {out}"
        ),
    )


def _decide(
    chosen: Chosen,
    feed: "FeedProducts",
    out: Path,
    *,
    taxonomy: "Taxonomy | None",
    precision: float,
    false_accept: float | None,
    engine: "Engine",
    as_json: bool,
) -> None:
    """Write one category of each product that the model is sure enough of."""
    from productnet.serving.categorize import decide_feed

    written = decide_feed(
        chosen.model,
        feed,
        out,
        precision=precision,
        false_accept=false_accept,
        taxonomy=taxonomy,
        progress=Bars(),
        engine=engine,
        folder=chosen.folder,
    )
    basis = chosen.model.certainty.thresholds(precision)
    show(
        asdict(written) | {"precision": precision, "certified": basis.certified},
        as_json=as_json,
        human=lambda: say(
            f"{resumed(written)}Decided {written.decided:,} of {written.products:,} products "
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


def _guess(
    by: str | Project, feed: "FeedProducts", out: Path, *, least: float, as_json: bool
) -> None:
    """Write a category by name, and show the first; by a named taxonomy, or a project's own."""
    from productnet.retrieval.zero_shot import METHOD, ZeroShot
    from productnet.serving.zero_shot import guess_feed
    from productnet.taxonomy.published import find_taxonomy
    from productnet.taxonomy.tree import Taxonomy

    bars = Bars()
    tree = find_taxonomy(by) if isinstance(by, str) else Taxonomy.load(by.taxonomy_path)
    with bars.task(f"Reading the names of {len(tree.leaves):,} categories", total=None):
        matcher = ZeroShot(
            tree,
            guidelines=None if isinstance(by, str) else by.guidelines_path,
            encoders=None if isinstance(by, str) else by.settings.encoders,
        )
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
            f"{resumed(written)}{written.decided:,} of {written.products:,} products have a "
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


def _place_of(file: Path) -> Path:
    """Where the categories of a feed are written unless it is said: in this folder, by its name."""
    return Path(f"{file.resolve().name.split('.')[0] or 'feed'}.categories.csv")
