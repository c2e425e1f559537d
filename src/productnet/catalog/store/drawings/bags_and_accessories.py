"""Recipes for bags, headwear and watches."""

from random import Random

from productnet.catalog.store.drawings.tables_and_decoration import dial
from productnet.catalog.store.shapes import (
    Shape,
    Tone,
    arc,
    blob,
    box,
    curve,
    ellipse,
    line,
    mirrored,
    profile,
)


def backpack(rng: Random) -> list[Shape]:
    """A tall bag with a front pocket and straps."""
    wide, high = rng.uniform(0.46, 0.62), rng.uniform(0.68, 0.82)
    r = rng.uniform(0.15, 0.4)
    pocket = rng.uniform(0.05, 0.3)
    strap = curve(
        "dark", 0.11, (wide * 0.6, -high * 0.7), (wide + 0.2, 0.0), (wide * 0.8, high * 0.8)
    )
    shapes = [
        arc("dark", 0.07, 0, -high, 0.16, 0.16, 180, 360),
        *([strap, mirrored(strap)] if rng.random() < 0.6 else []),
        box("body", -wide, -high, wide, high, round=r),
        box("shade", -wide * 0.75, pocket, wide * 0.75, high * 0.88, round=0.12),
        line("metal", 0.03, (-wide * 0.6, pocket + 0.12), (wide * 0.6, pocket + 0.12)),
    ]
    if rng.random() < 0.5:
        shapes.append(arc("dark", 0.035, 0, -high * 0.25, wide * 0.8, high * 0.5, 190, 350))
    if rng.random() < 0.4:
        shapes.append(box("accent", -0.14, -high * 0.3, 0.14, -high * 0.05, round=0.03))
    return shapes


def handbag(rng: Random) -> list[Shape]:
    """A bag with a handle or two."""
    top, bottom, high = rng.uniform(0.45, 0.75), rng.uniform(0.6, 0.8), rng.uniform(0.35, 0.55)
    handle = rng.uniform(0.3, 0.7)
    y = 0.75 - 2 * high
    shapes = [
        arc(
            "shade",
            rng.uniform(0.05, 0.1),
            0,
            y + 0.04,
            top * rng.uniform(0.45, 0.85),
            handle,
            180,
            360,
        ),
        profile("body", (y, top), (0.6, bottom), (0.75, bottom * 0.92), soft=rng.random() < 0.5),
    ]
    kind = rng.random()
    if kind < 0.4:
        flap = profile("shade", (y, top), (y + high * 0.8, top * 0.98), (y + high, top * 0.5))
        shapes += [flap, ellipse("metal", 0, y + high * 0.85, 0.07)]
    elif kind < 0.7:
        shapes.append(box("metal", -0.1, y + 0.05, 0.1, y + 0.17, round=0.03))
    if rng.random() < 0.3:
        shapes.append(
            curve("accent", 0.05, (top * 0.6, y), (top * 0.7, y + 0.3), (top * 0.5, y + 0.4))
        )
    return shapes


def suitcase(rng: Random) -> list[Shape]:
    """A case with a pull handle, ribs and wheels."""
    wide, high = rng.uniform(0.42, 0.6), rng.uniform(0.55, 0.7)
    pull = rng.uniform(0.05, 0.4)
    shapes: list[Shape] = [
        line("metal", 0.04, (-wide * 0.35, -high), (-wide * 0.35, -high - pull)),
        line("metal", 0.04, (wide * 0.35, -high), (wide * 0.35, -high - pull)),
        line("dark", 0.08, (-wide * 0.38, -high - pull), (wide * 0.38, -high - pull)),
        *(ellipse("dark", x, high + 0.07, 0.09) for x in (-wide * 0.8, wide * 0.8)),
        box("body", -wide, -high, wide, high, round=rng.uniform(0.08, 0.2)),
    ]
    if rng.random() < 0.65:
        ribs = rng.choice([3, 4, 5])
        for rib in range(ribs):
            x = (rib + 0.5) / ribs * 2 * wide * 0.9 - wide * 0.9
            shapes.append(line("shade", 0.045, (x, -high * 0.85), (x, high * 0.85)))
    else:
        shapes += [line("wood", 0.1, (x, -high), (x, high)) for x in (-wide * 0.55, wide * 0.55)]
    if rng.random() < 0.4:
        shapes.append(ellipse("accent", wide * 0.3, -high * 0.2, 0.13))
    return shapes


