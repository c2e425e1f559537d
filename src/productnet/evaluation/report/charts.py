"""The charts that are not curves: reliability, cost by leaf, and the map of the embedding."""

from collections.abc import Sequence

from markupsafe import Markup

from productnet.evaluation.reliability import Calibration
from productnet.evaluation.report.data import EmbeddingMap, LeafReport
from productnet.evaluation.report.svg import Canvas, Scale, rules, tick

# The style sheet has this many category colours; further categories share the last.
COLOURS = 8
_LEAVES_SHOWN = 24


def reliability(calibration: Calibration, *, when: str = "") -> Markup:
    """What confidence claimed against what came true, over how many products claimed it.

    Args:
        calibration: To be drawn.
        when: Said in the title, such as "before calibration".
    """
    canvas = Canvas(
        460,
        430,
        title=f"Reliability of the master model's confidence {when}".strip(),
        description=f"Expected calibration error {calibration.ece:.1%}. "
        + "; ".join(
            f"said {one.confidence:.0%}, right {one.accuracy:.0%} of {one.count}"
            for one in calibration.bins
        ),
    )
    x, y = Scale(0, 1, 62, 440), Scale(0, 1, 290, 36)
    rules(canvas, x, y, label="came true", percent=True)
    for one in calibration.bins:
        left, width = x(one.lower) + 1.5, x(one.upper) - x(one.lower) - 3
        top, claimed = y(one.accuracy), y(one.confidence)
        tip = f"said {one.confidence:.0%}, right {one.accuracy:.1%} of {one.count:,}"
        canvas.mark(
            "rect", x=left, y=top, width=width, height=y(0) - top, cls="bar accent", tip=tip
        )
        gap_top, gap = min(top, claimed), abs(top - claimed)
        over = "over" if one.confidence > one.accuracy else "under"
        canvas.mark("rect", x=left, y=gap_top, width=width, height=gap, cls=f"gap {over}", tip=tip)
    canvas.line([(x(0), y(0)), (x(1), y(1))], cls="ideal")
    _confidence_histogram(canvas, calibration, x)
    return canvas.render()


def _confidence_histogram(canvas: Canvas, calibration: Calibration, x: Scale) -> None:
    most = max(one.count for one in calibration.bins)
    height = Scale(0, most, 370, 312)
    for one in calibration.bins:
        canvas.mark(
            "rect",
            x=x(one.lower) + 1.5,
            y=height(one.count),
            width=x(one.upper) - x(one.lower) - 3,
            height=370 - height(one.count),
            cls="bar faint",
            tip=f"{one.count:,} products",
        )
    canvas.text(54, 374, "products", cls="tick end")
    for value in x.ticks():
        canvas.text(x(value), 388, tick(value, percent=True), cls="tick middle")
    canvas.text((x.start + x.end) / 2, 410, "confidence claimed", cls="axis middle")


def cost_by_leaf(leaves: Sequence[LeafReport]) -> Markup:
    """Decisions taken beside those that looking at random would have taken, on a log scale."""
    known = [leaf for leaf in leaves if leaf.random_decisions and leaf.decisions]
    shown = sorted(known, key=lambda leaf: -(leaf.random_decisions or 0.0))[:_LEAVES_SHOWN]
    row, top = 24, 50
    canvas = Canvas(
        960,
        top + row * len(shown) + 40,
        title="Decisions by leaf, against random",
        description="; ".join(
            f"{leaf.path[-1]}: {leaf.decisions:,}, at random {leaf.random_decisions:,.0f}"
            for leaf in shown
        ),
    )
    lowest = min(min(leaf.decisions, leaf.random_decisions or 1) for leaf in shown)
    highest = max(max(leaf.decisions, leaf.random_decisions or 1) for leaf in shown)
    low, high = 10 ** _power(lowest), 10 ** (_power(highest) + 1)
    x = Scale(low, high, 210, 890, logarithmic=True)
    bottom = top + row * len(shown)
    for value in x.ticks():
        canvas.line([(x(value), top - 12), (x(value), bottom)], cls="rule")
        canvas.text(x(value), bottom + 18, tick(value), cls="tick middle")
    canvas.text(550, bottom + 36, "decisions (logarithmic)", cls="axis middle")
    canvas.mark("circle", cx=216, cy=18, r=5, cls="dot accent")
    canvas.text(227, 22, "taken", cls="label accent")
    canvas.mark("circle", cx=286, cy=18, r=4.5, cls="ring")
    canvas.text(297, 22, "at random, expected", cls="label muted")
    for index, leaf in enumerate(shown):
        y = top + row * index + 4
        taken, random = x(leaf.decisions), x(leaf.random_decisions or 1)
        factor = (leaf.random_decisions or 0.0) / leaf.decisions
        canvas.text(198, y + 4, _shortened(leaf.path[-1]), cls="name end")
        canvas.line([(taken, y), (random, y)], cls="stem")
        tip = f"{leaf.random_decisions:,.0f} at random"
        canvas.mark("circle", cx=random, cy=y, r=4.5, cls="ring", tip=tip)
        canvas.mark("circle", cx=taken, cy=y, r=5, cls="dot accent", tip=f"{leaf.decisions:,}")
        canvas.text(max(taken, random) + 12, y + 4, f"{factor:.1f}×", cls="tick")
    return canvas.render()


def embedding_map(found: EmbeddingMap) -> Markup:
    """Gold in the plane, a colour for each top-level category, named leaf by leaf."""
    points = [point for group in found.groups for point in group.points]
    canvas = Canvas(
        960,
        620,
        title="Map of the embedding",
        description=f"{len(points):,} gold products in two dimensions, coloured by "
        f"{len(found.groups)} top-level categories.",
    )
    x = Scale(min(p[0] for p in points), max(p[0] for p in points), 40, 920)
    y = Scale(min(p[1] for p in points), max(p[1] for p in points), 590, 30)
    for index, group in enumerate(found.groups):
        # One path of zero-length strokes with round caps: ten bytes a point.
        path = "".join(f"M{x(px):.1f} {y(py):.1f}h0" for px, py in group.points)
        canvas.mark("path", d=path, cls=f"cloud cat-{colour(index)}")
    colour_of = {group.name: colour(index) for index, group in enumerate(found.groups)}
    taken: list[tuple[float, float, float]] = []
    for label in sorted(found.labels, key=lambda label: -label.count):
        at_x, at_y, half = x(label.x), y(label.y) + 4, 3.6 * len(label.name) + 4
        at_x = min(max(at_x, half + 4), 956 - half)
        if any(abs(at_y - b) < 15 and abs(at_x - a) < half + c for a, b, c in taken):
            continue
        taken.append((at_x, at_y, half))
        style = f"place middle cat-{colour_of.get(label.group, COLOURS)}"
        canvas.text(at_x, at_y, label.name, cls=style)
    return canvas.render()


def colour(index: int) -> int:
    """Number of the category colour, from 1."""
    return min(index, COLOURS - 1) + 1


def _power(value: float) -> int:
    return len(str(int(max(value, 1)))) - 1


def _shortened(name: str, length: int = 28) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
