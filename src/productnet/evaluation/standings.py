"""How sources stand against one another: positives after so many views, cost, and speed-up.

Speed-up is against looking at products at random, by expectation and not by a draw: how many times
as many a person would have to look at for as many positives as the source found.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median_low
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from productnet.evaluation.cost import random_found, random_views, work_seconds
from productnet.evaluation.simulation_record import FORMAT_VERSION, Found, SimulationRecord
from productnet.files import drafted
from productnet.settings import CostSettings

# In the folder of reports: a row a trial, for analysts.
TABLE_FILE: Final = "simulation.parquet"

CHANCE: Final = "by chance"
BEST: Final = "at best"


@dataclass(frozen=True, slots=True)
class Standing:
    """One source over all leaves and seeds.

    Attributes:
        source: Name of the source, with its variant.
        positives: Positives found, mean of leaves, after each of the record's views.
        reached: Share of leaves, 0 to 1, in which the target was reached.
        views: Candidates looked at until then in the median leaf; None where fewer than half
            reached it.
        minutes: People's minutes a leaf, until the target was reached or the views were spent.
        random_minutes: The same for as many positives by chance.
        speed_up: How many times as many products chance would have people look at.
    """

    source: str
    positives: tuple[float, ...]
    reached: float
    views: float | None
    minutes: float
    random_minutes: float
    speed_up: float


def standings(record: SimulationRecord) -> tuple[Standing, ...]:
    """Every source that was compared; then what chance would do, and what the best could."""
    own = [_standing(record, source) for source in record.sources]
    return (*own, *_bounds(record)) if own else ()


def _standing(record: SimulationRecord, source: str) -> Standing:
    found = record.of(source)
    return _summed_up(
        source,
        [fmean(one.after(views) for one in found) for views in record.after],
        found,
        [one.effort for one in found],
        [one.views_to_target for one in found],
        cost=record.cost,
    )


def _bounds(record: SimulationRecord) -> tuple[Standing, Standing]:
    """What chance would do and what the best source could, on the same leaves."""
    found = record.of(record.sources[0])
    by_chance = [
        fmean(random_found(views, positives=one.findable, pool=one.pool) for one in found)
        for views in record.after
    ]
    at_best = [fmean(min(views, one.findable) for one in found) for views in record.after]
    draws = [_random_views(one, one.target) for one in found]
    targets = [one.target for one in found]
    return (
        _summed_up(
            CHANCE,
            by_chance,
            found,
            list(zip(draws, targets, strict=True)),
            draws,
            cost=record.cost,
        ),
        _summed_up(
            BEST,
            at_best,
            found,
            list(zip(targets, targets, strict=True)),
            targets,
            cost=record.cost,
        ),
    )


def _summed_up(
    name: str,
    positives: Sequence[float],
    found: Sequence[Found],
    efforts: Sequence[tuple[float, int]],
    to_target: Sequence[float | None],
    *,
    cost: CostSettings,
) -> Standing:
    """A standing of trials, from each one's views and positives and its views to the target."""
    random = [_random_views(one, wanted) for one, (_, wanted) in zip(found, efforts, strict=True)]
    seconds = [work_seconds(views, wanted, cost=cost) for views, wanted in efforts]
    random_seconds = [
        work_seconds(views, wanted, cost=cost)
        for views, (_, wanted) in zip(random, efforts, strict=True)
    ]
    typical = median_low([float("inf") if views is None else views for views in to_target])
    return Standing(
        source=name,
        positives=tuple(positives),
        reached=fmean(views is not None for views in to_target),
        views=None if typical == float("inf") else typical,
        minutes=fmean(seconds) / 60,
        random_minutes=fmean(random_seconds) / 60,
        speed_up=_ratio(sum(random), sum(views for views, _ in efforts)),
    )


def trial_table(record: SimulationRecord, paths: Mapping[str, str]) -> pa.Table:
    """A row a trial, with the figures that standings sum up.

    Args:
        record: The comparison.
        paths: Category id to path, to read.
    """
    rows = []
    for one in record.found:
        views, positives = one.effort
        random = _random_views(one, positives)
        rows.append(
            {
                "category": one.category,
                "path": paths[one.category],
                "source": one.source,
                "seed": one.seed,
                "findable": one.findable,
                "pool": one.pool,
                **{f"positives_after_{views}": one.after(views) for views in record.after},
                "target": one.target,
                "views_to_target": one.views_to_target,
                "views": views,
                "positives": positives,
                "minutes": work_seconds(views, positives, cost=record.cost) / 60,
                "random_views": random,
                "random_minutes": work_seconds(random, positives, cost=record.cost) / 60,
                "speed_up": _ratio(random, views),
            }
        )
    return pa.Table.from_pylist(rows)


def write_table(path: Path, record: SimulationRecord, paths: Mapping[str, str]) -> None:
    """Write the trials as Parquet, replacing the file whole."""
    table = trial_table(record, paths)
    table = table.replace_schema_metadata({"productnet.format_version": str(FORMAT_VERSION)})
    with drafted(path) as draft:
        pq.write_table(table, draft)


def _random_views(one: Found, wanted: int) -> float:
    return random_views(wanted, positives=one.findable, pool=one.pool)


def _ratio(random: float, views: float) -> float:
    return random / views if views else 0.0
