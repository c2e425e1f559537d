"""The command that shows candidates: ``candidates``."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from productnet.cli.console import say, show, table
from productnet.cli.loop import LOOP_PANEL
from productnet.cli.options import HERE, JsonOption, ProjectOption
from productnet.errors import ImageError, UsageError
from productnet.settings import Project

if TYPE_CHECKING:
    from productnet.retrieval.candidates import Candidate

# Of these, what no candidate has is left out.
_COLUMNS = ("product", "title", "source", "score", "why", "model", "copies")

# Ids that are not in the pool and are named all the same.
_UNKNOWN_NAMED = 5


def register(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(rich_help_panel=LOOP_PANEL)(candidates)


def candidates(
    leaf: Annotated[str, typer.Argument(metavar="LEAF", help="Id, path or name of a leaf")],
    source: Annotated[
        str | None,
        typer.Option(
            help="Source of candidates [default: the one that the other options are for, or mixed]"
        ),
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many")] = 20,
    ask: Annotated[
        str | None, typer.Option(help="active: positives, negatives or ambiguous products")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="active: kind of local model, instead of the project's")
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            help='keyword: words, "phrases", +needed, -excluded [default: the words of the leaf]'
        ),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(help="keyword: search this text field only; can be repeated"),
    ] = None,
    id: Annotated[
        list[str] | None,
        typer.Option(help="adhoc: product ids, with anything between them; can be repeated"),
    ] = None,
    text: Annotated[str | None, typer.Option(help="adhoc: products that read like this")] = None,
    image: Annotated[
        Path | None, typer.Option(help="adhoc: products that look like this image file")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="adhoc: products that look like the image at this URL")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of what is left to chance [default: the setting]")
    ] = None,
    project: ProjectOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show the next page of candidates for a leaf, and why each is on it. Nothing is recorded.

    Products already decided for the leaf are not shown. What a source leaves open is filled by
    chance.

    Examples:
        productnet candidates mugs

        productnet candidates mugs --ask ambiguous -n 50

        productnet candidates "Kitchen > Mugs" --query 'mug +"set of 4" -travel' --field title

        productnet candidates mugs --text "enamel camping mug" --image photo.jpg

        productnet candidates mugs --id "B00005N5PF, B000EPLP3C" --json
    """
    import numpy as np

    from productnet.annotation.log import DecisionLog
    from productnet.retrieval.adhoc import AdHoc
    from productnet.retrieval.asking import Asked, source_for
    from productnet.retrieval.candidates import Leaf
    from productnet.retrieval.page import next_page
    from productnet.retrieval.resources import Resources

    asked_for = Asked(
        ask=ask,
        model=model,
        query=query,
        fields=field or None,
        ids="\n".join(id) if id else None,
        text=text,
        image=_picture(image, url),
    )
    chosen = source_for(source, asked_for)
    opened = Project.open(project)
    resources = Resources(opened)
    category = resources.taxonomy.find_leaf(leaf)
    with DecisionLog.open(opened.database_url) as log:
        asked = Leaf.of(category.id, state=log.state(), taxonomy=resources.taxonomy)
    rng = np.random.default_rng(opened.settings.seed if seed is None else seed)
    page = next_page(chosen, asked, resources, count=count, rng=rng)
    title = opened.settings.catalog.fields[0]
    products = resources.pool.take([one.product for one in page], columns=[title])
    titles = products.column(title).to_pylist()
    unknown = chosen.unknown(resources) if isinstance(chosen, AdHoc) else []

    def human() -> None:
        rows = [_row(one, text) for one, text in zip(page, titles, strict=True)]
        shown = [name for name in _COLUMNS if any(row[name] not in (None, "") for row in rows)]
        table(
            f"Candidates for {category.label}",
            shown,
            [[row[name] for name in shown] for row in rows],
        )
        if unknown:
            more = len(unknown) - _UNKNOWN_NAMED
            others = f" and {more:,} more" if more > 0 else ""
            say(f"Not in the pool: {', '.join(unknown[:_UNKNOWN_NAMED])}{others}.")

    result = {
        "leaf": category.id,
        "path": category.label,
        "candidates": [
            {**asdict(one), "title": text} for one, text in zip(page, titles, strict=True)
        ],
        "unknown_ids": unknown,
    }
    show(result, as_json=json, human=human)


def _picture(image: Path | None, url: str | None) -> bytes | str | None:
    if image is None:
        return url
    if url is not None:
        raise UsageError("Give one image: --image or --url.")
    if not image.is_file():
        raise ImageError(f"There is no image {image}.")
    return image.read_bytes()


def _row(candidate: "Candidate", title: str | None) -> dict[str, object]:
    """What people see of a candidate, in a line."""
    model = candidate.model_version
    return {
        "product": candidate.product,
        "title": title,
        "source": candidate.source,
        "score": candidate.score,
        "why": candidate.reason,
        "model": f"{model} ({candidate.behind} behind)" if candidate.behind else model,
        "copies": candidate.copy_count or "",
    }
