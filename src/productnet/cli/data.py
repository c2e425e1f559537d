"""Commands that bring data in: ``init``, ``taxonomy``, ``import``."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
from productnet.errors import ProjectError, UsageError
from productnet.settings import CatalogSettings, EncoderSettings, Project, Settings

if TYPE_CHECKING:
    from productnet.annotation.workflow import ImportedLabels
    from productnet.catalog.preview import Preview
    from productnet.taxonomy.tree import Category

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
    image_encoder: Annotated[str, typer.Option(help="Image encoder to start with")] = (
        EncoderSettings().image
    ),
    text_encoder: Annotated[str, typer.Option(help="Text encoder to start with")] = (
        EncoderSettings().text
    ),
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
    names = tuple(part.strip() for part in fields.split(",")) if fields else None
    settings = Settings(
        name=name or directory.resolve().name,
        seed=seed,
        catalog=CatalogSettings(fields=names) if names else CatalogSettings(),
        encoders=EncoderSettings(image=image_encoder, text=text_encoder),
    )
    project = Project.create(directory, settings)
    if tree:
        tree.save(project.taxonomy_path)
    leaves = len(tree.leaves) if tree else 0

    def human() -> None:
        say(f"Made the project {directory}" + (f" with {leaves:,} leaves." if tree else "."))
        if not tree:
            say(f"Next: productnet taxonomy FILE --project {directory}")
        say(f"Next: productnet import FEED --project {directory}")

    show({"project": str(directory), "leaves": leaves}, as_json=json, human=human)


def taxonomy(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Taxonomy file to freeze in the project")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="google, shopify, csv or paths [default: detected]")
    ] = None,
    find: Annotated[str | None, typer.Option(help="Look a category up by id, path or name")] = None,
    guideline: Annotated[
        str | None,
        typer.Option(metavar="CATEGORY", help="Show what belongs in a category, and where to edit"),
    ] = None,
    derive: Annotated[
        Path | None, typer.Option(help="Make the taxonomy from a feed's own category column")
    ] = None,
    column: Annotated[str, typer.Option(help="With --derive: the column")] = "category",
    depth: Annotated[
        int | None, typer.Option(min=1, help="With --derive: cut paths at this level")
    ] = None,
    min_products: Annotated[
        int, typer.Option(min=1, help="With --derive: products a leaf needs to be kept")
    ] = 1,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show the project's taxonomy, set it, or look a category up.

    Examples:
        productnet taxonomy google-taxonomy.txt

        productnet taxonomy --find "espresso machines"

        productnet taxonomy --guideline mugs

        productnet taxonomy --derive feed.csv --column category --depth 2 --min-products 8
    """
    from productnet.catalog.feed import column_texts
    from productnet.taxonomy.derive import derive_taxonomy
    from productnet.taxonomy.readers import read_taxonomy
    from productnet.taxonomy.tree import Taxonomy

    opened = Project.open(project)
    if file and derive:
        raise UsageError("Give a taxonomy file or --derive FEED, not both.")
    if file or derive:
        _refuse_after_decisions(opened)
    if file:
        tree = read_taxonomy(file, format=format)
        tree.save(opened.taxonomy_path)
    elif derive:
        tree = derive_taxonomy(
            column_texts(derive, column),
            depth=depth,
            min_products=min_products,
            name=derive.resolve().stem,
        )
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
    if guideline:
        _show_guideline(opened, tree.find(guideline), as_json=json)
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
            f"{tree}: {len(tree):,} categories, {len(tree.leaves):,} leaves (hash {tree.hash[:12]})"
        ),
    )


