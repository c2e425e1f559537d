"""Recipes for what stands in a kitchen: cups and pots, pans, appliances."""

from random import Random

from productnet.catalog.store.shapes import (
    Shape,
    Tone,
    arc,
    blob,
    box,
    curve,
    ellipse,
    line,
    polygon,
    profile,
)


def mug(rng: Random) -> list[Shape]:
    """A straight or bellied cup with a handle."""
    height, top, bottom = rng.uniform(0.55, 0.85), rng.uniform(0.4, 0.65), rng.uniform(0.32, 0.6)
    belly = max(top, bottom) * rng.uniform(0.95, 1.15)
    grip = rng.uniform(0.18, 0.34)
    reach = height * rng.uniform(0.35, 0.6)
    shapes = [
        arc("shade", rng.uniform(0.09, 0.15), belly * 0.92, 0.0, grip + 0.1, reach, -100, 100),
        profile("body", (-height, top), (0.0, belly), (height, bottom)),
        *_band(rng, -height, height, (top + bottom) / 2),
        *_rim(rng, -height, top),
    ]
    if rng.random() < 0.2:
        shapes.insert(0, ellipse("tint", 0, height, belly * 1.5, 0.12))
    if rng.random() < 0.25:
        shapes += _steam(rng, -height)
    return shapes


def tumbler(rng: Random) -> list[Shape]:
    """A cup without a handle, often taller, sometimes with lid or straw."""
    height, top = rng.uniform(0.62, 0.95), rng.uniform(0.36, 0.56)
    bottom = top * rng.uniform(0.62, 0.98)
    tone: Tone = "glass" if rng.random() < 0.3 else "body"
    shapes = [
        profile(tone, (-height, top), (height, bottom), soft=False),
        *_band(rng, -height, height, (top + bottom) / 2),
    ]
    if rng.random() < 0.5:
        shapes.append(
            box("dark", -top - 0.05, -height - 0.1, top + 0.05, -height + 0.08, round=0.06)
        )
        if rng.random() < 0.5:
            shapes.append(line("accent", 0.07, (0.1, -height), (0.25, -height - 0.45)))
    else:
        shapes += _rim(rng, -height, top)
    return shapes


def teapot(rng: Random) -> list[Shape]:
    """A round pot with spout, handle and lid."""
    wide, high = rng.uniform(0.5, 0.66), rng.uniform(0.38, 0.58)
    neck = wide * rng.uniform(0.4, 0.65)
    spout_y = -high * rng.uniform(0.5, 1.0)
    over = rng.random() < 0.25
    handle = (
        arc("dark", 0.08, 0, -high * 0.6, wide * 0.8, high * 1.3, 180, 360)
        if over
        else arc("shade", 0.11, -wide, 0.0, 0.3, high * 0.75, 90, 270)
    )
    return [
        handle,
        curve("body", 0.17, (wide * 0.7, high * 0.4), (wide + 0.12, 0.0), (wide + 0.3, spout_y)),
        profile("body", (-high, neck), (-high * 0.3, wide), (high * 0.4, wide), (high, neck * 1.1)),
        *_band(rng, -high * 0.4, high * 0.6, wide * 0.9),
        profile("shade", (-high - 0.14, 0.06), (-high - 0.05, neck * 0.8), (-high + 0.06, neck)),
        ellipse("accent", 0, -high - 0.19, 0.08),
    ]


def wine_glass(rng: Random) -> list[Shape]:
    """A bowl on a stem."""
    wide, deep = rng.uniform(0.24, 0.5), rng.uniform(0.35, 0.55)
    lip = wide * rng.uniform(0.6, 0.98)
    tone: Tone = "glass" if rng.random() < 0.7 else "body"
    top, end = -0.9, -0.9 + 2 * deep
    fill = rng.uniform(0.3, 0.75)
    shapes = [
        line(tone, rng.uniform(0.05, 0.09), (0, end - 0.05), (0, 0.86)),
        ellipse(tone, 0, 0.88, wide * rng.uniform(0.8, 1.1), 0.07),
        profile(tone, (top, lip), (top + deep, wide), (end - 0.1, wide * 0.55), (end, 0.03)),
    ]
    if rng.random() < 0.6:
        level = top + 2 * deep * (1 - fill)
        shapes.append(
            profile("accent", (level, wide * 0.9), (end - 0.14, wide * 0.5), (end - 0.05, 0.03))
        )
    return [*shapes, line("light", 0.04, (-wide * 0.6, top + 0.15), (-wide * 0.7, top + deep))]


