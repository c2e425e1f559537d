"""The charts of sources: what they find, how soon a leaf is done, and what that costs people."""

import re
from collections.abc import Sequence

from markupsafe import Markup

from productnet.evaluation.report.data import Compared
from productnet.evaluation.report.svg import Canvas, Scale, axes, spread, tick

# Of the charts that have a row a source: pixels a row, and from the top to the first.
_ROW, _TOP = 27, 44


def source_curves(found: Compared) -> Markup:
    """Positives found against candidates viewed, one line a source, named at its end."""
    curves = sorted(found.curves, key=lambda curve: -curve.positives[-1])
    canvas = Canvas(
        960,
        440,
        title="Positives found by each source",
        description=f"After {found.views:,} views: "
        + ", ".join(f"{curve.source} {curve.positives[-1]:.1f}" for curve in curves),
    )
    x = Scale(0, found.views, 56, 760)
    highest = max(one.positives[-1] + one.errors[-1] for one in (found.ceiling, *curves))
    y = Scale(0, max(1.0, highest) * 1.04, 390, 36)
    axes(canvas, x, y, x_label="candidates viewed", y_label="positives found, mean of leaves")
    # Variants run close to their source; bands of theirs would only cover its own.
    for curve in (curve for curve in curves if "variant" not in style_of(curve.source)):
        points = list(zip(curve.views, curve.positives, curve.errors, strict=True))
        above = [(x(views), y(mean + error)) for views, mean, error in points]
        below = [(x(views), y(max(0.0, mean - error))) for views, mean, error in points]
        canvas.line([*above, *reversed(below)], cls=f"band {style_of(curve.source)}")
    best = found.ceiling
    ceiling = [(x(a), y(b)) for a, b in zip(best.views, best.positives, strict=True)]
    canvas.line(ceiling, cls="ideal")
    ends = spread([y(curve.positives[-1]) for curve in (best, *curves)], gap=17, low=30, high=394)
    canvas.text(
        ceiling[-1][0] + 10, ends[0] + 4, f"{best.source} {best.positives[-1]:.0f}", cls="tick"
    )
    for curve, label_at in zip(curves, ends[1:], strict=True):
        style = style_of(curve.source)
        line = [(x(a), y(b)) for a, b in zip(curve.views, curve.positives, strict=True)]
        canvas.line(line, cls=f"line {style}")
        canvas.mark("circle", cx=line[-1][0], cy=line[-1][1], r=3.5, cls=f"dot {style}")
        label = f"{curve.source} {curve.positives[-1]:.0f}"
        canvas.text(line[-1][0] + 10, label_at + 4, label, cls=f"label {style}")
    return canvas.render()


def views_to_target(found: Compared) -> Markup:
    """Views until a leaf is done, one row a source, on a log scale: median and middle half."""
    bounds = [("at best", found.best.views or 1), ("by chance", found.chance.views or found.views)]
    lowest = min([bounds[0][1], *(one.low for one in found.spreads if one.low)])
    canvas, x = _rows(
        [one.source for one in found.spreads],
        (lowest, max(bounds[1][1], found.views)),
        title="Views until a leaf is done",
        description="; ".join(
            f"{one.source} {f'{one.median:,.0f}' if one.median else f'over {found.views:,}'}"
            for one in found.spreads
        ),
        label="candidates viewed (logarithmic)",
    )
    bottom = _TOP + _ROW * len(found.spreads) - 6
    for name, views in bounds:
        canvas.line([(x(views), _TOP - 16), (x(views), bottom)], cls="ideal")
        canvas.text(x(views), _TOP - 23, f"{name} {views:,.0f}", cls="tick middle")
    for index, one in enumerate(found.spreads):
        y, style = _TOP + _ROW * index, style_of(one.source)
        end = x(one.high or found.views)
        if one.low:
            canvas.line([(x(one.low), y), (end, y)], cls=f"span {style}")
        if one.median:
            tip = f"{one.median:,.0f} views in the median leaf"
            canvas.mark("circle", cx=x(one.median), cy=y, r=5, cls=f"dot {style}", tip=tip)
        said = f"{one.median:,.0f}" if one.median else f"over {found.views:,}"
        canvas.text(end + 10, y + 4, said, cls="tick")
    return canvas.render()


def hours(found: Compared) -> Markup:
    """People's hours beside those that chance takes for as many positives, and the speed-up."""
    rows = found.standings
    taken = [one.minutes * found.leaves / 60 for one in rows]
    by_chance = [one.random_minutes * found.leaves / 60 for one in rows]
    canvas, x = _rows(
        [one.source for one in rows],
        (min([*taken, *(value for value in by_chance if value)]), max([*taken, *by_chance])),
        title="Hours of work, against chance",
        description="; ".join(
            f"{one.source}: {hours:.1f} h, by chance {random:.1f} h"
            for one, hours, random in zip(rows, taken, by_chance, strict=True)
        ),
        label="hours of people's time (logarithmic)",
    )
    for index, (one, own, random) in enumerate(zip(rows, taken, by_chance, strict=True)):
        y, style = _TOP + _ROW * index, style_of(one.source)
        if random:
            canvas.line([(x(own), y), (x(random), y)], cls="stem")
            tip = f"{random:,.1f} h by chance"
            canvas.mark("circle", cx=x(random), cy=y, r=4.5, cls="ring", tip=tip)
        canvas.mark("circle", cx=x(own), cy=y, r=5, cls=f"dot {style}", tip=f"{own:,.1f} h")
        canvas.text(x(max(own, random)) + 11, y + 4, f"{one.speed_up:.1f}×", cls="tick")
    return canvas.render()


def style_of(source: str) -> str:
    """The class of a source's colour, and whether it is a variant of another: ``"mixed, …"``."""
    base = re.split(r"[^0-9A-Za-z]", source, maxsplit=1)[0]
    return f"source-{base}" + (" variant" if base != source else "")


def _rows(
    names: Sequence[str],
    ends: tuple[float, float],
    *,
    title: str,
    description: str,
    label: str,
) -> tuple[Canvas, Scale]:
    """A canvas with a named row a source over a log scale that spans both ends."""
    bottom = _TOP + _ROW * len(names) - 6
    canvas = Canvas(520, bottom + 46, title=title, description=description)
    x = Scale(ends[0] * 0.9, max(ends[1], ends[0] * 2), 160, 468, logarithmic=True)
    for value in x.ticks():
        canvas.line([(x(value), _TOP - 16), (x(value), bottom)], cls="rule")
        canvas.text(x(value), bottom + 18, tick(value), cls="tick middle")
    canvas.text((x.start + x.end) / 2, bottom + 37, label, cls="axis middle")
    for index, name in enumerate(names):
        canvas.text(148, _TOP + _ROW * index + 4, name, cls="name end")
    return canvas, x
