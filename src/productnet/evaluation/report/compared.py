"""From the record of a simulation to what the report shows of sources."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from productnet.evaluation.report.album import Album
from productnet.evaluation.report.data import Compared, SourceCurve, SourceViews, Strip, StripRow
from productnet.evaluation.simulation_record import (
    TARGET,
    FirstPage,
    Found,
    SimulationRecord,
)
from productnet.evaluation.standings import BEST, CHANCE, standings

# Candidates of a first page that are shown; they fill one line.
PAGE_SHOWN = 16

_STRIPS_SHOWN = 3

# Points of a curve: enough to look smooth.
_POINTS = 40


def strips(
    pages: Sequence[FirstPage], paths: Mapping[str, tuple[str, ...]], album: Album
) -> tuple[Strip, ...]:
    """First pages for a few leaves that the taxonomy still has, a row a source."""
    shown = [leaf for leaf in dict.fromkeys(page.category for page in pages) if leaf in paths]
    return tuple(
        Strip(
            path=paths[leaf],
            rows=tuple(
                StripRow(
                    page.source,
                    album.pictures(page.products[:PAGE_SHOWN]),
                    page.correct[:PAGE_SHOWN],
                )
                for page in pages
                if page.category == leaf
            ),
        )
        for leaf in shown[:_STRIPS_SHOWN]
    )


def compared(record: SimulationRecord) -> Compared | None:
    """The comparison of sources; None where there was none."""
    if not record.found:
        return None
    steps = np.unique(np.linspace(0, record.views, _POINTS + 1).astype(int))
    by_name = {one.source: one for one in standings(record)}
    return Compared(
        leaves=len(record.leaves),
        seeds=record.seeds,
        views=record.views,
        target=TARGET,
        round=record.round,
        after=record.after,
        standings=tuple(by_name[source] for source in record.sources),
        chance=by_name[CHANCE],
        best=by_name[BEST],
        curves=tuple(_curve(source, record.of(source), steps) for source in record.sources),
        ceiling=_ceiling(record, steps),
        spreads=tuple(_spread(source, record.of(source)) for source in record.sources),
    )


def _curve(source: str, found: Sequence[Found], steps: npt.NDArray[np.int_]) -> SourceCurve:
    """The mean over leaves and its standard error; seeds of a leaf are averaged first."""
    leaves: dict[str, list[list[int]]] = {}
    for one in found:
        leaves.setdefault(one.category, []).append([one.after(int(step)) for step in steps])
    means = np.array([np.mean(seeds, axis=0) for seeds in leaves.values()])  # (leaves, steps)
    spread = means.std(axis=0, ddof=1) if len(means) > 1 else np.zeros(len(steps))
    return SourceCurve(
        source,
        views=tuple(steps.tolist()),
        positives=tuple(means.mean(axis=0).tolist()),
        errors=tuple((spread / np.sqrt(len(means))).tolist()),
    )


def _ceiling(record: SimulationRecord, steps: npt.NDArray[np.int_]) -> SourceCurve:
    """What nobody can better: every candidate a positive, for as long as there are any."""
    findable = [one.findable for one in record.of(record.sources[0])]
    most = np.minimum(steps, np.array(findable)[:, None])  # (leaves, steps)
    return SourceCurve(
        BEST,
        views=tuple(steps.tolist()),
        positives=tuple(most.mean(axis=0).tolist()),
        errors=(0.0,) * len(steps),
    )


def _spread(source: str, found: Sequence[Found]) -> SourceViews:
    views = sorted(np.inf if one.views_to_target is None else one.views_to_target for one in found)
    low, middle, high = (
        None if value == np.inf else float(value)
        for value in np.quantile(views, (0.25, 0.5, 0.75), method="lower")
    )
    return SourceViews(source, low, middle, high)
