"""Recipes for balls and rackets."""

import math
from random import Random

from productnet.catalog.store.shapes import (
    Shape,
    Tone,
    arc,
    blob,
    curve,
    ellipse,
    line,
    profile,
    turned,
)


def football(rng: Random) -> list[Shape]:
    """A ball with a pentagon and seams."""
    r = 0.85
    ball: Tone = rng.choice(["light", "light", "tint", "body"])
    patch: Tone = "dark" if ball != "body" and rng.random() < 0.6 else "accent"
    size = rng.uniform(0.24, 0.32)
    pentagon = [(size * math.sin(k * 1.2566), -size * math.cos(k * 1.2566)) for k in range(5)]
    shapes = [Shape(list(pentagon), patch)]
    for px, py in pentagon:
        shapes.append(line("dark", 0.03, (px, py), (px * 2.1, py * 2.1)))
        cos, sin = px / size, py / size
        outer = [(0.72, -0.22), (0.82, 0.0), (0.72, 0.22), (0.58, 0.13), (0.58, -0.13)]
        shapes.append(Shape([(cos * x - sin * y, sin * x + cos * y) for x, y in outer], patch))
    return [ellipse(ball, 0, 0, r), *turned(shapes, rng.uniform(0, 72))]


def basketball(rng: Random) -> list[Shape]:
    """A ball with four channels."""
    r = 0.85
    ball: Tone = rng.choice(["wood", "wood", "body", "accent"])
    bow, ink = rng.uniform(0.3, 0.5), rng.uniform(0.035, 0.06)
    lines = [
        line("dark", ink, (0, -r), (0, r)),
        curve("dark", ink, (-r, 0), (0, rng.uniform(-0.12, 0.12)), (r, 0)),
        curve("dark", ink, (-0.6, -0.6), (-bow + 0.1, 0), (-0.6, 0.6)),
        curve("dark", ink, (0.6, -0.6), (bow - 0.1, 0), (0.6, 0.6)),
    ]
    return [ellipse(ball, 0, 0, r), *turned(lines, rng.uniform(0, 180))]


def tennis_racket(rng: Random) -> list[Shape]:
    """A wide strung head on a short throat and a thick grip."""
    wide, high = rng.uniform(0.38, 0.48), rng.uniform(0.46, 0.54)
    y = -0.42
    throat = [line("body", 0.07, (x, y + high * 0.9), (0, 0.35)) for x in (-wide * 0.5, wide * 0.5)]
    shapes = [
        *_strings(rng, wide, high, y, thick=0.02),
        *throat,
        arc("body", rng.uniform(0.07, 0.11), 0, y, wide, high, 0, 360),
        line("dark", rng.uniform(0.12, 0.16), (0, 0.35), (0, 0.95)),
    ]
    if rng.random() < 0.3:
        shapes.append(ellipse("accent", 0.55, 0.6, 0.14))
    return turned(shapes, rng.uniform(-50, 50))


def badminton_racket(rng: Random) -> list[Shape]:
    """A small head on a long thin shaft."""
    wide, high = rng.uniform(0.28, 0.36), rng.uniform(0.34, 0.42)
    y = -0.58
    shapes = [
        *_strings(rng, wide, high, y, thick=0.015),
        arc("body", rng.uniform(0.045, 0.07), 0, y, wide, high, 0, 360),
        line("metal", rng.uniform(0.04, 0.06), (0, y + high), (0, 0.5)),
        line("accent", rng.uniform(0.08, 0.12), (0, 0.45), (0, 0.97)),
    ]
    if rng.random() < 0.35:
        shapes += _shuttlecock(0.5, 0.5)
    return turned(shapes, rng.uniform(-50, 50))


def _strings(rng: Random, wide: float, high: float, y: float, *, thick: float) -> list[Shape]:
    shapes: list[Shape] = []
    tone: Tone = rng.choice(["light", "metal", "dark"])
    count = rng.choice([5, 6, 7])
    for step in range(1, count):
        k = step / count * 2 - 1
        half = math.sqrt(1 - k * k)
        shapes.append(line(tone, thick, (k * wide, y - half * high), (k * wide, y + half * high)))
        shapes.append(line(tone, thick, (-half * wide, y + k * high), (half * wide, y + k * high)))
    return shapes


def _shuttlecock(x: float, y: float) -> list[Shape]:
    return [
        profile("light", (y - 0.3, 0.18), (y, 0.06), soft=False, x=x),
        ellipse("accent", x, y + 0.03, 0.08),
        blob("light", (x - 0.18, y - 0.3), (x, y - 0.36), (x + 0.18, y - 0.3), (x, y - 0.24)),
    ]
