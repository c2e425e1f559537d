"""Targets: what products are to be told by when a model is transferred, labels or a number."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from productnet.errors import TrainingError
from productnet.master.classes import Classes
from productnet.master.products import Products
from productnet.master.sources import PoolPart, Source, as_table, rows_of, stream_products
from productnet.master.storage import Number
from productnet.settings import Project

# What a product is to be told by: a label, yes or no, or a number.
Target = Mapping[str, object] | Sequence[object] | str
Kind = Literal["auto", "labels", "number"]

KINDS: tuple[Kind, ...] = ("auto", "labels", "number")

# A column of numbers with more different values than this is a number to predict, not labels.
_MOST_LABELS = 20


@dataclass(frozen=True)
class Goal:
    """What is learnt: the classes, or the scale of a number, and each product's target.

    Attributes:
        targets: (N,) class, int64, or standardised number, float32.
        classes: Empty for a number.
        number: None for classes.
    """

    targets: np.ndarray
    classes: tuple[str, ...]
    number: Number | None

    @property
    def outputs(self) -> int:
        """How many logits there are."""
        return 1 if self.number else len(self.classes)


def match_target(
    source: Source, target: Target, fields: Sequence[str]
) -> tuple[Products, list[object]]:
    """Products with a known target, and the target of each.

    Args:
        source: A table, or a project with a mapping by product id.
        target: The column's name, values in row order, or values by product id.
        fields: Those that the body reads; ones that a table lacks are missing.

    Raises:
        TrainingError: If products and target do not fit together.
        UnknownProduct: If a target is of a product that is not there.
    """
    if isinstance(source, Project | PoolPart):
        if not isinstance(target, Mapping):
            raise TrainingError("With a project, a target is a mapping from product id to value.")
        project = source if isinstance(source, Project) else source.project
        part: Source = PoolPart(project, list(target))
        values = list(target.values())
    else:
        table = as_table(source)
        if isinstance(target, Mapping):
            part, values = table.take(rows_of(list(target), table)), list(target.values())
        elif isinstance(target, str):
            if target not in table.column_names:
                raise TrainingError(
                    f'There is no target column "{target}". The table has: '
                    f"{', '.join(table.column_names)}."
                )
            part, values = table, table.column(target).to_pylist()
        else:
            part, values = table, list(target)
            if len(values) != table.num_rows:
                raise TrainingError(f"{len(values)} targets for {table.num_rows} products.")
    known = [place for place, value in enumerate(values) if value is not None]
    if not known:
        raise TrainingError("There are no products with a known target to learn from.")
    if len(known) < len(values):
        if isinstance(part, PoolPart):
            part = PoolPart(part.project, [part.ids[place] for place in known])
        else:
            part = as_table(part).take(pa.array(known))
    (products,) = stream_products(part, fields=fields, block=len(known))
    return products, [values[place] for place in known]


def set_goal(values: Sequence[object], kind: Kind) -> Goal:
    """Classes or a number, as the values are, or as asked.

    Raises TrainingError if they cannot be learnt so.
    """
    if kind not in KINDS:
        raise TrainingError(f'There is no kind of target "{kind}". Take {", ".join(KINDS)}.')
    numbers = _numbers(values)
    if kind == "auto":
        many = numbers is not None and len(set(numbers)) > _MOST_LABELS
        kind = "number" if many else "labels"
    if kind == "labels":
        names = [_name(value) for value in values]
        classes = Classes.of(names)
        return Goal(classes.numbers(names), classes.names, None)
    if numbers is None:
        wrong = next(value for value in values if _number(value) is None)
        raise TrainingError(
            f"The target {wrong!r} is no number. Leave such products out, or take kind=labels."
        )
    known = np.array(numbers)
    centre, spread = float(known.mean()), float(known.std())
    if not spread:
        raise TrainingError(f"All {len(known)} targets are {centre:g}: there is nothing to learn.")
    scaled = ((known - centre) / spread).astype(np.float32)
    return Goal(scaled, (), Number(centre, spread))


def _name(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if not text:
        raise TrainingError("A target is an empty text. Leave such products out.")
    return text


def _numbers(values: Sequence[object]) -> list[float] | None:
    """All of them as numbers; None if one is none."""
    numbers = [_number(value) for value in values]
    known = [one for one in numbers if one is not None]
    return known if len(known) == len(numbers) else None


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