def frying_pan(rng: Random) -> list[Shape]:
    """A shallow pan with a long handle, from above or from the side."""
    if rng.random() < 0.55:
        r = rng.uniform(0.48, 0.62)
        shapes = [
            *_long_handle(rng, r - 0.38, 0.0),
            ellipse("shade", -0.35, 0, r),
            ellipse("body", -0.35, 0, r * 0.86),
        ]
        if rng.random() < 0.25:
            shapes += [
                ellipse("light", -0.4, 0.05, 0.25, 0.21),
                ellipse("accent", -0.38, 0.05, 0.1),
            ]
        return shapes
    wide, high = rng.uniform(0.55, 0.72), rng.uniform(0.12, 0.24)
    return [
        *_long_handle(rng, wide - 0.4, -high * 0.7),
        profile("body", (-high, wide), (high * 0.7, wide * 0.86), (high, wide * 0.7), x=-0.35),
        ellipse("shade", -0.35, -high, wide, rng.uniform(0.03, 0.12)),
    ]


def saucepan(rng: Random) -> list[Shape]:
    """A deep pan with a long handle."""
    wide, high = rng.uniform(0.42, 0.58), rng.uniform(0.28, 0.46)
    shapes = [
        *_long_handle(rng, wide - 0.4, -high * 0.75),
        box("body", -0.38 - wide, -high, -0.38 + wide, high, round=0.12),
        box("shade", -0.38 - wide, high * 0.6, -0.38 + wide, high, round=0.12),
    ]
    return [*shapes, *_lid(rng, -0.38, -high, wide, chance=0.5)]


def stockpot(rng: Random) -> list[Shape]:
    """A tall pot with two short handles."""
    wide, high = rng.uniform(0.55, 0.75), rng.uniform(0.35, 0.68)
    grip = -high * rng.uniform(0.3, 0.7)
    return [
        arc("dark", 0.09, -wide, grip, 0.2, 0.13, 90, 270),
        arc("dark", 0.09, wide, grip, 0.2, 0.13, -90, 90),
        box("body", -wide, -high, wide, high, round=0.14),
        box("shade", -wide, high * 0.7, wide, high, round=0.14),
        *_lid(rng, 0.0, -high, wide, chance=0.75),
    ]


def kettle(rng: Random) -> list[Shape]:
    """A tall jug or round pot on an electric base."""
    top, bottom, high = rng.uniform(0.3, 0.42), rng.uniform(0.45, 0.6), rng.uniform(0.5, 0.75)
    shapes = [
        arc("dark", rng.uniform(0.11, 0.16), -bottom * 0.85, -0.05, 0.35, high * 0.75, 95, 265),
        polygon(
            "body", (top * 0.8, -high * 0.95), (top + 0.3, -high * 0.85), (bottom, -high * 0.2)
        ),
        profile("body", (-high, top), (0.0, (top + bottom) / 2 * 1.04), (high, bottom)),
        box("dark", -bottom - 0.06, high, bottom + 0.06, high + 0.14, round=0.06),
        profile("shade", (-high - 0.1, 0.1), (-high - 0.05, top * 0.9), (-high + 0.03, top)),
        ellipse("dark", 0, -high - 0.12, 0.07, 0.05),
    ]
    if rng.random() < 0.5:
        shapes.append(box("glass", -0.09, -high * 0.4, 0.09, high * 0.6, round=0.08))
    if rng.random() < 0.5:
        shapes.append(curve("dark", 0.04, (bottom, high + 0.1), (0.8, high), (0.95, high + 0.2)))
    return shapes


