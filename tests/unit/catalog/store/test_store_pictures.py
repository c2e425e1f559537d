import io
from random import Random

import numpy as np
import pytest
from PIL import Image

from productnet.catalog.store.drawings.registry import RECIPES
from productnet.catalog.store.leaves import stocked
from productnet.catalog.store.palettes import COLOURS
from productnet.catalog.store.rendering import encoded, picture, recompressed


def test_every_recipe_is_used_by_one_kind() -> None:
    kinds = [*stocked().leaves, *stocked().distractors]
    assert sorted(kind.drawing for kind in kinds) == sorted(RECIPES)


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_recipe_draws_a_different_thing_each_time(name: str) -> None:
    drawings = [RECIPES[name](Random(seed)) for seed in range(20)]
    assert len({str(shapes) for shapes in drawings}) == 20
    for shapes in drawings:
        reach = [max(abs(point[axis]) for s in shapes for point in s.points) for axis in (0, 1)]
        assert 0.5 < max(reach) < 1.6


@pytest.mark.parametrize("side", [64, 160, 700])
def test_pictures_come_in_any_size(side: int) -> None:
    image = picture("mug", "red", side=side, rng=Random(1))
    assert (image.mode, image.size) == ("RGB", (side, side))
    decoded = Image.open(io.BytesIO(encoded(image, quality=80)))
    assert (decoded.format, decoded.size) == ("JPEG", (side, side))


def test_a_product_is_seen_in_nearly_every_picture() -> None:
    rng = Random(0)
    flat = 0
    for seed in range(100):
        colour = rng.choice(list(COLOURS))
        image = picture(rng.choice(list(RECIPES)), colour, side=96, rng=Random(seed))
        flat += float(np.asarray(image, dtype=np.float32).std()) < 4  # (H, W, RGB)
    assert flat <= 3


def test_a_copy_is_nearly_the_same_picture() -> None:
    image = picture("sneaker", "blue", side=160, rng=Random(3))
    copy = recompressed(image, Random(4))
    one, other = (np.asarray(each.resize((16, 16)), dtype=np.float32) for each in (image, copy))
    assert copy.size == image.size
    assert 0 < np.abs(one - other).mean() < 12
