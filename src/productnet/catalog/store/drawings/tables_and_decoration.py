"""Recipes for tables and what stands or hangs around them."""

import math
from random import Random

from productnet.catalog.store.shapes import (
    Shape,
    Tone,
    blob,
    box,
    curve,
    ellipse,
    line,
    moved,
    polygon,
    profile,
    turned,
)


def coffee_table(rng: Random) -> list[Shape]:
    """A low table."""
    wide, top, height = rng.uniform(0.7, 0.95), rng.uniform(0.0, 0.2), rng.uniform(0.35, 0.6)
    tone: Tone = rng.choice(["wood", "glass", "body"])
    leg: Tone = rng.choice(["wood", "dark", "metal"])
    splay = rng.uniform(-0.12, 0.15)
    feet = [
        line(leg, 0.07, (x * 0.78, top), (x * (0.78 + splay), top + height)) for x in (-wide, wide)
    ]
    back = [
        line(leg, 0.05, (x * 0.5, top), (x * (0.5 + splay), top + height * 0.82))
        for x in (-wide, wide)
    ]
    if rng.random() < 0.4:
        plate = ellipse(tone, 0, top, wide, rng.uniform(0.1, 0.22))
    else:
        plate = polygon(
            tone,
            (-wide * 0.8, top - 0.16),
            (wide * 0.8, top - 0.16),
            (wide, top + 0.05),
            (-wide, top + 0.05),
        )
    shelf = [line(leg, 0.05, (-wide * 0.75, top + height * 0.6), (wide * 0.75, top + height * 0.6))]
    things = [
        box("accent", -0.3, top - 0.2, 0.1, top - 0.08),
        box("body", -0.25, top - 0.28, 0.1, top - 0.2),
    ]
    return [
        *back,
        *(shelf if rng.random() < 0.4 else []),
        *feet,
        plate,
        *(things if rng.random() < 0.35 else []),
    ]


def desk(rng: Random) -> list[Shape]:
    """A table to work at, often with drawers."""
    wide, top, height = rng.uniform(0.7, 0.92), rng.uniform(-0.35, -0.1), rng.uniform(0.75, 1.0)
    tone: Tone = rng.choice(["wood", "body"])
    leg: Tone = rng.choice(["wood", "dark", "metal"])
    shapes = [line(leg, 0.07, (x * 0.92, top), (x * 0.92, top + height)) for x in (-wide, wide)]
    for side in rng.choice([(), (1,), (1,), (-1,), (1, -1)]):
        left, right = sorted((side * wide * 0.92, side * wide * 0.4))
        low = top + height * rng.choice([0.35, 0.95])
        shapes.append(box("shade" if tone == "body" else tone, left, top, right, low))
        middle, step = (left + right) / 2, (low - top) / 3
        for drawer in range(3):
            y = top + step * (drawer + 0.6)
            shapes += [line("dark", 0.02, (left, y + step * 0.4), (right, y + step * 0.4))]
            shapes.append(line("metal", 0.04, (middle - 0.06, y), (middle + 0.06, y)))
    shapes.append(box(tone, -wide, top - 0.06, wide, top + 0.06, round=0.02))
    if rng.random() < 0.35:
        shapes += [
            box("screen", -0.3, top - 0.5, 0.25, top - 0.15),
            line("dark", 0.06, (0, top - 0.15), (0, top - 0.04)),
        ]
    return shapes


def vase(rng: Random) -> list[Shape]:
    """A vessel with a neck, with or without flowers."""
    belly, neck, foot = rng.uniform(0.3, 0.52), rng.uniform(0.1, 0.26), rng.uniform(0.16, 0.34)
    lip, shoulder = neck * rng.uniform(1.0, 1.7), rng.uniform(-0.15, 0.45)
    shapes: list[Shape] = []
    for stem in range(rng.choice([0, 0, 1, 3, 5])):
        x = (stem - 1.5) * 0.2 + rng.uniform(-0.08, 0.08)
        y = rng.uniform(-1.0, -0.75)
        shapes += [curve("green", 0.03, (0, -0.3), (x * 0.4, -0.6), (x, y)), *_flower(rng, x, y)]
    shapes.append(
        profile("body", (-0.45, lip), (-0.3, neck), (shoulder, belly), (0.75, foot), (0.85, foot))
    )
    if rng.random() < 0.4:
        shapes += [
            line("accent", 0.05, (-belly * 0.85, shoulder + k), (belly * 0.85, shoulder + k))
            for k in (-0.05, 0.1)
        ]
    return [*shapes, ellipse("dark", 0, -0.45, lip * 0.9, 0.03)]


