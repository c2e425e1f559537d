"""Recipes for lamps and seats."""

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
    moved,
    polygon,
    profile,
    turned,
)


def desk_lamp(rng: Random) -> list[Shape]:
    """A lamp with a foot and a shade, its arm bent or straight."""
    foot = rng.uniform(0.28, 0.45)
    if rng.random() < 0.35:
        return moved([*_stand(rng, foot, top=-0.1, bottom=0.8), *_shade(rng, -0.45, 0.5)], y=0.1)
    elbow = (rng.uniform(-0.55, -0.25), rng.uniform(-0.3, 0.1))
    head = (rng.uniform(0.15, 0.45), rng.uniform(-0.75, -0.5))
    cone = turned(_cone(rng, rng.uniform(0.26, 0.38)), rng.uniform(-35, 5))
    return [
        line("metal", rng.uniform(0.05, 0.09), (0, 0.8), elbow, head),
        ellipse("dark", *elbow, 0.07),
        profile("body", (0.76, foot * 0.8), (0.88, foot)),
        *moved(cone, *head),
    ]


def floor_lamp(rng: Random) -> list[Shape]:
    """A lamp on a long stand."""
    foot, kind = rng.uniform(0.2, 0.36), rng.random()
    if kind < 0.3:
        spread = rng.uniform(0.35, 0.5)
        legs = [line("wood", 0.06, (0, -0.3), (x, 0.95)) for x in (-spread, 0.06, spread)]
        return [*legs, *_shade(rng, -0.62, 0.42)]
    if kind < 0.5:
        reach = rng.uniform(0.45, 0.65)
        bow = curve("metal", 0.05, (-0.5, 0.92), (-0.5, -0.3), (0.0, -0.88), (reach, -0.6))
        cone = moved(_cone(rng, 0.28), reach, -0.5)
        return [bow, *cone, profile("dark", (0.88, foot), (0.95, foot), x=-0.5)]
    return [*_stand(rng, foot, top=-0.5, bottom=0.95), *_shade(rng, -0.68, 0.36)]


def pendant_lamp(rng: Random) -> list[Shape]:
    """A shade on a cord."""
    y = rng.uniform(-0.1, 0.35)
    cord = [line("dark", 0.04, (0, -1.1), (0, y - 0.3))]
    rose = [profile("metal", (-1.0, 0.14), (-0.92, 0.16))] if rng.random() < 0.5 else []
    kind = rng.random()
    if kind < 0.35:
        return [*cord, *rose, *moved(_cone(rng, rng.uniform(0.5, 0.65)), y=y)]
    if kind < 0.65:
        r = rng.uniform(0.42, 0.58)
        ribs = [arc("shade", 0.03, 0, y + 0.2, r * k, r, 0, 360) for k in (0.3, 0.7)]
        return [*cord, *rose, ellipse("body", 0, y + 0.2, r), *(ribs if rng.random() < 0.6 else [])]
    return [*cord, *rose, *_shade(rng, y, rng.uniform(0.45, 0.65))]


def dining_chair(rng: Random) -> list[Shape]:
    """An upright chair, seen a little from the side."""
    tone: Tone = rng.choice(["wood", "body"])
    wide, back, depth = rng.uniform(0.36, 0.46), rng.uniform(0.75, 0.95), rng.uniform(0.12, 0.25)
    leg = rng.uniform(0.05, 0.09)
    return [
        line(tone, leg, (-wide + depth, 0.1), (-wide + depth, 0.7)),
        line(tone, leg, (wide + depth, 0.1), (wide + depth, 0.7)),
        line(tone, leg, (-wide + depth, 0.1), (-wide + depth + 0.04, -back)),
        line(tone, leg, (wide + depth, 0.1), (wide + depth + 0.04, -back)),
        *_backrest(rng, -wide + depth, wide + depth, -back),
        polygon("body", (-wide + depth, 0.0), (wide + depth, 0.0), (wide, 0.2), (-wide, 0.2)),
        line(tone, leg, (-wide, 0.15), (-wide - 0.04, 0.92)),
        line(tone, leg, (wide, 0.15), (wide + 0.04, 0.92)),
    ]