def import_(
    feed: Annotated[Path, typer.Argument(metavar="FEED", help="File or folder of products")],
    format: FormatOption = None,
    map: MapOption = None,
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
    engine: EngineOption = None,
    address: AddressOption = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Bring products into the pool; the same command again goes on after a kill.

    Examples:
        productnet import feed.csv --dry-run

        productnet import feed.csv --map title=product_name

        productnet import merchant.xml --labels google_product_category --trusted
    """
    from productnet.catalog.importer import import_feed
    from productnet.catalog.preview import preview_feed
    from productnet.engine.registry import open_engine

    opened = Project.open(project)
    mapping = split_pairs(map)
    if trusted and not labels:
        raise UsageError("--trusted says how to take --labels COLUMN; give that too.")
    if dry_run:
        preview = preview_feed(
            opened, feed, mapping=mapping, format=format, reference=reference, labels=labels
        )
        show(asdict(preview), as_json=json, human=lambda: _show_preview(preview))
        return
    if labels and not opened.taxonomy_path.exists():
        raise ProjectError("Labels need a taxonomy. Give the project one: productnet taxonomy FILE")
    with open_engine(opened.settings.engine, name=engine, address=address) as where:
        summary = import_feed(
            opened,
            feed,
            mapping=mapping,
            format=format,
            reference=reference,
            labels=labels,
            progress=Bars(),
            engine=where,
        )
    taken, unknown = _record_labels(opened, trusted=trusted) if labels else (None, Counter())
    result = {
        **asdict(summary),
        "labels_recorded": taken.added if taken else 0,
        "labels_refused": len(taken.skipped) if taken else 0,
        "labels_unknown": dict(unknown),
    }

    def human() -> None:
        say(
            f"{summary.rows:,} rows: {summary.added:,} added, {summary.updated:,} updated, "
            f"{summary.unchanged:,} unchanged; {summary.without_image:,} without an image they "
            "should have."
        )
        if summary.errors:
            table(
                f"{summary.errors:,} problems, listed in {opened.import_errors_path}",
                ("problem", "count"),
                list(summary.reasons.items()),
            )
        if taken:
            say(
                f"Labels: {taken.added:,} recorded, {taken.repeated:,} known before, "
                f"{len(taken.skipped):,} refused; {unknown.total():,} of no known leaf."
            )
            for text, count in unknown.most_common(5):
                say(f"  not a leaf: {text} ({count:,})")
        say("Next: productnet embed")

    show(result, as_json=json, human=human)


def _show_guideline(project: Project, category: "Category", *, as_json: bool) -> None:
    """Print a guideline; one that nobody has written yet is begun as a file to fill in."""
    from productnet.taxonomy.guidelines import guideline_file, read_guideline, write_guideline

    found = read_guideline(project.guidelines_path, category)
    file = guideline_file(project.guidelines_path, category)
    if not file.exists():
        write_guideline(project.guidelines_path, category, found)

    def human() -> None:
        say(f"{category.label}: {found.definition or '(no guideline yet)'}")
        for name in ("include", "exclude", "examples"):
            for item in getattr(found, name):
                say(f"  {name}: {item}")
        say(f"Edit: {file}")

    result = {"category": category.id, **asdict(found), "file": str(file)}
    show(result, as_json=as_json, human=human)


def _refuse_after_decisions(project: Project) -> None:
    from productnet.annotation.log import DecisionLog

    with DecisionLog.open(project.database_url) as log:
        if log.state().categories():
            raise ProjectError(
                "Decisions refer to this project's taxonomy, so it cannot change any more. "
                "Make a new project for another taxonomy."
            )


def _record_labels(project: Project, *, trusted: bool) -> "tuple[ImportedLabels, Counter[str]]":
    """Turn the imported label column into decisions; also the texts that name no leaf."""
    import pyarrow.parquet as pq

    from productnet.annotation.workflow import Workflow
    from productnet.taxonomy.tree import Taxonomy

    tree = Taxonomy.load(project.taxonomy_path)
    rows = pq.read_table(project.imported_labels_path).to_pylist()
    leaves = {row["id"]: tree.leaf_of(row["category"]) for row in rows}
    unknown = Counter(row["category"] for row in rows if leaves[row["id"]] is None)
    labels = {product: leaf.id for product, leaf in leaves.items() if leaf is not None}
    workflow = Workflow.open(project)
    with workflow.log:
        return workflow.import_labels(labels, trusted=trusted, progress=Bars()), unknown


def _show_preview(preview: "Preview") -> None:
    mapping = preview.mapping
    rows = [(name, ", ".join(columns)) for name, columns in mapping.columns.items()]
    table(f"How columns fill fields ({preview.format})", ("field", "column"), rows)
    if mapping.unmapped:
        say("Unused columns: " + ", ".join(mapping.unmapped))
    if mapping.held_back:
        say(
            "Held back, for they may hold the answer: "
            + ", ".join(mapping.held_back)
            + " (use --labels, --reference, or --map to fill a field all the same)"
        )
    for product in preview.products:
        shown = {**product.texts, "images": ", ".join(product.described_images)}
        facts = [(name, text[:100]) for name, text in shown.items() if text]
        table(f"Product {product.id}", ("field", "text"), facts)
    for line, fault in preview.faults[:5]:
        say(f"Line {line}: {fault.reason}")
    say("Nothing was changed. Leave out --dry-run to import.")
