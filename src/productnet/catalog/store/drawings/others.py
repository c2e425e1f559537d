"""Recipes for what the shop sells beside its leaves; no leaf is right for these."""

from random import Random

from productnet.catalog.store.shapes import (
    Shape,
    Tone,
    blob,
    box,
    curve,
    ellipse,
    line,
    polygon,
    profile,
)


def card(rng: Random) -> list[Shape]:
    """A gift card with a ribbon."""
    high = rng.uniform(0.45, 0.6)
    x = rng.uniform(-0.5, 0.3)
    return [
        box("body", -0.85, -high, 0.85, high, round=0.1),
        box("accent", x, -high, x + 0.16, high),
        box("accent", -0.85, -0.08, 0.85, 0.08),
        blob("accent", (x + 0.08, 0), (x - 0.2, -0.22), (x - 0.22, 0.12)),
        blob("accent", (x + 0.08, 0), (x + 0.36, -0.22), (x + 0.38, 0.12)),
    ]


def book(rng: Random) -> list[Shape]:
    """A hardcover, upright."""
    wide = rng.uniform(0.5, 0.65)
    return [
        box("light", -wide + 0.06, -0.78, wide + 0.07, 0.85),
        box("body", -wide, -0.85, wide, 0.8, round=0.03),
        box("shade", -wide, -0.85, -wide + 0.14, 0.8),
        box("tint", -wide * 0.4, -0.55, wide * 0.7, -0.2),
        *(line("light", 0.05, (-wide * 0.3, y), (wide * 0.6, y)) for y in (0.35, 0.5)),
    ]


def bottle(rng: Random) -> list[Shape]:
    """A bottle or a spray with a label."""
    wide, neck = rng.uniform(0.28, 0.4), rng.uniform(0.1, 0.16)
    return [
        profile("body", (-0.6, neck), (-0.35, wide * 0.8), (-0.15, wide), (0.9, wide)),
        box("dark", -neck - 0.03, -0.9, neck + 0.03, -0.58, round=0.04),
        box("light", -wide, 0.1, wide, 0.6),
        *(line("dark", 0.04, (-wide * 0.6, y), (wide * 0.6, y)) for y in (0.25, 0.38)),
    ]


def bulb(rng: Random) -> list[Shape]:
    """A light bulb."""
    r = rng.uniform(0.42, 0.52)
    return [
        profile("glass", (-0.85, 0.1), (-0.72, r * 0.7), (-0.35, r), (0.15, r * 0.55), (0.4, 0.22)),
        curve("accent", 0.04, (-0.12, 0.3), (-0.2, -0.3), (0.0, -0.15), (0.2, -0.3), (0.12, 0.3)),
        box("metal", -0.22, 0.4, 0.22, 0.82, round=0.05),
        *(line("dark", 0.03, (-0.22, y), (0.22, y + 0.05)) for y in (0.48, 0.58, 0.68)),
    ]


def socks(rng: Random) -> list[Shape]:
    """A sock, or a pair."""
    stripes = rng.random() < 0.6
    apart = rng.uniform(0.1, 0.5)
    shapes: list[Shape] = []
    for x in (-apart / 2, apart / 2):
        shapes.append(
            blob(
                "body",
                (x - 0.4, -0.85),
                (x, -0.85),
                (x + 0.02, 0.05),
                (x + 0.5, 0.5),
                (x + 0.4, 0.8),
                (x - 0.2, 0.65),
                (x - 0.42, 0.3),
            )
        )
        if stripes:
            shapes += [line("accent", 0.08, (x - 0.4, y), (x, y)) for y in (-0.7, -0.5)]
    return shapes


def package(rng: Random) -> list[Shape]:
    """A box that does not tell what is in it."""
    wide, high = rng.uniform(0.6, 0.75), rng.uniform(0.4, 0.6)
    tone: Tone = rng.choice(["wood", "body", "light"])
    return [
        polygon(
            "shade",
            (-wide, -high),
            (-wide + 0.25, -high - 0.25),
            (wide + 0.2, -high - 0.25),
            (wide, -high),
        ),
        polygon(
            "shade",
            (wide, -high),
            (wide + 0.2, -high - 0.25),
            (wide + 0.2, high - 0.25),
            (wide, high),
        ),
        box(tone, -wide, -high, wide, high),
        box("accent", -0.14, -high, 0.14, high),
    ]


def phone(rng: Random) -> list[Shape]:
    """The back of a phone in its case, with cameras."""
    wide = rng.uniform(0.4, 0.48)
    shapes = [
        box("body", -wide, -0.88, wide, 0.88, round=0.14),
        box("dark", -wide + 0.08, -0.8, -wide + 0.36, -0.4, round=0.08),
        *(ellipse("metal", -wide + 0.22, y, 0.08) for y in (-0.7, -0.5)),
    ]
    return [*shapes, ellipse("accent", 0, 0.2, 0.2)] if rng.random() < 0.5 else shapes


def brush(rng: Random) -> list[Shape]:
    """A handle with bristles."""
    end = rng.uniform(-0.3, 0.0)
    return [
        line(rng.choice(["wood", "body"]), 0.14, (0, 0.9), (0, end)),
        box("metal", -0.18, end - 0.15, 0.18, end + 0.02),
        polygon(
            "tint", (-0.18, end - 0.15), (0.18, end - 0.15), (0.26, end - 0.65), (-0.26, end - 0.65)
        ),
        *(line("shade", 0.02, (x, end - 0.18), (x * 1.3, end - 0.62)) for x in (-0.1, 0, 0.1)),
    ]