def cap(rng: Random) -> list[Shape]:
    """A dome with a brim to one side."""
    high, brim = rng.uniform(0.5, 0.7), rng.uniform(0.3, 0.55)
    dome = blob(
        "body",
        (-0.65, 0.3),
        (-0.6, -high * 0.5),
        (-0.1, -high),
        (0.4, -high * 0.5),
        (0.5, 0.28),
        (0, 0.33),
    )
    shapes = [
        blob("shade", (0.2, 0.2), (0.5 + brim * 0.6, 0.22), (0.5 + brim, 0.45), (0.35, 0.36)),
        dome,
        ellipse("accent", -0.1, -high, 0.06, 0.04),
        curve("shade", 0.03, (-0.1, -high), (0.15, -high * 0.4), (0.2, 0.3)),
        curve("shade", 0.03, (-0.1, -high), (-0.3, -high * 0.4), (-0.32, 0.3)),
    ]
    if rng.random() < 0.5:
        shapes.append(ellipse("accent", 0.2, -high * 0.1, 0.15))
    return shapes


def beanie(rng: Random) -> list[Shape]:
    """A knitted dome with a turned up edge."""
    wide, high, edge = rng.uniform(0.5, 0.68), rng.uniform(0.6, 0.85), rng.uniform(0.18, 0.34)
    shapes = [
        profile("body", (-high, 0.08), (-high * 0.7, wide * 0.65), (0, wide), (0.35, wide)),
        *(
            curve("shade", 0.03, (x * 0.3, -high * 0.85), (x * 0.85, -high * 0.2), (x, 0.3))
            for x in (-wide * 0.6, -wide * 0.2, wide * 0.2, wide * 0.6)
        ),
    ]
    if rng.random() < 0.85:
        shapes.append(box("tint", -wide - 0.04, 0.5 - edge, wide + 0.04, 0.5, round=0.08))
        shapes += [
            line("shade", 0.03, (x * wide, 0.52 - edge), (x * wide, 0.48))
            for x in (-0.7, -0.35, 0, 0.35, 0.7)
        ]
    if rng.random() < 0.5:
        shapes.append(ellipse("accent", 0, -high - 0.06, rng.uniform(0.12, 0.2)))
    return shapes


def wristwatch(rng: Random) -> list[Shape]:
    """A dial on a strap."""
    r, strap = rng.uniform(0.36, 0.5), rng.uniform(0.18, 0.3)
    band: Tone = rng.choice(["body", "metal", "dark", "wood"])
    square = rng.random() < 0.3
    face: Tone = rng.choice(["light", "tint", "dark", "accent"])
    case: Tone = rng.choice(["metal", "dark", "body"])
    shapes = [
        box(band, -strap, -0.98, strap, 0.98, round=0.1),
        box("metal", r * 0.9, -0.06, r + 0.1, 0.06),
        box(case, -r, -r, r, r, round=0.14) if square else ellipse(case, 0, 0, r),
        *dial(rng, r * 0.84, face, "light" if face in ("dark", "accent") else "dark"),
    ]
    if band != "metal":
        shapes += [ellipse("dark", 0, y, 0.03) for y in (0.65, 0.75, 0.85)]
    else:
        shapes[1:1] = [
            line("dark", 0.02, (-strap, y), (strap, y)) for y in (-0.85, -0.7, 0.7, 0.85)
        ]
    return shapes
