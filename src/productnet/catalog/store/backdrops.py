"""What is in a picture besides the product: walls, tables, cloth, and a shop's badges."""

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageFilter

from productnet.catalog.store.palettes import Rgb, mixed, pale, strong

Backdrop = Callable[[int, Random], Image.Image]


def white(side: int, rng: Random) -> Image.Image:
    """The cut-out on white that most shops ask for."""
    level = rng.randint(246, 255)
    return Image.new("RGB", (side, side), (level, level, level))


def plain(side: int, rng: Random) -> Image.Image:
    """One colour."""
    return Image.new("RGB", (side, side), pale(rng) if rng.random() < 0.7 else strong(rng))


def gradient(side: int, rng: Random) -> Image.Image:
    """A studio sweep from one colour to another, straight or round."""
    ramp = (Image.linear_gradient if rng.random() < 0.6 else Image.radial_gradient)("L")
    ramp = ramp.rotate(rng.choice([0, 90, 180, 270])).resize((side, side))
    one, other = pale(rng), mixed(pale(rng), strong(rng), rng.uniform(0.1, 0.7))
    return Image.composite(
        Image.new("RGB", (side, side), other), Image.new("RGB", (side, side), one), ramp
    )


def room(side: int, rng: Random) -> Image.Image:
    """A wall above a floor, perhaps with a window or a picture."""
    wall, floor = pale(rng), mixed(pale(rng), strong(rng), 0.4)
    image = Image.new("RGB", (side, side), wall)
    draw = ImageDraw.Draw(image)
    horizon = round(side * rng.uniform(0.55, 0.85))
    draw.rectangle((0, horizon, side, side), fill=floor)
    for board in range(rng.choice([0, 0, 4, 7])):
        x = side * (board + 0.5) / 6
        draw.line((x, horizon, (x - side / 2) * 1.8 + side / 2, side), fill=mixed(floor, wall, 0.3))
    draw.line((0, horizon, side, horizon), fill=mixed(wall, (255, 255, 255), 0.6), width=3)
    if rng.random() < 0.4:
        left, top = rng.uniform(0, side * 0.7), rng.uniform(0, side * 0.25)
        edge = (left, top, left + side * 0.28, top + side * 0.34)
        draw.rectangle(
            edge, fill=mixed(wall, (200, 225, 250), 0.7), outline=(250, 250, 250), width=3
        )
    return image.filter(ImageFilter.BoxBlur(1)) if rng.random() < 0.5 else image


def table(side: int, rng: Random) -> Image.Image:
    """Wooden boards."""
    wood = mixed((196, 150, 100), strong(rng), rng.uniform(0.0, 0.35))
    image = Image.new("RGB", (side, side), wood)
    draw = ImageDraw.Draw(image)
    boards = rng.randint(3, 7)
    for board in range(boards):
        y = side * board / boards
        shade = mixed(wood, (60, 35, 15), rng.uniform(0.0, 0.3))
        draw.rectangle((0, y, side, y + side / boards), fill=shade)
        for _ in range(3):
            grain = y + rng.random() * side / boards
            draw.line(
                (0, grain, side, grain + rng.uniform(-4, 4)), fill=mixed(shade, (40, 20, 5), 0.15)
            )
        draw.line((0, y, side, y), fill=mixed(shade, (30, 15, 0), 0.6))
    return image.rotate(90) if rng.random() < 0.3 else image


def cloth(side: int, rng: Random) -> Image.Image:
    """A pattern of dots, stripes or checks."""
    ground = pale(rng)
    ink = mixed(ground, strong(rng), rng.uniform(0.15, 0.6))
    image = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(image)
    step = rng.randint(max(6, side // 14), max(8, side // 6))
    kind = rng.choice(["dots", "stripes", "checks", "waves"])
    for i, x in enumerate(range(0, side + step, step)):
        if kind == "stripes":
            draw.rectangle((x, 0, x + step // 2, side), fill=ink)
            continue
        for j, y in enumerate(range(0, side + step, step)):
            if kind == "dots":
                draw.ellipse((x, y, x + step // 2, y + step // 2), fill=ink)
            elif kind == "waves":
                draw.arc((x, y, x + step, y + step), 0, 180, fill=ink, width=2)
            elif (i + j) % 2:
                draw.rectangle((x, y, x + step, y + step), fill=ink)
    return image


def bokeh(side: int, rng: Random) -> Image.Image:
    """Lights and colours out of focus."""
    small = side // 2
    image = Image.new("RGB", (small, small), mixed(pale(rng), strong(rng), rng.uniform(0.2, 0.8)))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(8, 16)):
        r = small * rng.uniform(0.05, 0.22)
        x, y = rng.uniform(0, small), rng.uniform(0, small)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=mixed(pale(rng), strong(rng), 0.4))
    return image.filter(ImageFilter.GaussianBlur(small / 26)).resize((side, side))


# (backdrop, how many in a hundred pictures have it)
BACKDROPS: tuple[tuple[Backdrop, int], ...] = (
    (white, 26), (plain, 16), (gradient, 18), (room, 14), (table, 9), (cloth, 8), (bokeh, 9),
)  # fmt: skip


def backdrop(side: int, rng: Random) -> Image.Image:
    """Any of the backdrops, by their shares."""
    kinds, shares = zip(*BACKDROPS, strict=True)
    kind: Backdrop = rng.choices(kinds, shares)[0]
    return kind(side, rng)


def decorate(image: Image.Image, rng: Random) -> None:
    """What a shop prints over a picture now and then: a badge, a strip of text, a border."""
    draw = ImageDraw.Draw(image)
    side = image.width
    kind = rng.random()
    if kind < 0.09:
        r = side * rng.uniform(0.09, 0.14)
        x, y = rng.choice([r * 1.2, side - r * 1.2]), rng.choice([r * 1.2, side - r * 1.2])
        draw.ellipse((x - r, y - r, x + r, y + r), fill=strong(rng))
        draw.line((x - r * 0.5, y, x + r * 0.5, y), fill=(255, 255, 255), width=max(2, side // 50))
    elif kind < 0.15:
        y = rng.choice([0.0, side * 0.86])
        draw.rectangle((0, y, side, y + side * 0.14), fill=strong(rng))
        _letters(draw, side * 0.08, y + side * 0.07, side, (255, 255, 255), rng)
    elif kind < 0.2:
        draw.rectangle((0, 0, side - 1, side - 1), outline=strong(rng), width=max(2, side // 28))
    elif kind < 0.25:
        _letters(draw, side * 0.3, side * rng.uniform(0.85, 0.95), side, (170, 170, 170), rng)


def _letters(
    draw: ImageDraw.ImageDraw, x: float, y: float, side: int, ink: Rgb, rng: Random
) -> None:
    """Lines that look like words from afar, and say nothing from near."""
    while x < side * 0.85:
        word = side * rng.uniform(0.04, 0.14)
        draw.line((x, y, x + word, y), fill=ink, width=max(2, side // 45))
        x += word + side * 0.03
