"""The charts of certainty: precision by coverage, doubts about unknown products, kinship."""

from collections.abc import Sequence

from markupsafe import Markup

from productnet.evaluation.certainty import CertaintyMetrics, Doubt, Promise
from productnet.evaluation.hierarchy import Kinship
from productnet.evaluation.report.svg import Canvas, Scale, axes

_ROW, _TOP = 34, 26


def precision_by_coverage(found: CertaintyMetrics) -> Markup:
    """What is right of the surest predictions, and where wanted precisions cut."""
    curve, cuts = found.selective, [one for one in found.promises if one.reached is not None]
    canvas = Canvas(
        460,
        300,
        title="Precision by coverage on the test side",
        description="; ".join(
            f"wanted {one.wanted:.0%}: {one.reached:.1%} right of {one.coverage:.0%} decided"
            for one in cuts
        )
        or "No wanted precision lets anything be decided.",
    )
    lowest = min([*curve.precision, *(one.reached or 0.0 for one in cuts)])
    x, y = Scale(0, 1, 62, 440), Scale(min(0.9, int(lowest * 20) / 20), 1, 246, 36)
    axes(canvas, x, y, x_label="test products decided", y_label="of them right", percent=True)
    points = list(zip(curve.coverage, curve.precision, strict=True))
    canvas.line([(x(a), y(b)) for a, b in points], cls="line accent")
    for one in cuts:
        reached = one.reached or 0.0
        canvas.line([(x(0), y(one.wanted)), (x(one.coverage), y(one.wanted))], cls="ideal")
        bound = max(one.at_least, y.low)
        tip = f"wanted {one.wanted:.0%}, reached {reached:.1%} of {one.decided:,}"
        canvas.line([(x(one.coverage), y(bound)), (x(one.coverage), y(reached))], cls="stem")
        style = "dot gold" if one.certified else "ring"
        canvas.mark("circle", cx=x(one.coverage), cy=y(reached), r=5, cls=style, tip=tip)
    # Text last, so that no line crosses it.
    for one, at in zip(cuts, _label_places(cuts, y), strict=True):
        canvas.text(x(0) + 4, at, f"wanted {one.wanted:.0%}", cls="tick")
    return canvas.render()


def doubts(found: Doubt) -> Markup:
    """How known the products of known leaves look, above, and of hidden ones, below."""
    apart = found.separation
    canvas = Canvas(
        460,
        300,
        title="How known products look",
        description=f"A product of a known leaf looks more known than one of a hidden leaf in "
        f"{apart.auroc:.1%} of pairs. Where 95% of the known are taken, "
        f"{apart.accepted_at_95:.0%} of the unknown are.",
    )
    x = Scale(found.edges[0], found.edges[-1], 30, 440)
    most = max([*found.known, *found.unknown])
    up, down = Scale(0, most, 140, 30), Scale(0, most, 144, 254)
    for number, (known, unknown) in enumerate(zip(found.known, found.unknown, strict=True)):
        left, right = x(found.edges[number]) + 0.8, x(found.edges[number + 1]) - 0.8
        for share, scale, style in ((known, up, "accent"), (unknown, down, "over")):
            top, bottom = sorted((scale(0), scale(share)))
            canvas.mark(
                "rect",
                x=left,
                y=top,
                width=right - left,
                height=bottom - top,
                cls=f"bar {style}" if style == "accent" else f"gap {style}",
                tip=f"{share:.1%}",
            )
    canvas.line([(x.start, 142), (x.end, 142)], cls="rule")
    canvas.text(x.start, 24, f"known leaves, {apart.known:,} products", cls="label accent")
    canvas.text(x.start, 272, f"hidden leaves, {apart.unknown:,} products", cls="label")
    canvas.text(x.end, 290, "more familiar →", cls="axis end")
    return canvas.render()


def kinship_bars(found: Kinship) -> Markup:
    """Mean cosine of two test products by how their leaves are related."""
    named = (
        ("same leaf", found.same_leaf),
        ("sibling leaves", found.siblings),
        ("cousins", found.cousins),
        ("strangers", found.strangers),
    )
    rows = [(name, value) for name, value in named if value is not None]
    canvas = Canvas(
        520,
        _TOP + _ROW * len(rows) + 48,
        title="Nearness by kinship",
        description="; ".join(f"{name} {value:.2f}" for name, value in rows),
    )
    values = [value for _, value in rows]
    x = Scale(min(0.0, *values), max(0.0, *values) or 1.0, 130, 450)
    bottom = _TOP + _ROW * len(rows)
    for value in x.ticks():
        canvas.line([(x(value), _TOP - 10), (x(value), bottom)], cls="rule")
        canvas.text(x(value), bottom + 16, f"{value:g}", cls="tick middle")
    for number, (name, value) in enumerate(rows):
        top = _TOP + _ROW * number
        left, right = sorted((x(0), x(value)))
        canvas.text(118, top + 15, name, cls="name end")
        canvas.mark("rect", x=left, y=top, width=right - left, height=20, cls="bar accent")
        canvas.text(x(max(value, 0)) + 8, top + 15, f"{value:.2f}", cls="tick")
    canvas.text((x.start + x.end) / 2, bottom + 36, "mean cosine", cls="axis middle")
    return canvas.render()


def _label_places(cuts: Sequence[Promise], y: Scale) -> list[float]:
    return [y(one.wanted) - 4 for one in cuts]
