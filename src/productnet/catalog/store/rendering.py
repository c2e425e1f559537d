"""From shapes to pixels: poses, styles, light and the scene around a product."""

import math
from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from random import Random
from typing import Literal

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from productnet.catalog.store.backdrops import backdrop, decorate
from productnet.catalog.store.drawings.registry import RECIPES
from productnet.catalog.store.palettes import Palette, mixed, pale, palette, strong
from productnet.catalog.store.shapes import Point, Shape

Style = Literal["flat", "outlined", "photo", "line art", "duotone"]

# How many in a hundred pictures are in each style.
STYLES: dict[Style, int] = {"flat": 17, "outlined": 17, "photo": 44, "line art": 11, "duotone": 11}

_OVERSAMPLING = 2
_NOISE_TILE = 512


def picture(drawing: str, colour: str, *, side: int, rng: Random) -> Image.Image:
    """A picture of a product.

    Args:
        drawing: The name of a recipe.
        colour: The product's colour, of ``palettes.COLOURS``.
        side: Width and height in pixels.
        rng: Decides everything else.
    """
    style = rng.choices(list(STYLES), list(STYLES.values()))[0]
    tones = palette(colour, rng)
    scene = backdrop(side, rng)
    for _ in range(rng.choice((0, 0, 0, 0, 1, 2))):
        _place_clutter(scene, style, rng)
    shapes = RECIPES[drawing](rng)
    product = _drawn(_posed(shapes, side, rng), tones, style, side, rng)
    if style == "photo":
        product = _lit(product, rng)
        _cast_shadow(scene, product, rng)
    scene.paste(product, (0, 0), product)
    decorate(scene, rng)
    return _finished(scene, style, rng)


