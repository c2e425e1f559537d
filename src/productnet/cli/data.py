"""Commands that bring data in: ``init``, ``taxonomy``, ``import``."""

from pathlib import Path
from typing import Annotated

import typer

from productnet.cli.console import HERE, Bars, JsonOption, ProjectOption, say, show
from productnet.errors import UsageError
from productnet.settings import Project

DATA_PANEL = "Bring data in"


def register(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(rich_help_panel=DATA_PANEL)(init)
    app.command(rich_help_panel=DATA_PANEL)(taxonomy)
    app.command("import", rich_help_panel=DATA_PANEL)(import_)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make")],
    taxonomy: Annotated[
        Path | None,
        typer.Option(help="Taxonomy file: Google's, Shopify's, a list of A > B > C paths, or CSV"),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name used in reports and releases")] = None,
    fields: Annotated[
        str | None, typer.Option(help="Text fields, comma-separated [default: the paper's seven]")
    ] = None,
    image_encoder: Annotated[str | None, typer.Option(help="Image encoder to start with")] = None,
    text_encoder: Annotated[str | None, typer.Option(help="Text encoder to start with")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random")] = 0,
    json: JsonOption = False,
) -> None:
    """Make a project folder.

    Examples:
        productnet init my-shop --taxonomy google-taxonomy.txt

        productnet init my-shop --fields title,description,brand --text-encoder static
    """
    from productnet.taxonomy.readers import read_taxonomy

    # Read first, so that a bad taxonomy leaves no half-made folder.
    tree = read_taxonomy(taxonomy) if taxonomy else None
    project = Project.create(
        directory,
        _settings(
            name=name or directory.resolve().name,
            seed=seed,
            fields=fields,
            image_encoder=image_encoder,
            text_encoder=text_encoder,
        ),
    )
    if tree:
        tree.save(project.taxonomy_path)
    result = {"project": str(directory), "leaves": len(tree.leaves) if tree else 0}

    def human() -> None:
        say(f"Made the project {directory}" + (f" with {len(tree.leaves)} leaves." if tree else "."))
        if not tree:
            say(f"Next: productnet taxonomy FILE --project {directory}")
        say(f"Next: productnet import FEED --project {directory}")

    show(result, as_json=json, human=human)


def taxonomy(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Taxonomy file to freeze in the project")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="google, shopify, paths or csv [default: detected]")
    ] = None,
    find: Annotated[
        str | None, typer.Option(help="Look a category up by id, path or name")
    ] = None,
    derive: Annotated[
        Path | None, typer.Option(help="Make the taxonomy from a feed's own category column")
    ] = None,
    column: Annotated[str, typer.Option(help="With --derive: the column")] = "category",
    depth: Annotated[int | None, typer.Option(help="With --derive: cut paths at this level")] = None,
    min_products: Annotated[
        int, typer.Option(help="With --derive: products a leaf needs to be kept")
    ] = 1,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show the project's taxonomy, set it, or look a category up.

    Examples:
        productnet taxonomy google-taxonomy.txt

        productnet taxonomy --find "espresso machines"

        productnet taxonomy --derive feed.csv --column category --depth 2 --min-products 8
    """
    from productnet.catalog.importer import column_texts
    from productnet.taxonomy.readers import derive_taxonomy, read_taxonomy
    from productnet.taxonomy.tree import Taxonomy

    opened = Project.open(project)
    if file and derive:
        raise UsageError("Give a taxonomy file or --derive FEED, not both.")
    if file or derive:
        _refuse_change_of_taxonomy(opened)
        if derive:
            tree = derive_taxonomy(
                column_texts(derive, column=column),
                depth=depth,
                min_products=min_products,
                name=derive.stem,
                version=f"{column}-{depth or 'full'}",
            )
        else:
            assert file is not None
            tree = read_taxonomy(file, format=format)
        tree.save(opened.taxonomy_path)
    else:
        tree = Taxonomy.load(opened.taxonomy_path)
    if find:
        category = tree.find(find)
        show(
            {"id": category.id, "path": category.label, "leaf": tree.is_leaf(category.id)},
            as_json=json,
            human=lambda: say(f"{category.id}  {category.label}"),
        )
        return
    result = {
        "name": tree.name,
        "version": tree.version,
        "hash": tree.hash,
        "categories": len(tree),
        "leaves": len(tree.leaves),
    }
    show(
        result,
        as_json=json,
        human=lambda: say(
            f"{tree.name} {tree.version}: {len(tree):,} categories, {len(tree.leaves):,} leaves "
            f"(hash {tree.hash[:12]})"
        ),
    )


def import_(
    feed: Annotated[Path, typer.Argument(metavar="FEED", help="File or folder of products")],
    format: Annotated[
        str | None, typer.Option(help="Reader to use [default: detected from the file]")
    ] = None,
    map: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="Fill a field from a column")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Column of existing labels to import")
    ] = None,
    trusted: Annotated[
        bool, typer.Option("--trusted", help="Count imported labels as gold, without an audit")
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of true categories, for simulations only"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the mapping and three products; change nothing")
    ] = False,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Bring products into the pool; the same command again goes on after a kill.

    Examples:
        productnet import feed.csv --dry-run

        productnet import feed.csv --map title=product_name

        productnet import merchant.xml --labels google_product_category --trusted
    """
    from productnet.catalog.importer import import_feed, preview_feed

    opened = Project.open(project)
    mapping = dict(_split_pair(pair) for pair in map or [])
    if dry_run:
        preview = preview_feed(
            opened, feed, mapping=mapping, format=format, reference=reference, labels=labels
        )
        show(preview.as_dict(), as_json=json, human=lambda: _show_preview(preview))
        return
    summary = import_feed(
        opened,
        feed,
        mapping=mapping,
        format=format,
        reference=reference,
        labels=labels,
        progress=Bars(),
    )


def _split_pair(pair: str) -> tuple[str, str]:
    field, equals, column = pair.partition("=")
    if not equals or not field or not column:
        raise UsageError(f'--map takes FIELD=COLUMN, for example title=product_name; not "{pair}".')
    return field.strip(), column.strip()