def armchair(rng: Random) -> list[Shape]:
    """A wide soft chair with arms."""
    wide, back, arm = rng.uniform(0.6, 0.75), rng.uniform(0.55, 0.85), rng.uniform(0.16, 0.26)
    r = rng.uniform(0.1, 0.28)
    legs = [line("wood", 0.08, (x, 0.6), (x * 1.06, 0.85)) for x in (-wide * 0.85, wide * 0.85)]
    side = box("body", -wide - 0.06, -0.1, -wide + arm, 0.62, round=arm / 2)
    shapes = [
        *legs,
        box("shade", -wide * 0.92, -back, wide * 0.92, 0.5, round=r),
        box("tint", -wide + arm * 0.8, 0.1, wide - arm * 0.8, 0.4, round=0.1),
        box("body", -wide + arm * 0.8, 0.32, wide - arm * 0.8, 0.62, round=0.05),
        side,
        mirrored(side),
    ]
    if rng.random() < 0.4:
        shapes.append(box("accent", -0.25, -0.25, 0.2, 0.18, round=0.08))
    if rng.random() < 0.35:
        shapes += [ellipse("dark", x, -back * 0.5, 0.035) for x in (-0.35, 0, 0.35)]
    return shapes


def bar_stool(rng: Random) -> list[Shape]:
    """A high seat with a ring for the feet."""
    seat, high = rng.uniform(0.3, 0.42), rng.uniform(-0.6, -0.4)
    ring = rng.uniform(0.25, 0.5)
    back = [box("shade", -seat, high - rng.uniform(0.2, 0.5), seat, high, round=0.15)]
    shapes = back if rng.random() < 0.4 else []
    if rng.random() < 0.5:
        shapes += [
            line("metal", 0.09, (0, high), (0, 0.85)),
            arc("metal", 0.05, 0, ring, 0.26, 0.08, 0, 360),
            profile("metal", (0.84, 0.08), (0.88, 0.36), (0.93, 0.4)),
        ]
    else:
        tone: Tone = rng.choice(["wood", "metal", "dark"])
        at = 0.62 + 0.3 * (ring + 0.4)
        shapes += [line(tone, 0.07, (x * 0.8, high), (x, 0.93)) for x in (-0.4, 0.4, -0.18, 0.18)]
        shapes.append(line(tone, 0.05, (-0.4 * at, ring), (0.4 * at, ring)))
    return [*shapes, box("body", -seat, high - 0.06, seat, high + 0.1, round=0.08)]


def _cone(rng: Random, size: float) -> list[Shape]:
    """A metal shade, open below, its tip near the origin."""
    open_, deep = size * rng.uniform(0.9, 1.15), size * rng.uniform(0.8, 1.2)
    return [
        ellipse("light", 0, deep * 0.75, open_ * 0.5, open_ * 0.25),
        profile("body", (-deep * 0.3, size * 0.2), (deep * 0.2, size * 0.5), (deep * 0.75, open_)),
        ellipse("dark", 0, -deep * 0.32, size * 0.14),
    ]


def _shade(rng: Random, y: float, size: float) -> list[Shape]:
    """A cloth shade about a height."""
    top, deep = size * rng.uniform(0.45, 1.0), size * rng.uniform(0.5, 0.8)
    shapes = [profile("body", (y - deep, top), (y + deep, size), soft=False)]
    if rng.random() < 0.4:
        shapes.append(
            line("accent", 0.05, (-size * 0.95, y + deep - 0.06), (size * 0.95, y + deep - 0.06))
        )
    return shapes


def _stand(rng: Random, foot: float, *, top: float, bottom: float) -> list[Shape]:
    tone: Tone = rng.choice(["metal", "dark", "wood"])
    return [
        line(tone, rng.uniform(0.05, 0.09), (0, top), (0, bottom)),
        profile("dark" if tone == "metal" else tone, (bottom - 0.06, foot * 0.8), (bottom, foot)),
    ]


def _backrest(rng: Random, left: float, right: float, top: float) -> list[Shape]:
    if rng.random() < 0.4:
        bars = [top + 0.06, top * 0.6, top * 0.25][: rng.choice([2, 3])]
        return [line("wood", 0.1, (left, y), (right, y)) for y in bars]
    return [box("body", left, top, right, top * rng.uniform(0.2, 0.6), round=0.08)]