def encoded(image: Image.Image, *, quality: int) -> bytes:
    """The picture as JPEG, without any metadata."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def recompressed(image: Image.Image, rng: Random) -> Image.Image:
    """The same picture as another seller would upload it: cropped a little, and rescaled."""
    side = image.width
    trim = max(1, side // 40)
    edges = [rng.randint(0, trim) for _ in range(4)]
    box = (edges[0], edges[1], side - edges[2], side - edges[3])
    return image.resize((side, side), Image.Resampling.BILINEAR, box=box)


def _posed(shapes: Sequence[Shape], side: int, rng: Random, *, scale: float = 1.0) -> list[Shape]:
    """The shapes in pixels of the oversampled canvas: scaled, turned, bent a little, shifted."""
    canvas = side * _OVERSAMPLING
    # Most products are seen whole; some small, some so near that parts are cut off.
    nearness = rng.choices((rng.uniform(0.25, 0.42), rng.uniform(0.14, 0.25), 0.6), (80, 12, 8))[0]
    size = canvas * nearness * scale
    squeeze = rng.uniform(0.86, 1.14) * (-1 if rng.random() < 0.5 else 1)
    tilt = math.radians(rng.gauss(0, 9) if rng.random() < 0.8 else rng.uniform(-70, 70))
    cos, sin = math.cos(tilt) * size, math.sin(tilt) * size
    bend, phase = rng.uniform(-0.07, 0.07), rng.uniform(0, 6)
    lean = rng.uniform(-0.1, 0.1)
    room = max(canvas / 2 - size * 1.02, canvas * 0.1)
    cx, cy = (canvas / 2 + rng.uniform(-room, room) * 0.7 for _ in range(2))

    def place(point: Point) -> Point:
        x, y = point
        x = (x + bend * math.sin(2.3 * y + phase) + lean * y) * squeeze
        y = y + bend * math.sin(2.0 * x + phase)
        return (cx + cos * x - sin * y, cy + sin * x + cos * y)

    return [Shape([place(p) for p in s.points], s.tone, s.width * size) for s in shapes]


def _drawn(
    shapes: Sequence[Shape], tones: Palette, style: Style, side: int, rng: Random
) -> Image.Image:
    """The shapes on a transparent canvas, antialiased by drawing larger."""
    canvas = Image.new("RGBA", (side * _OVERSAMPLING, side * _OVERSAMPLING), (0, 0, 0, 0))
    draw = ImageDraw.Draw(canvas)
    ink = mixed(tones["dark"], tones["body"], 0.15)
    pen = max(2, round(side * _OVERSAMPLING * rng.uniform(0.006, 0.013)))
    hollow = style == "line art"
    for shape in shapes:
        fill = tones["light"] if hollow else tones[shape.tone]
        if shape.width:
            width = max(2, round(shape.width))
            if style in ("outlined", "line art") and width > 2 * pen:
                _stroke(draw, shape.points, ink, width + 2 * pen)
            thin_ink = ink if hollow and width <= 2 * pen else fill
            _stroke(draw, shape.points, thin_ink, width)
        else:
            draw.polygon(shape.points, fill=fill)
            if style in ("outlined", "line art"):
                draw.line([*shape.points, shape.points[0]], fill=ink, width=pen, joint="curve")
    return canvas.reduce(_OVERSAMPLING)


def _stroke(
    draw: ImageDraw.ImageDraw, points: Sequence[Point], ink: tuple[int, int, int], width: int
) -> None:
    """A line with round ends."""
    draw.line(list(points), fill=ink, width=width, joint="curve" if len(points) > 2 else None)
    r = width / 2
    if r >= 3:
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)


def _place_clutter(scene: Image.Image, style: Style, rng: Random) -> None:
    """Another thing, small and towards an edge, as in pictures taken at home."""
    side = scene.width
    shapes = RECIPES[rng.choice(list(RECIPES))](rng)
    posed = _posed(shapes, side, rng, scale=rng.uniform(0.45, 0.8))
    tones = palette(rng.choice(["white", "grey", "sand", "teal", "brown", "pink"]), rng)
    thing = _drawn(posed, tones, style, side, rng)
    x = round(side * rng.choice([-1, 1]) * rng.uniform(0.26, 0.4))
    y = round(side * rng.uniform(-0.2, 0.3))
    scene.paste(thing, (x, y), thing)


def _lit(product: Image.Image, rng: Random) -> Image.Image:
    """Light from one side and a highlight, as on a photographed thing."""
    colour, alpha = product.convert("RGB"), product.getchannel("A")
    side = product.width
    colour = ImageChops.multiply(colour, _light(side, rng.randrange(12), rng.randrange(3)))
    x, y = (rng.randrange(side) for _ in range(2))
    highlight = _highlight(side, rng.randrange(3)).crop((x, y, x + side, y + side))
    colour = ImageChops.screen(colour, highlight)
    colour.putalpha(alpha)
    return colour


def _cast_shadow(scene: Image.Image, product: Image.Image, rng: Random) -> None:
    """A soft shadow beside the product."""
    side = scene.width
    half = product.getchannel("A").reduce(4)
    spread = half.filter(ImageFilter.BoxBlur(rng.uniform(1.0, 3.5))).resize((side, side))
    strength = rng.uniform(0.2, 0.55)
    mask = spread.point([round(level * strength) for level in range(256)])
    x, y = round(side * rng.uniform(-0.06, 0.06)), round(side * rng.uniform(0.0, 0.06))
    scene.paste((20, 18, 24), (x, y), mask)


def _finished(scene: Image.Image, style: Style, rng: Random) -> Image.Image:
    """What cameras and printers add: grain, a soft focus, exposure, or two inks."""
    if style == "duotone":
        return ImageOps.colorize(scene.convert("L"), mixed(strong(rng), (0, 0, 0), 0.5), pale(rng))
    if style == "photo":
        if rng.random() < 0.35:
            scene = scene.filter(ImageFilter.BoxBlur(rng.uniform(0.3, 1.0)))
        gain = rng.uniform(0.8, 1.15)
        scene = scene.point([min(255, round(level * gain)) for level in range(256)] * 3)
        side = scene.width
        x, y = (rng.randrange(max(1, _NOISE_TILE - side)) for _ in range(2))
        grain = _grain(rng.randrange(3)).crop((x, y, x + side, y + side))
        scene = ImageChops.add(scene, grain, 1, -128)
    return scene


@lru_cache(maxsize=64)
def _light(side: int, direction: int, strength: int) -> Image.Image:
    """Brightness falling off in one of twelve directions, in three strengths."""
    ramp = Image.linear_gradient("L").rotate(
        direction * 30, Image.Resampling.BILINEAR, fillcolor=128
    )
    lowest = (150, 110, 70)[strength]
    levels = [lowest + (255 - lowest) * level // 255 for level in range(256)]
    return ramp.crop((48, 48, 208, 208)).resize((side, side)).point(levels).convert("RGB")


@lru_cache(maxsize=8)
def _highlight(side: int, strength: int) -> Image.Image:
    """A round glow in the middle of a square of twice the side."""
    brightest = (40, 80, 120)[strength]
    levels = [round(brightest * max(0.0, 1 - level / 110) ** 1.5) for level in range(256)]
    glow = Image.radial_gradient("L").resize((2 * side, 2 * side)).point(levels)
    return glow.convert("RGB")


@lru_cache(maxsize=4)
def _grain(strength: int) -> Image.Image:
    """Film grain about a middle grey, always the same."""
    rng = np.random.default_rng(strength)
    grain = rng.normal(128, (2.0, 5.0, 9.0)[strength], (_NOISE_TILE, _NOISE_TILE, 3))  # (H, W, RGB)
    return Image.fromarray(grain.clip(0, 255).astype(np.uint8), "RGB")
