"""Drawing primitives: shapes in a square from (-1, -1) to (1, 1), y pointing down.

A shape knows where it is and which tone of the palette fills it; how it looks in the end (flat,
outlined, like a photo) is left to ``rendering``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Point = tuple[float, float]
Tone = Literal[
    "body", "shade", "tint", "accent", "dark", "light", "metal", "wood", "glass", "screen", "green"
]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled area, or a line when it has a width.

    Attributes:
        points: Corners in order.
        tone: What of the palette fills it.
        width: Width of the line, in units of the square; 0 for a filled area.
    """

    points: list[Point]
    tone: Tone
    width: float = 0.0


def polygon(tone: Tone, *points: Point) -> Shape:
    """An area with straight edges."""
    return Shape(list(points), tone)


def line(tone: Tone, width: float, *points: Point) -> Shape:
    """A line with straight parts."""
    return Shape(list(points), tone, width)


def box(
    tone: Tone, left: float, top: float, right: float, bottom: float, *, round: float = 0.0
) -> Shape:
    """A rectangle, its corners rounded by a radius."""
    if not round:
        return polygon(tone, (left, top), (right, top), (right, bottom), (left, bottom))
    r = min(round, (right - left) / 2, (bottom - top) / 2)
    centres = [(right - r, bottom - r), (left + r, bottom - r), (left + r, top + r)]
    points: list[Point] = []
    for quarter, (x, y) in enumerate([*centres, (right - r, top + r)]):
        for step in range(5):
            angle = (quarter + step / 4) * math.pi / 2
            points.append((x + r * math.cos(angle), y + r * math.sin(angle)))
    return Shape(points, tone)


def ellipse(tone: Tone, x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """An ellipse about a centre; a circle when one radius is given."""
    return Shape(_arc_points(x, y, rx, rx if ry is None else ry, 0, 360), tone)


def arc(
    tone: Tone, width: float, x: float, y: float, rx: float, ry: float, start: float, end: float
) -> Shape:
    """Part of an ellipse's outline, in degrees clockwise from the right."""
    return Shape(_arc_points(x, y, rx, ry, start, end), tone, width)


def profile(tone: Tone, *stations: tuple[float, float], soft: bool = True, x: float = 0.0) -> Shape:
    """A turned body, symmetric about a vertical axis, from (y, half width) top to bottom."""
    right = [(x + half, y) for y, half in stations]
    if soft and len(right) > 2:
        right = _spline(right, closed=False)
    return Shape([*right, *((2 * x - px, py) for px, py in reversed(right))], tone)


def blob(tone: Tone, *points: Point) -> Shape:
    """An area with a smooth edge through the points."""
    return Shape(_spline(points, closed=True), tone)


def curve(tone: Tone, width: float, *points: Point) -> Shape:
    """A smooth line through the points."""
    return Shape(_spline(points, closed=False), tone, width)


def mirrored(shape: Shape, x: float = 0.0) -> Shape:
    """The shape on the other side of a vertical axis."""
    return Shape([(2 * x - px, py) for px, py in shape.points], shape.tone, shape.width)


def turned(shapes: Sequence[Shape], degrees: float, *, about: Point = (0.0, 0.0)) -> list[Shape]:
    """The shapes turned clockwise about a point."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    ax, ay = about

    def turn(point: Point) -> Point:
        x, y = point[0] - ax, point[1] - ay
        return (ax + cos * x - sin * y, ay + sin * x + cos * y)

    return [Shape([turn(each) for each in s.points], s.tone, s.width) for s in shapes]


def moved(
    shapes: Sequence[Shape], x: float = 0.0, y: float = 0.0, *, scale: float = 1.0
) -> list[Shape]:
    """The shapes scaled about the origin and then shifted."""
    return [
        Shape([(px * scale + x, py * scale + y) for px, py in s.points], s.tone, s.width * scale)
        for s in shapes
    ]


def _arc_points(x: float, y: float, rx: float, ry: float, start: float, end: float) -> list[Point]:
    steps = max(4, int(abs(end - start) / 12))
    angles = (math.radians(start + (end - start) * step / steps) for step in range(steps + 1))
    return [(x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in angles]


# Catmull-Rom weights of four neighbouring points, at five positions between the inner two.
_WEIGHTS = [
    (
        0.5 * (-t + 2 * t**2 - t**3),
        0.5 * (2 - 5 * t**2 + 3 * t**3),
        0.5 * (t + 4 * t**2 - 3 * t**3),
        0.5 * (-(t**2) + t**3),
    )
    for t in (0.0, 0.2, 0.4, 0.6, 0.8)
]


def _spline(points: Sequence[Point], *, closed: bool) -> list[Point]:
    """A Catmull-Rom curve through the points."""
    if closed:
        ring = [points[-1], *points, points[0], points[1]]
    else:
        ring = [points[0], *points, points[-1]]
    smooth: list[Point] = []
    for (x0, y0), (x1, y1), (x2, y2), (x3, y3) in zip(
        ring, ring[1:], ring[2:], ring[3:], strict=False
    ):
        for a, b, c, d in _WEIGHTS:
            smooth.append((a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3))
    return smooth if closed else [*smooth, points[-1]]