def plant_pot(rng: Random) -> list[Shape]:
    """A pot with a plant in it, or without."""
    top, bottom, high = rng.uniform(0.38, 0.58), rng.uniform(0.26, 0.46), rng.uniform(0.5, 0.75)
    start = 0.9 - high
    shapes: list[Shape] = []
    if rng.random() < 0.65:
        for leaf in range(rng.randint(4, 8)):
            angle = -150 + leaf * 20 + rng.uniform(-8, 8)
            size = rng.uniform(0.5, 0.85)
            blade = blob("green", (0, 0), (size * 0.5, -0.09), (size, 0), (size * 0.5, 0.09))
            shapes += moved(turned([blade], angle), 0, start)
    shapes += [
        profile("body", (start, top), (0.9, bottom), soft=rng.random() < 0.4),
        box("shade", -top - 0.05, start - 0.05, top + 0.05, start + 0.12, round=0.03),
    ]
    if rng.random() < 0.4:
        shapes.append(profile("shade", (0.84, bottom + 0.14), (0.93, bottom + 0.1)))
    return shapes


def wall_clock(rng: Random) -> list[Shape]:
    """A dial with hands in a frame."""
    r = rng.uniform(0.65, 0.88)
    square = rng.random() < 0.2
    frame = box("body", -r, -r, r, r, round=0.12) if square else ellipse("body", 0, 0, r)
    face: Tone = rng.choice(["light", "light", "tint", "dark"])
    ink: Tone = "light" if face == "dark" else "dark"
    return [frame, *dial(rng, r * rng.uniform(0.78, 0.9), face, ink)]


def picture_frame(rng: Random) -> list[Shape]:
    """A frame around a small landscape, portrait or abstract picture."""
    wide, high = rng.choice([(0.6, 0.8), (0.8, 0.6), (0.7, 0.7), (0.5, 0.85)])
    edge = rng.uniform(0.07, 0.16)
    tone: Tone = rng.choice(["wood", "body", "dark", "metal"])
    w, h = wide - edge, high - edge
    shapes = [box(tone, -wide, -high, wide, high), box("light", -w, -h, w, h)]
    w, h = w * 0.72, h * 0.72
    shapes.append(box("tint", -w, -h, w, h))
    kind = rng.random()
    if kind < 0.4:
        hill = polygon(
            "green", (-w, h), (-w * 0.3, -h * 0.2), (w * 0.2, h * 0.4), (w * 0.6, 0), (w, h)
        )
        return [*shapes, ellipse("accent", w * 0.5, -h * 0.5, 0.1), hill]
    if kind < 0.7:
        return [
            *shapes,
            ellipse("accent", 0, -h * 0.2, w * 0.4),
            profile("body", (h * 0.3, w * 0.3), (h, w * 0.8)),
        ]
    return [
        *shapes,
        box("accent", -w * 0.7, -h * 0.7, w * 0.1, h * 0.3),
        ellipse("body", w * 0.3, h * 0.4, w * 0.4),
    ]


def dial(rng: Random, r: float, face: Tone, ink: Tone) -> list[Shape]:
    """The face of a clock or watch, with marks and two hands."""
    shapes = [ellipse(face, 0, 0, r)]
    every = rng.choice([1, 1, 3])
    for hour in range(0, 12, every):
        cos, sin = math.cos(hour * math.pi / 6), math.sin(hour * math.pi / 6)
        shapes.append(
            line(ink, r * 0.06, (cos * r * 0.78, sin * r * 0.78), (cos * r * 0.92, sin * r * 0.92))
        )
    for length, width in ((0.48, 0.09), (0.72, 0.06)):
        angle = rng.uniform(0, 2 * math.pi)
        shapes.append(
            line(
                ink, r * width, (0, 0), (math.cos(angle) * r * length, math.sin(angle) * r * length)
            )
        )
    return [*shapes, ellipse("accent", 0, 0, r * 0.07)]


def _flower(rng: Random, x: float, y: float) -> list[Shape]:
    r = rng.uniform(0.07, 0.13)
    petals = [
        ellipse("accent", x + r * math.cos(k * 1.256), y + r * math.sin(k * 1.256), r * 0.75)
        for k in range(5)
    ]
    return [*petals, ellipse("light", x, y, r * 0.5)]
