"""From report data to one HTML page that needs nothing else: no network, no script.

Product text is untrusted: the templates escape everything, and a content security policy in the
page forbids scripts and requests should something slip through.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from productnet.evaluation.report.certainty_charts import (
    doubts,
    kinship_bars,
    precision_by_coverage,
)
from productnet.evaluation.report.charts import colour, cost_by_leaf, embedding_map, reliability
from productnet.evaluation.report.curves import learning_curve, round_history
from productnet.evaluation.report.data import LeafReport, ReportData
from productnet.evaluation.report.source_charts import (
    hours,
    source_curves,
    style_of,
    views_to_target,
)
from productnet.evaluation.table import MASTER
from productnet.files import write_atomically

# Above this many leaves the progress table is folded by top-level category.
_MOST_ROWS = 80

# Wang et al. 2019, abstract: top-1 accuracy of the master model.
PAPER_TOP1 = {MASTER: 0.947}

_SECTIONS = (
    ("progress", "Progress"),
    ("accuracy", "Accuracy"),
    ("confused", "Confused leaves"),
    ("candidates", "Candidates"),
    ("cost", "Cost"),
    ("training", "Training"),
    ("certainty", "Certainty"),
    ("embedding", "Embedding"),
    ("import", "Import"),
)


def render_report(data: ReportData) -> str:
    """The page's HTML. The same data give the same page."""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            data=data,
            last=data.rounds[-1] if data.rounds else None,
            cost=Cost.of(data.leaves),
            charts=charts_of(data),
            paper=PAPER_TOP1,
            sections=_SECTIONS,
            folded=len(data.leaves) > _MOST_ROWS,
        )
    )


def write_report(path: Path, data: ReportData) -> None:
    """Write the page, replacing the file whole."""
    write_atomically(path, render_report(data))


def charts_of(data: ReportData) -> dict[str, Markup | None]:
    """Every chart of the page by name; None where there is nothing to draw yet."""
    last = data.rounds[-1] if data.rounds else None
    found = data.compared
    sure = last.certainty if last else None
    kin = last.kinship if last else None
    return {
        "source_curves": source_curves(found) if found else None,
        "views_to_target": views_to_target(found) if found else None,
        "hours": hours(found) if found else None,
        "cost_by_leaf": cost_by_leaf(data.leaves) if Cost.of(data.leaves).random else None,
        "reliability": reliability(last.calibration) if last else None,
        "reliability_before": reliability(sure.before, when="before") if sure else None,
        "precision_by_coverage": precision_by_coverage(sure) if sure else None,
        "doubts": doubts(sure.doubt) if sure and sure.doubt else None,
        "kinship": kinship_bars(kin) if kin else None,
        "round_history": round_history(data.rounds) if last else None,
        "learning_curve": learning_curve(last.history) if last and last.history else None,
        "embedding_map": embedding_map(data.map) if data.map else None,
    }


def write_charts(folder: Path, data: ReportData) -> list[Path]:
    """Write the charts there are as SVG files, in the light theme, for papers and pages."""
    written = []
    for name, chart in charts_of(data).items():
        if chart is not None:
            written.append(path := folder / f"{name.replace('_', '-')}.svg")
            write_chart(path, chart)
    return written


def write_chart(path: Path, chart: Markup) -> None:
    """Write one chart as an SVG file that stands by itself, in the light theme."""
    loader = _environment().get_template
    css = Markup(loader("light.css").render() + loader("charts.css").render())
    element, _, marks = chart.partition(">")
    write_atomically(
        path, f'{element} xmlns="http://www.w3.org/2000/svg"><style>{css}</style>{marks}\n'
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """Decisions over the leaves whose random cost is known; ``random`` is 0 if there are none."""

    decisions: int
    seconds: float
    random: float

    @classmethod
    def of(cls, leaves: Sequence[LeafReport]) -> "Cost":
        """Summed over leaves."""
        known = [leaf for leaf in leaves if leaf.random_decisions and leaf.decisions]
        return cls(
            decisions=sum(leaf.decisions for leaf in known),
            seconds=sum(leaf.seconds for leaf in known),
            random=sum(leaf.random_decisions or 0.0 for leaf in known),
        )

    @property
    def factor(self) -> float:
        """How many times as many decisions random drawing takes."""
        return self.random / self.decisions

    @property
    def random_seconds(self) -> float:
        """Time of random drawing, at the seconds a decision took here."""
        return self.seconds * self.factor

    @property
    def longest(self) -> float:
        """The larger of the two numbers of decisions."""
        return max(self.decisions, self.random)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("productnet.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        by_top=_by_top,
        colour=colour,
        counted=_counted,
        data_uri=_data_uri,
        hits=lambda correct: sum(one is True for one in correct),
        hours=_hours,
        known=lambda correct: sum(one is not None for one in correct),
        number=lambda value: f"{value:,.0f}",
        of=lambda value, whole: f"{min(100.0, 100 * value / whole):.1f}",
        percent=lambda value, digits=1: f"{value * 100:.{digits}f}%",
        seconds=lambda value: f"{value:,.1f}" if value < 10 else f"{value:,.0f}",
        share_of=lambda value, whole: f"{value / whole:.0%}" if whole else "none",
        source_style=style_of,
        shortened=lambda text, length: text if len(text) <= length else text[: length - 1] + "…",
    )
    return environment


def _by_top(leaves: Sequence[LeafReport]) -> list[tuple[str, list[LeafReport]]]:
    return [(top, list(group)) for top, group in groupby(leaves, key=lambda leaf: leaf.path[0])]


def _counted(value: int, one: str, many: str | None = None) -> str:
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def _hours(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


_MAGIC = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG", "png"), (b"RIFF", "webp"))


def _data_uri(image: bytes) -> Markup:
    kind = next((name for magic, name in _MAGIC if image.startswith(magic)), "jpeg")
    return Markup(f"data:image/{kind};base64,") + Markup(base64.b64encode(image).decode())
