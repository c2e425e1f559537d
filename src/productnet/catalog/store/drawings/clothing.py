"""Recipes for shoes and tops."""

from random import Random

from productnet.catalog.store.shapes import (
    Point,
    Shape,
    Tone,
    blob,
    box,
    curve,
    ellipse,
    line,
    mirrored,
    polygon,
)


def sneaker(rng: Random) -> list[Shape]:
    """A low laced shoe with a light sole."""
    heel, toe = rng.uniform(-0.4, -0.18), rng.uniform(0.02, 0.16)
    sole: Tone = rng.choice(["light", "light", "tint", "dark"])
    shapes = [
        *_upper(heel, toe, collar=-0.25),
        blob("shade", (0.55, toe + 0.05), (0.9, toe + 0.12), (0.95, 0.42), (0.5, 0.42)),
        *_sole(rng, sole, rng.uniform(0.12, 0.2)),
    ]
    for lace in range(rng.choice([3, 4, 4])):
        x, y = -0.12 + lace * 0.16, heel * 0.55 + lace * 0.11
        shapes.append(line("light", 0.05, (x, y), (x + 0.17, y - 0.1)))
    if rng.random() < 0.6:
        shapes.append(curve("accent", 0.09, (-0.5, 0.0), (-0.1, 0.3), (0.35, 0.12)))
    return shapes


def boot(rng: Random) -> list[Shape]:
    """A shoe with a shaft."""
    shaft, toe = rng.uniform(-0.95, -0.45), rng.uniform(0.0, 0.15)
    shapes = [
        *_upper(shaft, toe, collar=-0.15),
        *_sole(rng, "dark", rng.uniform(0.1, 0.2)),
    ]
    kind = rng.random()
    if kind < 0.5:
        for lace in range(5):
            y = shaft * 0.75 + lace * (0.1 - shaft) * 0.18
            shapes.append(line("light", 0.045, (-0.3, y), (0.0, y - 0.04)))
    elif kind < 0.75:
        shapes.append(polygon("dark", (-0.5, shaft + 0.1), (-0.25, shaft + 0.1), (-0.35, 0.05)))
    if rng.random() < 0.35:
        shapes.append(box("tint", -0.82, shaft - 0.06, -0.08, shaft + 0.12, round=0.08))
    return shapes


def sandal(rng: Random) -> list[Shape]:
    """A sole with straps, from the side or from above."""
    width = rng.uniform(0.1, 0.2)
    if rng.random() < 0.3:
        foot = blob(
            "body",
            (0, -0.9),
            (0.34, -0.6),
            (0.24, 0.1),
            (0.28, 0.7),
            (0, 0.92),
            (-0.28, 0.7),
            (-0.24, 0.1),
            (-0.34, -0.6),
        )
        inner = Shape([(x * 0.8, y * 0.88) for x, y in foot.points], "wood")
        if rng.random() < 0.5:
            straps = [curve("shade", width, (-0.28, 0.0), (0, -0.5), (0.28, 0.0))]
        else:
            straps = [line("shade", 1.3 * width, (-0.32, y), (0.32, y)) for y in (-0.45, 0.1)]
        return [foot, inner, *straps]
    straps = [
        curve("body", width, (0.3, 0.4), (0.45, 0.1), (0.75, 0.35)),
        curve("body", width, (-0.7, 0.4), (-0.55, -0.05), (-0.3, 0.4)),
    ]
    if rng.random() < 0.6:
        straps.append(curve("body", width, (-0.8, 0.3), (-0.75, -0.2), (-0.4, -0.25), (-0.3, 0.1)))
        straps.append(ellipse("metal", -0.4, -0.22, 0.06))
    if rng.random() < 0.4:
        straps.append(curve("shade", width * 0.8, (-0.35, -0.1), (0.1, 0.1), (0.45, 0.15)))
    return [*straps, *_sole(rng, rng.choice(["wood", "dark", "shade"]), rng.uniform(0.12, 0.24))]


def t_shirt(rng: Random) -> list[Shape]:
    """A top with short sleeves."""
    shapes = _garment(rng, sleeve=rng.uniform(0.3, 0.55), flare=rng.uniform(-0.04, 0.06))
    shapes.append(_neck(rng, "shade"))
    kind = rng.random()
    if kind < 0.35:
        shapes.append(ellipse("accent", 0, 0.0, rng.uniform(0.15, 0.25)))
    elif kind < 0.55:
        shapes.append(box("accent", -0.24, -0.2, 0.24, 0.15, round=0.04))
    elif kind < 0.75:
        shapes += [line("accent", 0.07, (-0.42, y), (0.42, y)) for y in (-0.2, 0.05, 0.3, 0.55)]
    return shapes


