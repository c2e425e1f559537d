"""Recipes for screens, headphones and speakers."""

from random import Random

from productnet.catalog.store.shapes import (
    Shape,
    Tone,
    arc,
    box,
    curve,
    ellipse,
    line,
    mirrored,
    polygon,
    profile,
)


def laptop(rng: Random) -> list[Shape]:
    """A screen hinged to a keyboard."""
    wide, high = rng.uniform(0.6, 0.75), rng.uniform(0.7, 0.9)
    spread, deep = rng.uniform(0.05, 0.22), rng.uniform(0.18, 0.38)
    top = 0.3 - high
    keyboard = polygon(
        "metal",
        (-wide, 0.3),
        (wide, 0.3),
        (wide + spread, 0.3 + deep),
        (-wide - spread, 0.3 + deep),
    )
    keys = [
        line("dark", 0.04, (-wide * 0.85, y), (wide * 0.85, y))
        for y in (0.3 + deep * k for k in (0.2, 0.4, 0.6))
    ]
    return [
        box(rng.choice(["dark", "metal", "body"]), -wide, top, wide, 0.3, round=0.05),
        *_picture(rng, -wide + 0.06, top + 0.06, wide - 0.06, 0.24),
        keyboard,
        *keys,
        polygon(
            "shade",
            (-0.16, 0.3 + deep * 0.75),
            (0.16, 0.3 + deep * 0.75),
            (0.18, 0.3 + deep * 0.95),
            (-0.18, 0.3 + deep * 0.95),
        ),
    ]


def tablet(rng: Random) -> list[Shape]:
    """A flat screen in a thin frame, perhaps with a pen or on a stand."""
    wide, high = rng.choice([(0.5, 0.72), (0.6, 0.8), (0.8, 0.56), (0.85, 0.6)])
    edge = rng.uniform(0.05, 0.12)
    frame: Tone = rng.choice(["dark", "dark", "body", "light"])
    shapes = [
        box(frame, -wide, -high, wide, high, round=rng.uniform(0.06, 0.14)),
        *_picture(rng, -wide + edge, -high + edge, wide - edge, high - edge),
    ]
    if rng.random() < 0.3:
        shapes.append(line("light", 0.06, (wide * 0.3, high * 1.05), (wide + 0.12, -high * 0.3)))
    if rng.random() < 0.25:
        shapes.insert(
            0,
            polygon(
                "shade",
                (-wide * 0.5, high),
                (wide * 0.5, high),
                (wide * 0.7, high + 0.16),
                (-wide * 0.7, high + 0.16),
            ),
        )
    return shapes


def monitor(rng: Random) -> list[Shape]:
    """A wide screen on a stand."""
    wide, high = rng.uniform(0.75, 0.95), rng.uniform(0.42, 0.55)
    frame: Tone = rng.choice(["dark", "dark", "metal", "light"])
    y = -0.25
    stand = rng.uniform(0.25, 0.4)
    foot = profile("dark", (0.75, stand * 0.6), (0.82, stand))
    legs = [line("metal", 0.07, (0, 0.6), (x, 0.82)) for x in (-stand, stand)]
    return [
        line("metal", rng.uniform(0.09, 0.2), (0, y + high), (0, 0.76)),
        *([foot] if rng.random() < 0.6 else legs),
        box(frame, -wide, y - high, wide, y + high, round=0.04),
        *_picture(rng, -wide + 0.05, y - high + 0.05, wide - 0.05, y + high - 0.1),
    ]


def headphones(rng: Random) -> list[Shape]:
    """Two ear cups on a band."""
    wide, high = rng.uniform(0.55, 0.68), rng.uniform(0.75, 0.95)
    cup, tall = rng.uniform(0.16, 0.26), rng.uniform(0.28, 0.4)
    ear = ellipse("body", wide, 0.35, cup, tall)
    pad = ellipse("dark", wide - cup * 0.55, 0.35, cup * 0.6, tall * 0.9)
    shapes = [
        arc("shade", rng.uniform(0.08, 0.16), 0, 0.2, wide, high, 180, 360),
        pad,
        mirrored(pad),
        ear,
        mirrored(ear),
    ]
    if rng.random() < 0.5:
        dot = ellipse("accent", wide + cup * 0.2, 0.35, cup * 0.5, tall * 0.5)
        shapes += [dot, mirrored(dot)]
    if rng.random() < 0.25:
        shapes.append(curve("dark", 0.04, (-wide, 0.6), (-0.4, 0.85), (-0.1, 0.75)))
    return shapes


def speaker(rng: Random) -> list[Shape]:
    """A box, a can or a tower with round membranes."""
    kind = rng.random()
    if kind < 0.4:
        wide, high = rng.uniform(0.75, 0.9), rng.uniform(0.32, 0.45)
        cones = [(-wide * 0.52, 0.0), (wide * 0.52, 0.0)]
    elif kind < 0.75:
        wide, high = rng.uniform(0.4, 0.55), rng.uniform(0.65, 0.85)
        cones = [(0.0, high * 0.4), (0.0, -high * 0.45)]
    else:
        wide = high = rng.uniform(0.55, 0.7)
        cones = [(0.0, 0.0)]
    r = min(wide, high) * rng.uniform(0.55, 0.78)
    shapes: list[Shape] = [box("body", -wide, -high, wide, high, round=rng.uniform(0.06, 0.35))]
    for size, (x, y) in zip((r, r * rng.uniform(0.5, 1.0)), cones, strict=False):
        shapes += [
            ellipse("dark", x, y, size),
            ellipse("shade", x, y, size * 0.72),
            ellipse("dark", x, y, size * 0.3),
        ]
    if rng.random() < 0.4:
        shapes.insert(0, arc("accent", 0.08, wide * 0.5, -high, 0.25, 0.2, 180, 360))
    return shapes


def _picture(rng: Random, left: float, top: float, right: float, bottom: float) -> list[Shape]:
    """What a screen shows: nothing, hills, windows or a chart."""
    wide, high = right - left, bottom - top
    shapes = [box("screen", left, top, right, bottom)]
    kind = rng.random()
    if kind < 0.3:
        hill = polygon(
            "green",
            (left, bottom),
            (left + wide * 0.3, top + high * 0.4),
            (left + wide * 0.55, bottom - high * 0.2),
            (left + wide * 0.75, top + high * 0.55),
            (right, bottom),
        )
        shapes += [ellipse("accent", right - wide * 0.25, top + high * 0.28, high * 0.12), hill]
    elif kind < 0.55:
        shapes.append(
            box(
                "light",
                left + wide * 0.12,
                top + high * 0.15,
                right - wide * 0.35,
                bottom - high * 0.2,
            )
        )
        shapes.append(
            box(
                "accent",
                left + wide * 0.5,
                top + high * 0.4,
                right - wide * 0.08,
                bottom - high * 0.1,
            )
        )
    elif kind < 0.75:
        for bar in range(5):
            x = left + wide * (0.14 + bar * 0.16)
            shapes.append(
                box(
                    "accent",
                    x,
                    bottom - high * rng.uniform(0.2, 0.8),
                    x + wide * 0.1,
                    bottom - high * 0.1,
                )
            )
    return shapes
