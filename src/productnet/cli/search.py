"""Commands that hand the pool on: ``partition``, ``index``, ``search``."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from productnet.cli.console import Bars, say, show, table
from productnet.cli.options import HERE, AddressOption, EngineOption, JsonOption, ProjectOption
from productnet.settings import Project

HAND_ON_PANEL = "Hand the pool on"


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    for command in (partition, index, search):
        app.command(rich_help_panel=HAND_ON_PANEL)(command)


def partition(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder to make")],
    precision: Annotated[
        float, typer.Option(help="Share of the decided categories that should be right")
    ] = 0.99,
    images: Annotated[bool, typer.Option("--images", help="Write the images, too")] = False,
    engine: EngineOption = None,
    address: AddressOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Write the pool as Parquet, a folder a category, at a wanted precision; the rest apart.

    Folders are named as Hive does it, ``category=LEAF``, and ``category=uncertain`` for products
    that the model is not sure enough of. Killed, the same command goes on; a partition that is
    there is replaced whole.

    Examples:
        productnet partition --out by-category

        productnet partition --out by-category --precision 0.95 --images
    """
    from productnet.engine.registry import open_engine
    from productnet.serving.partition import PARTITION_FILE, UNCERTAIN, partition_pool

    opened = Project.open(project)
    with open_engine(opened.settings.engine, name=engine, address=address) as where:
        summary = partition_pool(
            opened, out, precision=precision, images=images, progress=Bars(), engine=where
        )

    def human() -> None:
        say(
            f"{summary.certain:,} of {summary.products:,} products ({summary.coverage:.1%}) in "
            f"{summary.categories:,} categories, the others under {UNCERTAIN}: {out}"
        )
        say(
            f"At least {precision:.1%} of the categories are right, if the pool is like gold."
            if summary.certified
            else f"Too few products were held out to be certain of {precision:.1%}: it is an "
            "estimate. Label more, and run `productnet round`."
        )
        say(f"{out / PARTITION_FILE} tells the counts, the model and the threshold.")

    show(asdict(summary) | {"coverage": summary.coverage}, as_json=json, human=human)


def index(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder to make")],
    precision: Annotated[
        float | None,
        typer.Option(help="Only categories this often right [default: the likeliest of each]"),
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Build a search index of the pool that stands alone: words, vectors and categories.

    Before the first round its vectors are the initial ones and its categories guesses by name. An
    index that is there is replaced whole.

    Examples:
        productnet index --out shop-index

        productnet index --out shop-index --precision 0.95
    """
    from productnet.serving.index_build import build_search_index

    summary = build_search_index(Project.open(project), out, precision=precision, progress=Bars())

    def human() -> None:
        told = {"master": "by the master model", "zero-shot": "by name", None: ""}
        say(
            f"Indexed {summary.products:,} products ({summary.bytes / 1e6:,.0f} MB), "
            f"{summary.categorized:,} with a category {told[summary.categories]}: {out}"
        )
        say(f'Next: productnet search {out} "a few words"')

    show(asdict(summary), as_json=json, human=human)


def search(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a search index")],
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What to look for")] = None,
    image: Annotated[
        Path | None, typer.Option(help="An image file, beside a text or alone")
    ] = None,
    product: Annotated[str | None, typer.Option(help="Like this product of the index")] = None,
    category: Annotated[
        str | None, typer.Option(help="Only of this category, or of one below it")
    ] = None,
    mode: Annotated[str, typer.Option(help="hybrid, keyword or vector")] = "hybrid",
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many")] = 10,
    json: JsonOption = False,
) -> None:
    """Search an index that ``productnet index`` built; it needs no project.

    Examples:
        productnet search shop-index "red enamel mug"

        productnet search shop-index 'mug +"set of 4" -travel' --category Kitchen -n 5

        productnet search shop-index --image photo.jpg --mode vector
    """
    from productnet.serving.search import SearchIndex

    found = SearchIndex.open(folder).search(
        text, image=image, product=product, category=category, count=count, mode=mode
    )
    show(
        {"found": [asdict(one) for one in found]},
        as_json=json,
        human=lambda: table(
            f"{len(found):,} products",
            ("product", "title", "category", "by words", "by vectors"),
            [(one.product, one.title, one.path, one.keyword, one.vector) for one in found],
        ),
    )
