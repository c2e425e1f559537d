"""Colours: the names that texts use, and what each makes of the tones of a drawing."""

import colorsys
from random import Random

from productnet.catalog.store.shapes import Tone

Rgb = tuple[int, int, int]
Palette = dict[Tone, Rgb]

# Hue in degrees, saturation and value of each colour a product can have.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (2, 0.78, 0.80),
    "coral": (12, 0.58, 0.93),
    "orange": (28, 0.82, 0.93),
    "mustard": (43, 0.75, 0.83),
    "yellow": (51, 0.70, 0.96),
    "olive": (72, 0.50, 0.52),
    "green": (140, 0.55, 0.58),
    "mint": (158, 0.30, 0.86),
    "teal": (182, 0.62, 0.55),
    "sky blue": (203, 0.45, 0.90),
    "blue": (217, 0.72, 0.78),
    "navy": (226, 0.62, 0.38),
    "lilac": (268, 0.28, 0.85),
    "plum": (310, 0.48, 0.48),
    "pink": (340, 0.36, 0.95),
    "brown": (24, 0.52, 0.45),
    "sand": (38, 0.24, 0.88),
    "white": (40, 0.03, 0.97),
    "grey": (210, 0.05, 0.62),
    "black": (220, 0.15, 0.17),
}


def palette(colour: str, rng: Random) -> Palette:
    """The tones of one drawing, its body near the named colour."""
    body = _near(colour, rng)
    accent = _near(rng.choice(list(COLOURS)), rng)
    steel = rng.randint(125, 195)
    return {
        "body": body,
        "shade": _scaled(body, rng.uniform(0.66, 0.82)),
        "tint": mixed(body, (255, 255, 255), rng.uniform(0.3, 0.5)),
        "accent": accent if _distance(accent, body) > 90 else mixed(body, (255, 255, 255), 0.75),
        "dark": _hsv(rng.uniform(0, 360), 0.15, rng.uniform(0.12, 0.3)),
        "light": _hsv(rng.uniform(20, 60), rng.uniform(0.0, 0.08), rng.uniform(0.92, 1.0)),
        "metal": (steel, steel + 4, steel + 10),
        "wood": _hsv(rng.uniform(22, 36), rng.uniform(0.4, 0.62), rng.uniform(0.5, 0.82)),
        "glass": _hsv(rng.uniform(170, 215), rng.uniform(0.06, 0.18), rng.uniform(0.84, 0.95)),
        "screen": _hsv(rng.uniform(195, 255), rng.uniform(0.3, 0.7), rng.uniform(0.18, 0.75)),
        "green": _hsv(rng.uniform(95, 150), rng.uniform(0.45, 0.7), rng.uniform(0.38, 0.68)),
    }


def pale(rng: Random) -> Rgb:
    """A light colour for what lies behind a product."""
    return _hsv(rng.uniform(0, 360), rng.uniform(0.02, 0.22), rng.uniform(0.84, 0.99))


def strong(rng: Random) -> Rgb:
    """A saturated or dark colour."""
    return _hsv(rng.uniform(0, 360), rng.uniform(0.3, 0.75), rng.uniform(0.3, 0.9))


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """A share of the other colour in the one."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return (r, g, b)


def _near(colour: str, rng: Random) -> Rgb:
    hue, saturation, value = COLOURS[colour]
    return _hsv(
        hue + rng.uniform(-6, 6),
        saturation * rng.uniform(0.85, 1.15),
        value * rng.uniform(0.9, 1.08),
    )


def _hsv(hue: float, saturation: float, value: float) -> Rgb:
    parts = colorsys.hsv_to_rgb(hue % 360 / 360, min(saturation, 1.0), min(value, 1.0))
    r, g, b = (round(255 * part) for part in parts)
    return (r, g, b)


def _scaled(colour: Rgb, share: float) -> Rgb:
    return mixed((0, 0, 0), colour, share)


def _distance(one: Rgb, other: Rgb) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