def sweater(rng: Random) -> list[Shape]:
    """A knitted top with long sleeves."""
    shapes = _garment(rng, sleeve=rng.uniform(0.85, 1.25), flare=rng.uniform(-0.03, 0.04))
    shapes.append(box("shade", -0.46, 0.72, 0.46, 0.85, round=0.03))
    shapes.append(_neck(rng, "shade"))
    kind = rng.random()
    if kind < 0.35:
        shapes += [
            curve("tint", 0.04, (x, -0.4), (x + 0.06, -0.1), (x, 0.3), (x + 0.05, 0.7))
            for x in (-0.25, 0, 0.25)
        ]
    elif kind < 0.6:
        zigzag: list[Point] = [
            (-0.42 + step * 0.105, -0.05 + 0.12 * (step % 2)) for step in range(9)
        ]
        shapes.append(line("accent", 0.07, *zigzag))
    elif kind < 0.75:
        shapes.append(box("accent", -0.42, -0.1, 0.42, 0.2))
    return shapes


def jacket(rng: Random) -> list[Shape]:
    """A top that opens in front."""
    shapes = _garment(rng, sleeve=rng.uniform(0.95, 1.3), flare=rng.uniform(0.0, 0.1))
    if rng.random() < 0.5:
        collar = polygon("shade", (-0.22, -0.72), (0, -0.3), (-0.3, -0.35), (-0.34, -0.66))
        shapes += [collar, mirrored(collar)]
    else:
        shapes.append(box("shade", -0.22, -0.85, 0.22, -0.6, round=0.08))
    closing: Tone = rng.choice(["metal", "dark", "light"])
    shapes.append(line(closing, 0.05, (0, -0.5), (0, 0.82)))
    if rng.random() < 0.4:
        shapes += [ellipse(closing, 0.07, y, 0.04) for y in (-0.2, 0.1, 0.4, 0.7)]
    if rng.random() < 0.7:
        pocket = line("dark", 0.045, (0.18, 0.3), (0.36, 0.42))
        shapes += [pocket, mirrored(pocket)]
    return shapes


def _upper(top: float, toe: float, *, collar: float) -> list[Shape]:
    """The upper of a shoe with its heel on the left, open at ``top``."""
    return [
        blob(
            "body",
            (-0.78, 0.42),
            (-0.8, (top + 0.4) / 2),
            (-0.72, top),
            (collar, top),
            (collar + 0.15, toe - 0.12),
            (0.5, toe),
            (0.92, toe + 0.18),
            (0.95, 0.42),
            (0.1, 0.44),
        ),
        ellipse("dark", (-0.72 + collar) / 2, top, (collar + 0.72) / 2 * 0.9, 0.05),
    ]


def _sole(rng: Random, tone: Tone, thick: float) -> list[Shape]:
    heel = thick * rng.choice([1.0, 1.0, 1.6])
    points: list[Point] = [(-0.86, 0.38), (0.98, 0.38), (0.98, 0.38 + thick), (-0.1, 0.38 + thick)]
    return [polygon(tone, *points, (-0.2, 0.38 + heel), (-0.86, 0.38 + heel))]


def _garment(rng: Random, *, sleeve: float, flare: float) -> list[Shape]:
    """A body with two sleeves of a length; both hang at the same slant."""
    slant = rng.uniform(0.25, 0.75)
    shoulder, hem = rng.uniform(0.4, 0.5), 0.42 + flare
    drop = sleeve * (1 - slant * 0.35)
    reach = sleeve * slant
    arm = polygon(
        "shade" if rng.random() < 0.3 else "body",
        (shoulder - 0.12, -0.7),
        (shoulder + 0.06, -0.62),
        (shoulder + reach, -0.62 + drop),
        (shoulder + reach - 0.24, -0.52 + drop),
        (shoulder - 0.12, -0.2),
    )
    torso = polygon(
        "body",
        (-0.2, -0.74),
        (0.2, -0.74),
        (shoulder, -0.64),
        (hem, 0.85),
        (-hem, 0.85),
        (-shoulder, -0.64),
    )
    return [arm, mirrored(arm), torso]


def _neck(rng: Random, tone: Tone) -> Shape:
    if rng.random() < 0.3:
        return polygon(tone, (-0.2, -0.76), (0.2, -0.76), (0, -0.45))
    return ellipse(tone, 0, -0.74, 0.2, rng.uniform(0.08, 0.16))