def toaster(rng: Random) -> list[Shape]:
    """A box with slots, perhaps with bread in them."""
    wide, high = rng.uniform(0.62, 0.85), rng.uniform(0.36, 0.5)
    shapes: list[Shape] = []
    slices = rng.choice([0, 1, 2, 2])
    for slot in range(slices):
        x = 0.0 if slices == 1 else (slot - 0.5) * wide * 0.85
        shapes.append(box("wood", x - 0.24, -high - 0.28, x + 0.24, -high + 0.2, round=0.12))
    shapes += [
        box("body", -wide, -high, wide, high, round=rng.uniform(0.1, 0.3)),
        box("dark", -wide * 0.8, -high - 0.01, wide * 0.8, -high + 0.08, round=0.04),
        box("shade", -wide, high * 0.72, wide, high, round=0.08),
        ellipse("dark", wide * 0.72, high * 0.3, 0.1),
        line("dark", 0.06, (wide, -high * 0.4), (wide + 0.14, -high * 0.4)),
    ]
    return [*shapes, box("dark", -wide * 0.8, high, -wide * 0.6, high + 0.06), _foot(wide, high)]


def blender(rng: Random) -> list[Shape]:
    """A jug on a motor."""
    top, bottom = rng.uniform(0.34, 0.46), rng.uniform(0.22, 0.34)
    base = rng.uniform(0.36, 0.5)
    level = rng.uniform(-0.5, 0.1)
    shapes = [
        profile("glass", (-0.8, top), (0.3, bottom), soft=False),
        profile("accent", (level, top * 0.86), (0.3, bottom * 0.95), soft=False),
        box("dark", -top - 0.03, -0.92, top + 0.03, -0.78, round=0.05),
        profile("body", (0.3, base * 0.75), (0.55, base * 0.85), (0.92, base)),
        ellipse("light", 0, 0.66, 0.11),
        ellipse("dark", 0, 0.66, 0.05),
    ]
    if rng.random() < 0.65:
        shapes.insert(0, arc("shade", 0.09, top * 0.85, -0.35, 0.26, 0.34, -90, 90))
    return shapes


def _foot(wide: float, high: float) -> Shape:
    return box("dark", wide * 0.6, high, wide * 0.8, high + 0.06)


def _rim(rng: Random, y: float, half: float) -> list[Shape]:
    depth = rng.uniform(0.03, 0.15)
    inside: Tone = "dark" if rng.random() < 0.5 else "shade"
    return [ellipse("tint", 0, y, half, depth), ellipse(inside, 0, y, half * 0.88, depth * 0.78)]


def _band(rng: Random, top: float, bottom: float, half: float) -> list[Shape]:
    """A decoration on a body, or none."""
    kind = rng.random()
    middle = (top + bottom) / 2
    if kind < 0.2:
        return [box("accent", -half * 0.97, middle - 0.1, half * 0.97, middle + 0.1)]
    if kind < 0.35:
        return [
            ellipse("accent", (step - 1) * half * 0.55, middle, half * 0.17) for step in range(3)
        ]
    if kind < 0.5:
        size = half * 0.4
        return [
            blob(
                "accent",
                (0, middle + size),
                (-size, middle - size * 0.2),
                (-size * 0.5, middle - size),
                (0, middle - size * 0.5),
                (size * 0.5, middle - size),
                (size, middle - size * 0.2),
            )
        ]
    if kind < 0.6:
        return [
            line("accent", 0.05, (-half * 0.9, y), (half * 0.9, y))
            for y in (middle - 0.1, middle + 0.1)
        ]
    return []


def _steam(rng: Random, y: float) -> list[Shape]:
    sway = rng.uniform(0.06, 0.12)
    return [
        curve(
            "light", 0.05, (x, y - 0.12), (x + sway, y - 0.22), (x - sway, y - 0.34), (x, y - 0.44)
        )
        for x in (-0.18, 0.12)
    ]


def _long_handle(rng: Random, x: float, y: float) -> list[Shape]:
    tone: Tone = rng.choice(["dark", "wood", "metal"])
    rise, thick = rng.uniform(-0.12, 0.04), rng.uniform(0.08, 0.14)
    return [
        line(tone, thick, (x - 0.1, y), (0.95, y + rise)),
        ellipse("light", 0.9, y + rise, thick * 0.25),
    ]


def _lid(rng: Random, x: float, y: float, wide: float, *, chance: float) -> list[Shape]:
    if rng.random() > chance:
        return [ellipse("dark", x, y, wide * 0.97, rng.uniform(0.03, 0.1))]
    tone: Tone = rng.choice(["glass", "tint"])
    return [
        profile(tone, (y - 0.16, 0.1), (y - 0.1, wide * 0.6), (y + 0.02, wide * 1.02), x=x),
        ellipse("dark", x, y - 0.2, 0.09, 0.06),
    ]
