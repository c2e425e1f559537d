"""A small canvas for charts: SVG whose colours are the page's own, so that both themes fit.

Marks carry class names; the page's style sheet gives them colours. All text is escaped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape


class Canvas:
    """SVG marks in the order drawn, with a title and a description for those who do not see it."""

    def __init__(self, width: float, height: float, *, title: str, description: str) -> None:
        self.width, self.height = width, height
        self._title, self._description = title, description
        self._marks: list[Markup] = []

    def mark(self, tag: str, *, tip: str = "", **attributes: str | float) -> None:
        """One element, such as ``mark("circle", cx=1, cy=2, r=3, cls="dot")``.

        Args:
            tag: Name of the element.
            tip: Shown by the browser when the pointer rests on it.
            attributes: ``cls`` stands for ``class``; an underscore for a hyphen.
        """
        inside = Markup("<title>{}</title>").format(tip) if tip else Markup("")
        self._marks.append(
            Markup("<{} {}>{}</{}>").format(
                Markup(tag), _attributes(attributes), inside, Markup(tag)
            )
        )

    def text(self, x: float, y: float, content: str, **attributes: str | float) -> None:
        """One line of text; attributes as for ``mark``, anchored at its start unless told."""
        self._marks.append(
            Markup("<text {}>{}</text>").format(
                _attributes({"x": x, "y": y, **attributes}), content
            )
        )

    def line(self, points: Sequence[tuple[float, float]], **attributes: str | float) -> None:
        """A line through points."""
        path = "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        self._marks.append(Markup("<path {}/>").format(_attributes({"d": path, **attributes})))

    def render(self) -> Markup:
        """The whole ``<svg>`` element."""
        return Markup(
            '<svg class="chart" viewBox="0 0 {w} {h}" role="img" style="max-width:{w}px">'
            "<title>{title}</title><desc>{desc}</desc>{marks}</svg>"
        ).format(
            w=_number(self.width),
            h=_number(self.height),
            title=self._title,
            desc=self._description,
            marks=Markup("").join(self._marks),
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """From data values between ``low`` and ``high`` to pixels between ``start`` and ``end``."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log10(low), math.log10(high), math.log10(max(value, self.low))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """Round values to mark: powers of ten, or multiples of 1, 2, 2.5 or 5 of one."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            return [10.0**power for power in range(first, last + 1)]
        if self.high <= self.low:
            return [self.low]
        raw = (self.high - self.low) / about
        power = 10.0 ** math.floor(math.log10(raw))
        step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= raw * 0.999)
        first, last = math.ceil(self.low / step), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def axes(
    canvas: Canvas, x: Scale, y: Scale, *, x_label: str, y_label: str, percent: bool = False
) -> None:
    """Rules with values, values below, and both labels; ``percent`` is about the rules."""
    rules(canvas, x, y, label=y_label, percent=percent)
    for value in x.ticks():
        canvas.text(x(value), y.start + 18, tick(value), cls="tick middle")
    canvas.text((x.start + x.end) / 2, y.start + 38, x_label, cls="axis middle")


def rules(canvas: Canvas, x: Scale, y: Scale, *, label: str, percent: bool = False) -> None:
    """Faint horizontal rules with their values, and what they measure above them."""
    for value in y.ticks(4):
        at = y(value)
        canvas.line([(x.start, at), (x.end, at)], cls="rule")
        canvas.text(x.start - 8, at + 4, tick(value, percent=percent), cls="tick end")
    canvas.text(x.start - 8, y.end - 14, label, cls="axis")


def tick(value: float, *, percent: bool = False) -> str:
    """A value as short as it can be said."""
    if percent:
        return f"{value * 100:g}%"
    return f"{value:,.0f}" if value >= 1 or value == 0 else f"{value:.2g}"


def spread(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Positions near the wanted ones, in the same order, at least ``gap`` apart.

    Labels of line ends use it so that they do not overlap.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = [0.0] * len(wanted)
    free = low
    for index in order:
        placed[index] = max(wanted[index], free)
        free = placed[index] + gap
    ceiling = high
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return placed


def _attributes(attributes: dict[str, str | float]) -> Markup:
    return Markup(" ").join(
        Markup('{}="{}"').format(
            Markup("class" if name == "cls" else name.replace("_", "-")),
            escape(value if isinstance(value, str) else _number(value)),
        )
        for name, value in attributes.items()
    )


def _number(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")
