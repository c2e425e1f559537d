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

EngineOption = Annotated[
    str | None,
    typer.Option("--engine", metavar="NAME", help="Where it runs: local, or ray [default: local]"),
]
AddressOption = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Ray cluster [default: workers on this machine]"),
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


def split_numbers(text: str, *, option: str) -> tuple[int, ...]:
    """The numbers of a list such as ``20,50``; raises UsageError naming the option otherwise."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise UsageError(
            f'{option} takes whole numbers with commas between, for example 20,50; not "{text}".'
        ) from None
