"""The products of the generated store, one after another, at constant memory.

Product ``i`` depends on the seed, ``i`` and the noise alone, so any slice of the store can be made
by itself and in parallel. Text and picture draw from separate sources of chance: the texts are the
same with pictures and without.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from random import Random

from productnet.catalog.store.faults import REAL_WORLD, StoreNoise, listing, retouched
from productnet.catalog.store.leaves import Kind, stocked
from productnet.catalog.store.wording import Facts, invented
from productnet.errors import UsageError

# A copy follows its original within this many products.
_COPY_REACH = 500

# Ids are a bijection of ten-digit numbers (the factor shares none with 10), so that they never
# repeat and tell neither order nor leaf.
_ID_SPACE = 10**10
_ID_FACTOR = 7_368_787_269


@dataclass(frozen=True, slots=True)
class GeneratedProduct:
    """One product of the store.

    Attributes:
        id: Tells nothing about the product.
        group: Shared by a product and its near-duplicates.
        texts: Field name to text; a missing field is absent.
        image: JPEG, or None.
        category: Path of the leaf it truly belongs to; None for a distractor. For reference only:
            it never goes into a feed.
        faults: Names of the rates of ``StoreNoise`` that struck.
    """

    id: str
    group: str
    texts: dict[str, str]
    image: bytes | None = field(repr=False)
    category: str | None
    faults: frozenset[str]


def generate_products(
    size: int,
    *,
    seed: int = 0,
    noise: StoreNoise = REAL_WORLD,
    images: bool = True,
    image_side: int = 160,
    start: int = 0,
) -> Iterator[GeneratedProduct]:
    """The products ``start`` to ``size`` of a store.

    Args:
        size: Where to stop; the number of products when started at 0.
        seed: Of everything random.
        noise: How often each fault happens.
        images: Whether pictures are drawn.
        image_side: Width and height of pictures, in pixels.
        start: The first product wanted. Slices joined equal the stream in one piece.

    Raises:
        UsageError: The size or slice makes no sense.
    """
    if not 0 <= start <= size <= _ID_SPACE:
        raise UsageError(
            f"A store cannot have products {start} to {size}; sizes go from 0 to {_ID_SPACE}."
        )
    for index in range(start, size):
        yield _product(index, seed, noise, image_side if images else None)


def _product(index: int, seed: int, noise: StoreNoise, side: int | None) -> GeneratedProduct:
    origin = _origin(index, seed, noise)
    rng = Random(f"{seed}/{origin}/text")
    facts = invented(_pick_kind(seed, noise, rng), rng)
    pictured = rng.random() >= noise.missing_image
    texts, faults = listing(facts, noise, rng)
    if facts.kind.category is None:
        faults.add("distractor")
    if not pictured:
        faults.add("missing_image")
    if index != origin:
        faults.add("near_duplicate")
        texts = retouched(texts, Random(f"{seed}/{index}/copy text"))
    return GeneratedProduct(
        id=f"P{_scrambled(index, seed, 'id')}",
        group=f"G{_scrambled(origin, seed, 'group')}",
        texts=texts,
        image=_image(index, origin, seed, facts, side) if pictured and side is not None else None,
        category=facts.kind.category,
        faults=frozenset(faults),
    )


def _origin(index: int, seed: int, noise: StoreNoise) -> int:
    """The product that this one repeats in the end, or itself."""
    while index:
        rng = Random(f"{seed}/{index}/origin")
        if rng.random() >= noise.near_duplicate:
            break
        index -= rng.randint(1, min(index, _COPY_REACH))
    return index


def _pick_kind(seed: int, noise: StoreNoise, rng: Random) -> Kind:
    if rng.random() < noise.distractor:
        return rng.choice(stocked().distractors)
    leaves, popularity = _demand(seed)
    return rng.choices(leaves, cum_weights=popularity)[0]


@lru_cache(maxsize=8)
def _demand(seed: int) -> tuple[tuple[Kind, ...], tuple[float, ...]]:
    """The leaves in a shop's own order of popularity, with their cumulated long-tailed weights.

    Zipf's law with Mandelbrot's shift: rank r weighs (r + 8) ** -0.8, so that the commonest leaf
    has about four times the products of the rarest.
    """
    leaves = list(stocked().leaves)
    Random(f"{seed}/demand").shuffle(leaves)
    weights = accumulate((rank + 8) ** -0.8 for rank in range(len(leaves)))
    return tuple(leaves), tuple(weights)


def _image(index: int, origin: int, seed: int, facts: Facts, side: int) -> bytes:
    # Pillow is loaded only where pictures are wanted.
    from productnet.catalog.store.rendering import encoded, picture, recompressed

    rng = Random(f"{seed}/{origin}/image")
    image = picture(facts.kind.drawing, facts.colour, side=side, rng=rng)
    if index != origin:
        rng = Random(f"{seed}/{index}/copy image")
        image = recompressed(image, rng)
    return encoded(image, quality=rng.randint(50, 92))


def _scrambled(index: int, seed: int, purpose: str) -> str:
    return f"{(index * _ID_FACTOR + _offset(seed, purpose)) % _ID_SPACE:010d}"


@lru_cache(maxsize=16)
def _offset(seed: int, purpose: str) -> int:
    return Random(f"{seed}/{purpose}").randrange(_ID_SPACE)
