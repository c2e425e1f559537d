"""Options that several commands share, so that each is written and explained once."""

from pathlib import Path
from typing import Annotated

import typer

from productnet.errors import UsageError

HERE = Path()

ProjectOption = Annotated[
    Path, typer.Option("--project", "-p", metavar="DIR", help="Project folder [default: here]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts")]
FormatOption = Annotated[
    str | None, typer.Option(help="Reader to use [default: detected from the file]")
]
MapOption = Annotated[
    list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="Fill a field from a column")
]


def split_pairs(pairs: list[str] | None) -> dict[str, str]:
    """``--map`` options as a dictionary; raises UsageError with the form they take."""
    split = {}
    for pair in pairs or []:
        field, equals, column = pair.partition("=")
        if not equals or not field.strip():
            raise UsageError(
                f'--map takes FIELD=COLUMN, for example title=product_name; not "{pair}".'
            )
        split[field.strip()] = column.strip()
    return split
